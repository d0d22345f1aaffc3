// Files and directories of any owner, in directories of users who plant links.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import type { Resource, StepResult } from "../../src/engine/step.ts";
import type { Host } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import { directory } from "../../src/resources/directory.ts";
import { file } from "../../src/resources/file.ts";
import { line } from "../../src/resources/line.ts";
import type { Owner } from "../../src/resources/owner.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";
import { runs } from "../runs.ts";

const readFileOr = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const keys = "/home/eve/.ssh/authorized_keys";
const keyFile = (owner: Owner, mode = 0o600): Resource =>
  file({ path: keys, name: "keys", title: "", mode, owner, text: () => Text.of("ssh-ed25519 AAAA\n") });

async function run(host: Host, ...resources: Resource[]): Promise<StepResult | undefined> {
  return (await converge([{ id: "step", title: "", resources }], host, { act: host }))[0];
}

describe("owner", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = fakeHost();
    host.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\neve:x:1000:1001::/home/eve:/bin/sh\n");
    host.put("/etc/group", "users:x:100:\n");
    host.dir("/home/eve", { uid: 1000, gid: 1001 });
    host.taught.push(([program]) => (program === "getent" ? { code: 2, stdout: "", stderr: "" } : undefined));
  });

  for (const id of ["", " ", "x", "-1", "0x3e8", "1e3", "4294967295", "99999999999"]) {
    test(`owner: a user or a group with the number '${id}' is none, as for the C library`, async () => {
      host.put("/etc/passwd", `eve:x:${id}:1001::/home/eve:/bin/sh\nmallory:x:1002:${id}::/:/bin/sh\n`);
      host.put("/etc/group", `users:x:${id}:\n`);
      for (const owner of [{ user: "eve" }, { user: "mallory" }, { user: 7, group: "users" }]) {
        const before = host.listing();
        expect((await run(host, keyFile(owner)))?.problem?.message).toMatch(/^(user|group) .* does not exist/);
        expect(host.listing()).toEqual(before);
      }
    });
  }

  test("file and directory: owner and mode are set by name, then left alone, and drift is corrected", async () => {
    const all = [directory("/home/eve/.ssh", 0o700, "ssh", { user: "eve" }), keyFile({ user: "eve", group: "users" })];
    expect((await run(host, ...all))?.outcome).toBe("changed");
    expect(host.stat("/home/eve/.ssh")).toMatchObject({ mode: 0o700, uid: 1000, gid: 1001 });
    expect(host.stat(keys)).toMatchObject({ mode: 0o600, uid: 1000, gid: 100 });
    expect((await run(host, ...all))?.outcome).toBe("ok");
    Object.assign(host.nodes.get(keys) ?? {}, { uid: 0 });
    Object.assign(host.nodes.get("/home/eve/.ssh") ?? {}, { mode: 0o777 });
    expect((await run(host, ...all))?.changes).toHaveLength(2);
    expect((await run(host, ...all))?.outcome).toBe("ok");
  });

  test("owner: a user of a directory service is found", async () => {
    host.dir("/home/eve/.ssh");
    host.taught.unshift(([program]) =>
      program === "getent" ? { code: 0, stdout: "ldap:x:70000:70001::/:/bin/sh\n", stderr: "" } : undefined,
    );
    expect((await run(host, keyFile({ user: "ldap" })))?.outcome).toBe("changed");
    expect(host.stat(keys)).toMatchObject({ uid: 70_000, gid: 70_001 });
  });

  test("owner: a missing user or group is an error, and unknown in a dry run in which an earlier step creates it", async () => {
    const create = (name: string): Resource => {
      const change: Change = { kind: "command", argv: ["useradd", name], reason: "" };
      return { name, title: "", check: () => [change] };
    };
    for (const owner of [{ user: "mallory" }, { user: "eve", group: "mallory" }]) {
      expect((await run(host, keyFile(owner)))?.problem?.message).toMatch(/^(user|group) mallory does not exist$/);
      const steps = [create("mallory"), keyFile(owner)].map((each) => ({
        id: each.name,
        title: "",
        resources: [each],
      }));
      const [, result] = await converge(steps, host, {});
      expect(result).toMatchObject({
        outcome: "unknown",
        unknown: [expect.stringMatching(/mallory does not exist yet$/)],
      });
      const [, other] = await converge(
        [{ ...steps[0], resources: [create("bob")] } as never, steps[1] as never],
        host,
        {},
      );
      expect(other?.outcome).toBe("failed");
    }
  });

  test("owner: a user by number needs a group", async () => {
    host.dir("/home/eve/.ssh");
    expect((await run(host, keyFile({ user: 1000 })))?.problem?.message).toContain("needs a group");
    expect((await run(host, keyFile({ user: 1000, group: 1001 })))?.outcome).toBe("changed");
  });
});

