// What every host promises: the same for the one in memory and for this machine, below a folder of its own.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { Host } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import { fakeHost, ok } from "../fake-host.ts";

const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));

const me = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function fake(): Host {
  const host = fakeHost();
  host.taught.push((argv) => {
    if (argv[0] === "sh") return { code: 3, stdout: "out\n", stderr: "err\n" };
    return argv[0] === "no-such-program" ? { code: 127, stdout: "", stderr: "no-such-program is not installed" } : ok();
  });
  return host;
}

for (const [name, host] of Object.entries({ "the fake host": fake(), "this machine": localHost(folder) })) {
  describe(name, () => {
    test("what does not exist is null", () => {
      for (const path of ["/none", "/none/below"]) {
        expect([host.stat(path), host.read(path), host.readLink(path), host.list(path)]).toEqual([
          null,
          null,
          null,
          null,
        ]);
        expect(host.lockHolders(path)).toEqual([]);
      }
    });

    test("reading: a directory has no bytes, a file no names, and a link in a circle leads to nothing", () => {
      host.makeDirectory("/odd", { mode: 0o755, ...me });
      host.writeFile("/odd/file", bytes("x"), { mode: 0o600, ...me });
      host.makeLink("/odd/circle", "circle");
      expect([host.read("/odd"), host.tail("/odd", 1), host.map("/odd"), host.list("/odd/file")]).toEqual([
        null,
        null,
        null,
        null,
      ]);
      const circle = "/odd/circle";
      expect([host.read(circle), host.statTarget(circle), host.stat(circle)?.type]).toEqual([null, null, "link"]);
    });

    test("a file has what was written, its mode and owner, and nothing is left beside it", () => {
      host.makeDirectory("/d", { mode: 0o755, ...me });
      host.writeFile("/d/f", bytes("one"), { mode: 0o600, ...me });
      host.writeFile("/d/f", bytes("two"), { mode: 0o640, ...me });
      expect(Buffer.from(host.read("/d/f") ?? []).toString()).toBe("two");
      expect(host.stat("/d/f")).toMatchObject({ type: "file", mode: 0o640, size: 3, ...me });
      expect(host.list("/d")).toEqual(["f"]);
      expect([host.readLink("/d/f"), host.readLink("/d")]).toEqual([null, null]);
    });

    test("the end of a file is read without the rest", () => {
      host.writeFile("/tail", bytes("abcdef"), { mode: 0o600, ...me });
      expect(Buffer.from(host.tail("/tail", 2) ?? []).toString()).toBe("ef");
      expect(Buffer.from(host.tail("/tail", 99) ?? []).toString()).toBe("abcdef");
      expect(host.tail("/none", 1)).toBeNull();
      expect(Buffer.from(host.head("/tail", 2) ?? []).toString()).toBe("ab");
      expect(Buffer.from(host.head("/tail", 99) ?? []).toString()).toBe("abcdef");
      expect(host.head("/none", 1)).toBeNull();
    });

    test("a directory that is there is not made again", () => {
      host.makeDirectory("/twice", { mode: 0o755, ...me });
      expect(() => host.makeDirectory("/twice", { mode: 0o755, ...me })).toThrow("EEXIST");
    });

    test("a file is mapped with the bytes that are read, an empty one too", () => {
      host.writeFile("/map", bytes("mapped"), { mode: 0o600, ...me });
      expect(Buffer.from(host.map("/map") ?? []).toString()).toBe("mapped");
      host.writeFile("/map", bytes(""), { mode: 0o600, ...me });
      expect(host.map("/map")?.length).toBe(0);
      expect(host.map("/none")).toBeNull();
    });

    test("a file without a directory is refused", () => {
      expect(() => host.writeFile("/none/f", bytes(""), { mode: 0o600, ...me })).toThrow("ENOENT");
    });

    test("a log grows, and keeps its mode", () => {
      host.append("/log", "a\n", 0o644);
      host.append("/log", "b\n", 0o600);
      expect(Buffer.from(host.read("/log") ?? []).toString()).toBe("a\nb\n");
      expect(host.stat("/log")?.mode).toBe(0o644);
    });

    test("a link is seen as a link, and turned", () => {
      host.makeLink("/link", "/a");
      host.makeLink("/link", "/b");
      expect(host.stat("/link")?.type).toBe("link");
      expect(host.readLink("/link")).toBe("/b");
      expect(host.statTarget("/link")).toBeNull();
      host.makeLink("/link", "log");
      expect(host.statTarget("/link")).toMatchObject({ type: "file", size: 4 });
      expect(host.statTarget("/log")).toEqual(host.stat("/log"));
      host.remove("/link");
      expect(host.stat("/link")).toBeNull();
    });

    test("a directory gets its mode whatever the umask, and another when asked", () => {
      host.makeDirectory("/open", { mode: 0o777, ...me });
      expect(host.stat("/open")).toMatchObject({ type: "directory", mode: 0o777 });
      host.setAttributes("/open", { mode: 0o750, ...me });
      expect(host.stat("/open")?.mode).toBe(0o750);
      host.remove("/open");
      expect(host.stat("/open")).toBeNull();
    });

    test("lock: is held until it is released, in a directory that is made for its owner alone", () => {
      const held = host.lock("/locks/one");
      if (!("release" in held)) throw new Error("a free lock was not given");
      expect(host.lock("/locks/one")).toMatchObject({ pid: expect.any(Number), command: expect.any(String) });
      held.release();
      expect(host.lock("/locks/one")).toHaveProperty("release");
      expect(host.stat("/locks")).toMatchObject({ type: "directory", mode: 0o700, uid: me.uid });
    });

    test("lock: a directory that others can open, and a link to one, are refused", () => {
      host.makeDirectory("/open-locks", { mode: 0o711, ...me });
      host.makeDirectory("/own-locks", { mode: 0o700, ...me });
      host.makeLink("/linked-locks", "own-locks");
      for (const dir of ["/open-locks", "/linked-locks"]) {
        expect(() => host.lock(`${dir}/one`)).toThrow("is not a directory that only its owner can open");
      }
    });

    test("a program that fails answers its code, one that is missing 127", async () => {
      let heard = "";
      const onOutput = (text: string): void => {
        heard += text;
      };
      const output = await host.run(["sh", "-c", "echo out; echo err >&2; exit 3"], { onOutput });
      expect(output).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
      expect(heard).toContain("out");
      expect((await host.probe(["no-such-program"])).code).toBe(127);
    });

    test("the room of a place is told", () => {
      expect(host.space("/")?.bytesFree).toBeGreaterThan(0);
    });
  });
}

