// The contract of every host. The host in memory and this machine, in a temporary directory, both have to meet it.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
    test("read methods: return null for a path that does not exist", () => {
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

    test("read methods: return null for the wrong file type and for a circle of links", () => {
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

    test("writeFile: sets content, mode and owner, and leaves no other file behind", () => {
      host.makeDirectory("/d", { mode: 0o755, ...me });
      host.writeFile("/d/f", bytes("one"), { mode: 0o600, ...me });
      host.writeFile("/d/f", bytes("two"), { mode: 0o640, ...me });
      expect(Buffer.from(host.read("/d/f") ?? []).toString()).toBe("two");
      expect(host.stat("/d/f")).toMatchObject({ type: "file", mode: 0o640, size: 3, ...me });
      expect(host.list("/d")).toEqual(["f"]);
      expect([host.readLink("/d/f"), host.readLink("/d")]).toEqual([null, null]);
    });

    test("openFile: reads by position, ends at the end of the file, and opens nothing but a regular file", () => {
      host.writeFile("/large", bytes("0123456789"), { mode: 0o600, ...me });
      host.makeDirectory("/no-file", { mode: 0o755, ...me });
      const file = host.openFile("/large");
      expect(file?.size).toBe(10);
      const texts = [file?.read(2, 3), file?.read(8, 5), file?.read(20, 1)].map((each) => Buffer.from(each ?? []));
      expect(texts.map(String)).toEqual(["234", "89", ""]);
      file?.close();
      expect([host.openFile("/no-file"), host.openFile("/none")]).toEqual([null, null]);
    });

    test("createFile: the file has its name, mode and whole content only after the commit", () => {
      const before = host.list("/");
      const aborted = host.createFile("/pieces", { mode: 0o640, ...me });
      aborted.write(bytes("lost"));
      aborted.abort();
      expect(host.list("/")).toEqual(before);
      const file = host.createFile("/pieces", { mode: 0o640, ...me });
      file.write(bytes("one "));
      expect(host.read("/pieces")).toBeNull();
      file.write(bytes("two"));
      file.commit();
      file.abort();
      expect(Buffer.from(host.read("/pieces") ?? []).toString()).toBe("one two");
      expect(host.stat("/pieces")).toMatchObject({ mode: 0o640, size: 7 });
    });

    test("head and tail: read only the ends of a file", () => {
      host.writeFile("/tail", bytes("abcdef"), { mode: 0o600, ...me });
      expect(Buffer.from(host.tail("/tail", 2) ?? []).toString()).toBe("ef");
      expect(Buffer.from(host.tail("/tail", 99) ?? []).toString()).toBe("abcdef");
      expect(host.tail("/none", 1)).toBeNull();
      expect(Buffer.from(host.head("/tail", 2) ?? []).toString()).toBe("ab");
      expect(Buffer.from(host.head("/tail", 99) ?? []).toString()).toBe("abcdef");
      expect(host.head("/none", 1)).toBeNull();
    });

    test("makeDirectory: fails if the directory exists", () => {
      host.makeDirectory("/twice", { mode: 0o755, ...me });
      expect(() => host.makeDirectory("/twice", { mode: 0o755, ...me })).toThrow("EEXIST");
    });

    test("map: returns the content of a file, also of an empty one", () => {
      host.writeFile("/map", bytes("mapped"), { mode: 0o600, ...me });
      expect(Buffer.from(host.map("/map") ?? []).toString()).toBe("mapped");
      host.writeFile("/map", bytes(""), { mode: 0o600, ...me });
      expect(host.map("/map")?.length).toBe(0);
      expect(host.map("/none")).toBeNull();
    });

    test("writeFile: fails if the directory does not exist", () => {
      expect(() => host.writeFile("/none/f", bytes(""), { mode: 0o600, ...me })).toThrow("ENOENT");
    });

    test("append: extends a log and keeps its mode", () => {
      host.append("/log", "a\n", 0o644);
      host.append("/log", "b\n", 0o600);
      expect(Buffer.from(host.read("/log") ?? []).toString()).toBe("a\nb\n");
      expect(host.stat("/log")?.mode).toBe(0o644);
    });

    test("removeTemporary: removes what a killed write left beside a path, and nothing else", () => {
      host.writeFile("/left", bytes("whole"), { mode: 0o600, ...me });
      host.writeFile("/.left.edox-ops-new", bytes("ha"), { mode: 0o600, ...me });
      for (const path of ["/left", "/left", "/none"]) host.removeTemporary(path);
      expect([host.stat("/.left.edox-ops-new"), host.stat("/left")?.size]).toEqual([null, 5]);
    });

    test("makeLink: replaces a symbolic link, which stat does not follow", () => {
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

    test("makeDirectory: sets the mode regardless of the umask, and setAttributes changes it", () => {
      host.makeDirectory("/open", { mode: 0o777, ...me });
      expect(host.stat("/open")).toMatchObject({ type: "directory", mode: 0o777 });
      host.setAttributes("/open", { mode: 0o750, ...me });
      expect(host.stat("/open")?.mode).toBe(0o750);
      host.remove("/open");
      expect(host.stat("/open")).toBeNull();
    });

    test("lock: is held until it is released, and its directory is created for the owner alone", () => {
      const held = host.lock("/locks/one");
      if (!("release" in held)) throw new Error("a free lock was not given");
      expect(host.lock("/locks/one")).toMatchObject({ pid: expect.any(Number), command: expect.any(String) });
      held.release();
      expect(host.lock("/locks/one")).toHaveProperty("release");
      expect(host.stat("/locks")).toMatchObject({ type: "directory", mode: 0o700, uid: me.uid });
    });

    test("lock: rejects a directory that others can open, and a link to a directory", () => {
      host.makeDirectory("/open-locks", { mode: 0o711, ...me });
      host.makeDirectory("/own-locks", { mode: 0o700, ...me });
      host.makeLink("/linked-locks", "own-locks");
      for (const dir of ["/open-locks", "/linked-locks"]) {
        expect(() => host.lock(`${dir}/one`)).toThrow("is not a directory that only its owner can open");
      }
    });

    test("run: returns the exit code of a failed program, and 127 for a missing one", async () => {
      let heard = "";
      const onOutput = (text: string): void => {
        heard += text;
      };
      const output = await host.run(["sh", "-c", "echo out; echo err >&2; exit 3"], { onOutput });
      expect(output).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
      expect(heard).toContain("out");
      expect((await host.probe(["no-such-program"])).code).toBe(127);
    });

    test("space: returns the free bytes of a file system", () => {
      expect(host.space("/")?.bytesFree).toBeGreaterThan(0);
    });
  });
}

describe("localHost", () => {
  const own = localHost(folder);

  test("setAttributes: does not change the mode through a planted symbolic link", () => {
    own.makeDirectory("/target", { mode: 0o700, ...me });
    own.makeLink("/planted", "target");
    expect(() => own.setAttributes("/planted", { mode: 0o777, ...me })).toThrow();
    expect(own.stat("/target")?.mode).toBe(0o700);
    own.setAttributes("/planted/.", { mode: 0o755, ...me });
    expect(own.stat("/target")?.mode).toBe(0o755);
  });
});

describe("localHost.append", () => {
  test("fails if the disk takes only a part of the text", async () => {
    const inside = `const { localHost } = await import("${import.meta.dir}/../../src/host/local.ts");
      const host = localHost();
      try { host.append("/mnt/log", "x".repeat(100_000), 0o600, true); } catch (error) { console.log(error.message); }
      console.log(host.stat("/mnt/log").size < 100_000);`;
    const unshared = ["unshare", "--mount", ...(me.uid === 0 ? [] : ["--map-root-user"])];
    const line = 'mount -t tmpfs -o size=64k none /mnt && "$@"';
    const argv = [...unshared, "sh", "-c", line, "sh", process.execPath, "-e", inside];
    expect((await localHost().run(argv)).stdout).toBe("ENOSPC: no space left on device, write '/mnt/log'\ntrue\n");
  });
});

describe("localHost.removeTemporary", () => {
  test("a read-only file system without a temporary file is no failure, and one with it is", async () => {
    const inside = `const { localHost } = await import("${import.meta.dir}/../../src/host/local.ts");
      const host = localHost();
      host.removeTemporary("/mnt/keys");
      try { host.removeTemporary("/mnt/left"); } catch (error) { console.log(error.code); }`;
    const unshared = ["unshare", "--mount", ...(me.uid === 0 ? [] : ["--map-root-user"])];
    const mounted = "mount -t tmpfs none /mnt && touch /mnt/.left.edox-ops-new && mount -o remount,ro /mnt";
    const argv = [...unshared, "sh", "-c", `${mounted} && "$@"`, "sh", process.execPath, "-e", inside];
    expect(await localHost().run(argv)).toMatchObject({ code: 0, stdout: "EROFS\n" });
  });
});

describe("localHost.writeFile", () => {
  const own = localHost(folder);
  /** The owner of the directory can create entries in it before a file is written. */
  const temporary = `${folder}/planted-at/.f.edox-ops-new`;
  const victim = `${folder}/victim`;
  beforeEach(() => {
    rmSync(`${folder}/planted-at`, { recursive: true, force: true });
    mkdirSync(`${folder}/planted-at`);
    writeFileSync(victim, "victim", { mode: 0o600 });
  });

  for (const [what, plant] of Object.entries<() => unknown>({
    "a link to a file": () => symlinkSync(victim, temporary),
    "a hard link to a file": () => linkSync(victim, temporary),
    "a dangling link": () => symlinkSync(`${folder}/none`, temporary),
    "a pipe": () => Bun.spawnSync(["mkfifo", temporary]),
    "a world-writable file": () => writeFileSync(temporary, "x", { mode: 0o666 }),
  })) {
    test(`replaces ${what} planted at the temporary path, without writing through it`, () => {
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

  test("names the path if its directory is a file", () => {
    const write = () => own.writeFile("/victim/f", bytes("secret"), { mode: 0o600, ...me });
    expect(write).toThrow(/^ENOTDIR: not a directory, .*\/victim\/f'$/);
    expect(() => own.makeLink("/victim/f", "target")).toThrow(/^ENOTDIR: not a directory, .*\/victim\//);
  });

  test("fails and names the path if a directory is planted at the temporary path", () => {
    mkdirSync(temporary);
    expect(() => own.writeFile("/planted-at/f", bytes("secret"), { mode: 0o600, ...me })).toThrow("/planted-at/");
    expect(own.stat("/planted-at/f")).toBeNull();
  });
});

test("localHost.createFile: a commit over a directory names it, and leaves nothing after the abort", () => {
  const dir = mkdtempSync(`${tmpdir()}/edox-ops-contract-`);
  try {
    mkdirSync(`${dir}/taken`);
    const file = localHost().createFile(`${dir}/taken`, { mode: 0o600 });
    file.write(new TextEncoder().encode("text"));
    expect(() => file.commit()).toThrow(/^(?!.*edox-ops-new).*taken/);
    file.abort();
    expect(readdirSync(dir)).toEqual(["taken"]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("localHost.createFile: an error names the file itself", () => {
  expect(() => localHost().createFile("/proc/b.tar", { mode: 0o600 })).toThrow("'/proc/b.tar'");
});

describe("localHost.run: input", () => {
  const own = localHost();
  const large = Buffer.alloc(300_000, "x");

  test("reaches the stdin of the program, which sees its end", async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20; i++) yield large;
    }
    expect((await own.run(["wc", "-c"], { input: pieces() })).stdout).toBe("6000000\n");
  });

  test("a program that ends before it has read everything decides by its exit code", async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 100; i++) yield large;
    }
    // One program seldom closes its stdin during a write.
    const runs = Array.from({ length: 32 }, () =>
      own.run(["sh", "-c", "head -c 10 >/dev/null; exit 4"], { input: pieces() }),
    );
    expect(new Set((await Promise.all(runs)).map(({ code }) => code))).toEqual(new Set([4]));
  });

  test("an error of the input kills the program, and is thrown", async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield large;
      throw new Error("the stick was pulled out");
    }
    const marker = `${folder}/input-was-whole`;
    const run = own.run(["sh", "-c", 'cat >/dev/null; echo >"$1"', "sh", marker], { input: pieces() });
    expect(run).rejects.toThrow("the stick was pulled out");
    await run.catch(() => undefined);
    expect(existsSync(marker)).toBe(false);
  });
});

describe("localHost.run", () => {
  const host = localHost();

  test("timeout: a program that hangs is killed with all its children", async () => {
    const { code, stderr } = await host.run(["sh", "-c", "sleep 60 & wait"], { limitMs: 100 });
    expect(code).toBe(124);
    expect(stderr).toContain("no answer within 0.1 s");
  });

  test("timeout: a program that stops gracefully gets SIGINT, and runs to its end if it ignores it", async () => {
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

  test("stderr: a program is killed with its children once it prints what ends it", async () => {
    const endsWhen = (text: string) => text.includes("enough");
    const { code, stderr } = await host.run(["sh", "-c", "echo first >&2; echo enough >&2; sleep 60 & wait"], {
      endsWhen,
    });
    expect([code, stderr]).toEqual([137, "first\nenough\n"]);
    const options = { endsWhen: () => false };
    expect(await host.run(["sh", "-c", "echo first >&2"], options)).toMatchObject({ code: 0, stderr: "first\n" });
  });

  test("stderr: a line that arrives in parts is read as one line", async () => {
    const lines: string[] = [];
    const endsWhen = (line: string) => lines.push(line) > 1;
    const script = "printf 'retry' >&2; sleep 0.1; printf 'ing after\\nlast\\n' >&2; sleep 60";
    expect(await host.run(["sh", "-c", script], { endsWhen })).toMatchObject({ code: 137 });
    expect(lines).toEqual(["retrying after", "last"]);
  });

  test("program path: skips a program that another user could change, and runs the next one of its name", async () => {
    const script = `set -e; cd /usr/local/bin
      for name in edox-alone true; do printf '#!/bin/sh\\necho planted' >$name; chmod 757 $name; done`;
    const inside = `const { localHost } = await import("${import.meta.dir}/../../src/host/local.ts");
      const { run } = localHost();
      console.log(JSON.stringify([await run(["edox-alone"]), await run(["true"])]));`;
    // A mount namespace keeps the planted programs off this machine.
    const mounted = `mount -t tmpfs none /usr/local/bin && chmod 755 /usr/local/bin; ${script}; "$@"`;
    const unshared = ["unshare", "--mount", ...(me.uid === 0 ? [] : ["--map-root-user"])];
    const { stdout, stderr } = await host.run([...unshared, "sh", "-c", mounted, "sh", process.execPath, "-e", inside]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([
      { code: 126, stdout: "", stderr: "/usr/local/bin/edox-alone can be changed by others than root, and is not run" },
      { code: 0, stdout: "", stderr: "" },
    ]);
  });

  test("exit code: 128 plus the signal number for a program that was killed", async () => {
    expect((await host.run(["sh", "-c", "kill -TERM $$"])).code).toBe(143);
  });

  test("daemons: does not wait for a daemon that the program leaves behind", async () => {
    const start = performance.now();
    const { code, stdout } = await host.run(["sh", "-c", "echo up; setsid sleep 30 & exit 3"], { limitMs: 20_000 });
    expect([code, stdout]).toEqual([3, "up\n"]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("signals: stop a graceful program and a sleep, and the first one is recorded", async () => {
    // A process keeps its first signal, so this one runs in a process of its own.
    const inside = `const { localHost } = await import("${import.meta.dir}/../../src/host/local.ts");
      const host = localHost();
      const signal = host.catchSignals();
      const before = signal();
      const child = host.run(["sleep", "60"], { endsInOrder: true, onOutput: () => {} });
      const sleep = host.sleep(60_000);
      for (const name of ["SIGHUP", "SIGTERM"]) process.kill(process.pid, name);
      const { code } = await child;
      await sleep;
      console.log(JSON.stringify([before, code, signal()]));
      process.exit();`;
    const { stdout, stderr } = await host.run([process.execPath, "-e", inside]);
    expect([JSON.parse(stdout), stderr]).toEqual([[null, 130, { name: "SIGHUP", number: 1 }], ""]);
  });

  test("environment: is clean except for the proxies, and stdin is empty", async () => {
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

  test("locks: no child inherits one", async () => {
    const own = localHost(folder);
    const held = own.lock("/inherited");
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const sleeper = host.run(["sh", "-c", "echo up; sleep 1"], { onOutput: () => resolve() });
    // Until it executes its program, a child is a copy of this process, including its locks.
    await up;
    if (!("release" in held)) throw new Error("a free lock was not given");
    held.release();
    expect(own.lock("/inherited")).toHaveProperty("release");
    await sleeper;
  });
});