describe("in a directory of another user, on this machine", () => {
  const eve = 64_001;
  let root: string;
  let host: Host;
  beforeEach(() => {
    root = mkdtempSync(`${tmpdir()}/edox-ops-`);
    host = localHost(root);
    for (const dir of ["home", "home/eve", "etc"]) mkdirSync(`${root}/${dir}`);
    writeFileSync(`${root}/etc/authorized_keys`, "of root\n", { mode: 0o600 });
    chownSync(`${root}/home/eve`, eve, eve);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const owner: Owner = { user: eve, group: eve };
  const keyLine = line({ path: keys, title: "", state: "present", line: "ssh-ed25519 AAAA", mode: 0o600, owner });
  // A relative target stays below the root of the test, also for a host that follows it.
  const plant = (path: string, target: string): void => {
    symlinkSync(target, root + path);
    lchownSync(root + path, eve, eve);
  };

  test("a directory and files of the user are created", async () => {
    const result = await run(host, directory("/home/eve/.ssh", 0o700, "ssh", owner), keyFile(owner));
    expect(result?.problem?.message).toBeUndefined();
    expect(host.stat(keys)).toMatchObject({ mode: 0o600, uid: eve, gid: eve });
    expect((await run(host, keyLine))?.outcome).toBe("ok");
  });

  test("a link of the user to a directory of root is refused and named, for each resource", async () => {
    plant("/home/eve/.ssh", "../../etc");
    for (const each of [directory("/home/eve/.ssh", 0o700, "ssh", owner), keyFile(owner), keyLine]) {
      const { problem } = (await run(host, each)) ?? {};
      expect(problem?.message).toMatch(/^\/home\/eve\/\.ssh is a link/);
    }
    expect(readFileSync(`${root}/etc/authorized_keys`, "utf8")).toBe("of root\n");
  });

  test("a link and a hard link of the user in place of the file are refused, and nothing of root is read", async () => {
    mkdirSync(`${root}/home/eve/.ssh`);
    chownSync(`${root}/home/eve/.ssh`, eve, eve);
    plant(keys, "../../../etc/authorized_keys");
    for (const each of [keyFile(owner), keyLine]) expect((await run(host, each))?.outcome).toBe("failed");
    rmSync(root + keys);
    linkSync(`${root}/etc/authorized_keys`, root + keys);
    for (const each of [keyFile(owner), keyLine]) {
      expect((await run(host, each))?.problem?.message).toContain(`is a hard link in a directory of user ${eve}`);
    }
    expect(readFileSync(`${root}/etc/authorized_keys`, "utf8")).toBe("of root\n");
  });

  test("a link that is planted after the check is not followed by any change, and is named", () => {
    plant("/home/eve/.ssh", "../../etc");
    const attributes = { mode: 0o644, uid: eve, gid: eve };
    for (const change of [
      () => host.writeFile(keys, new Uint8Array(), attributes),
      () => host.makeDirectory("/home/eve/.ssh/new", attributes),
      () => host.setAttributes("/home/eve/.ssh", attributes),
      () => host.setAttributes("/home/eve/.ssh/.", attributes),
      () => host.makeLink(keys, "/x"),
      () => host.remove(keys),
      () => host.readOwn(keys),
    ]) {
      expect(change).toThrow(/\.ssh/);
    }
    expect(host.list("/etc")).toEqual(["authorized_keys"]);
    expect(host.stat("/etc/authorized_keys")).toMatchObject({ mode: 0o600, uid: 0, size: 8 });
    expect(host.stat("/etc")?.uid).toBe(0);
  });

  test("a link of the user to a directory of the same user is followed by a change that has begun", () => {
    mkdirSync(`${root}/home/eve/real`);
    chownSync(`${root}/home/eve/real`, eve, eve);
    plant("/home/eve/.ssh", "real");
    host.writeFile(keys, new Uint8Array(), { mode: 0o600, uid: eve, gid: eve });
    expect(host.list("/home/eve/real")).toEqual(["authorized_keys"]);
  });

  test("race: a user who exchanges a directory with a link gets no byte of root's file, and root's file stays", async () => {
    mkdirSync(`${root}/home/eve/.ssh`);
    chownSync(`${root}/home/eve/.ssh`, eve, eve);
    plant("/home/eve/link", "../../etc");
    const names = [`${root}/home/eve/.ssh`, `${root}/home/eve/link`];
    const script = `const { exchangeNames } = await import("${import.meta.dir}/../../src/host/local-libc.ts");
      console.log("begun");
      for (;;) exchangeNames(...${JSON.stringify(names)});`;
    // The directory itself, by whichever name it has.
    const own = openSync(`${root}/home/eve/.ssh`, "r");
    const racer = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore" });
    await racer.stdout.getReader().read();
    const outcomes: Record<string, number> = {};
    const end = Date.now() + runs(300, 10_000);
    // On a busy machine the user may not run in this time.
    while (Date.now() < end || (outcomes.failed === undefined && Date.now() < end + 15_000)) {
      rmSync(`/proc/self/fd/${own}/authorized_keys`, { force: true });
      const { outcome = "" } = (await run(host, keyLine)) ?? {};
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const written = readFileOr(`/proc/self/fd/${own}/authorized_keys`);
      expect(written).toBeOneOf(["", "ssh-ed25519 AAAA\n"]);
    }
    racer.kill();
    await racer.exited;
    closeSync(own);
    expect(outcomes.failed).toBeGreaterThan(0);
    expect([readFileSync(`${root}/etc/authorized_keys`, "utf8"), host.list("/etc")]).toEqual([
      "of root\n",
      ["authorized_keys"],
    ]);
  });
});