describe("this machine", () => {
  const own = localHost(folder);

  test("changes no mode through a link that somebody planted", () => {
    own.makeDirectory("/target", { mode: 0o700, ...me });
    own.makeLink("/planted", `${folder}/target`);
    expect(() => own.setAttributes("/planted", { mode: 0o777, ...me })).toThrow();
    expect(own.stat("/target")?.mode).toBe(0o700);
    own.setAttributes("/planted/.", { mode: 0o755, ...me });
    expect(own.stat("/target")?.mode).toBe(0o755);
  });
});

describe("this machine writes a file", () => {
  const own = localHost(folder);
  /** Whoever owns the directory can put something there before a file is written. */
  const temporary = `${folder}/planted-at/.f.edox-ops-new`;
  const victim = `${folder}/victim`;
  beforeEach(() => {
    rmSync(`${folder}/planted-at`, { recursive: true, force: true });
    mkdirSync(`${folder}/planted-at`);
    writeFileSync(victim, "victim", { mode: 0o600 });
  });

  for (const [what, plant] of Object.entries<() => unknown>({
    "a link to a file": () => symlinkSync(victim, temporary),
    "a second name of a file": () => linkSync(victim, temporary),
    "a link to nothing": () => symlinkSync(`${folder}/none`, temporary),
    "a pipe": () => Bun.spawnSync(["mkfifo", temporary]),
    "a file that all may write": () => writeFileSync(temporary, "x", { mode: 0o666 }),
  })) {
    test(`past ${what} that was planted under the temporary name`, () => {
      plant();
      own.writeFile("/planted-at/f", bytes("secret"), { mode: 0o600, ...me });
      expect([own.stat("/planted-at/f")?.type, own.stat("/planted-at/f")?.mode]).toEqual(["file", 0o600]);
      expect([readFileSync(victim, "utf8"), existsSync(`${folder}/none`), own.list("/planted-at")]).toEqual([
        "victim",
        false,
        ["f"],
      ]);
    });
  }

  test("not in a directory that was planted there, which is named", () => {
    mkdirSync(temporary);
    expect(() => own.writeFile("/planted-at/f", bytes("secret"), { mode: 0o600, ...me })).toThrow("/planted-at/");
    expect(own.stat("/planted-at/f")).toBeNull();
  });
});

describe("this machine's children", () => {
  const host = localHost();

  test("one that hangs is ended with all its children", async () => {
    const { code, stderr } = await host.run(["sh", "-c", "sleep 60 & wait"], { limitMs: 100 });
    expect(code).toBe(124);
    expect(stderr).toContain("no answer within 0.1 s");
  });

  test("one that ends in order is told so at its limit, and let finish what it does not end then", async () => {
    const options = { limitMs: 100, endsInOrder: true as const };
    const loop = "for i in $(seq 100); do sleep 0.1; done";
    expect((await host.run(["bash", "-c", `trap 'echo in order; exit 1' INT; ${loop}`], options)).stdout).toBe(
      "in order\n",
    );
    expect(await host.run(["bash", "-c", "trap '' INT; sleep 0.3; echo done"], options)).toMatchObject({
      code: 0,
      stdout: "done\n",
    });
    expect(await host.run(["sleep", "60"], options)).toMatchObject({ code: 124, stderr: "no answer within 0.1 s\n" });
  });

  test("a program that another user could change is not run as root, and the next of its name is", async () => {
    const script = `set -e; cd /usr/local/bin
      for name in edox-alone true; do printf '#!/bin/sh\\necho planted' >$name; chmod 757 $name; done`;
    const inside = `const { localHost } = await import("${import.meta.dir}/../../src/host/local.ts");
      const { run } = localHost();
      console.log(JSON.stringify([await run(["edox-alone"]), await run(["true"])]));`;
    // In a namespace of its own, so that this machine has none of it.
    const mounted = `mount -t tmpfs none /usr/local/bin && chmod 755 /usr/local/bin; ${script}; "$@"`;
    const unshared = ["unshare", "--mount", ...(me.uid === 0 ? [] : ["--map-root-user"])];
    const { stdout, stderr } = await host.run([...unshared, "sh", "-c", mounted, "sh", process.execPath, "-e", inside]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([
      { code: 126, stdout: "", stderr: "/usr/local/bin/edox-alone can be changed by others than root, and is not run" },
      { code: 0, stdout: "", stderr: "" },
    ]);
  });

  test("one that a signal ended answers 128 and its number", async () => {
    expect((await host.run(["sh", "-c", "kill -TERM $$"])).code).toBe(143);
  });

  test("one that leaves a daemon behind is not waited for after its own end", async () => {
    const start = performance.now();
    const { code, stdout } = await host.run(["sh", "-c", "echo up; setsid sleep 30 & exit 3"], { limitMs: 20_000 });
    expect([code, stdout]).toEqual([3, "up\n"]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("a heeded signal ends one that ends in order, and a sleep; the first is told", async () => {
    const signal = host.heedSignals();
    expect(signal()).toBeNull();
    const child = host.run(["sleep", "60"], { endsInOrder: true, onOutput: () => {} });
    const sleep = host.sleep(60_000);
    process.kill(process.pid, "SIGHUP");
    process.kill(process.pid, "SIGTERM");
    expect((await child).code).toBe(130);
    await sleep;
    expect(signal()).toEqual({ name: "SIGHUP", number: 1 });
    for (const name of ["SIGHUP", "SIGINT", "SIGTERM"]) process.removeAllListeners(name);
  });

  test("they have a clean environment, the proxies of ours, and no stdin", async () => {
    process.env.EVIL = "1";
    process.env.http_proxy = "http://proxy.test:3128";
    const { stdout } = await host.run(["env"], { env: { DEBIAN_FRONTEND: "noninteractive" } });
    delete process.env.http_proxy;
    expect(stdout.split("\n").filter(Boolean).sort()).toEqual([
      "DEBIAN_FRONTEND=noninteractive",
      "HOME=/root",
      "LC_ALL=C.UTF-8",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "http_proxy=http://proxy.test:3128",
    ]);
    expect((await host.run(["cat"])).stdout).toBe("");
  });

  test("none inherits a lock", async () => {
    const own = localHost(folder);
    const held = own.lock("/inherited");
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const sleeper = host.run(["sh", "-c", "echo up; sleep 1"], { onOutput: () => resolve() });
    // Until it runs its own program, a child is a copy of this process, locks and all.
    await up;
    if (!("release" in held)) throw new Error("a free lock was not given");
    held.release();
    expect(own.lock("/inherited")).toHaveProperty("release");
    await sleeper;
  });
});
