// A run that was killed in a step with a journal: `recover`, and every next run, roll it back.

import { expect, test } from "bun:test";
import { Text } from "../../src/engine/change.ts";
import { lockPath } from "../../src/engine/paths.ts";
import { interrupt } from "../engine/killed-host.ts";
import { fakeDebian } from "../fake-debian.ts";
import { hold } from "../hints/cases.ts";
import { seenByUser } from "../hints/user-cases.ts";
import { typed } from "./typed.ts";

const path = "/etc/ssh/sshd_config";
const journal = "/var/lib/edox-ops/journal/ssh.harden";

/** `before`: command lines that run first. */
async function interrupted(...before: string[]) {
  const host = fakeDebian();
  for (const line of before) expect(await typed(line, host)).toMatchObject({ exit: 0, err: "" });
  host.put(path, "Port 22 # hunter2\n", { mode: 0o600 });
  const [old, after] = [Text.of("Port 22 # hunter2\n"), Text.of("Port 2222\n")];
  await interrupt(host, "ssh.harden", [
    { kind: "file", path, before: old, after, mode: 0o644, uid: 0, gid: 0 },
    { kind: "file", path: "/etc/ssh/new", before: null, after, mode: 0o644, uid: 0, gid: 0 },
  ]);
  return host;
}

test("recover: rolls back the interrupted run, logs it, and finds nothing the second time", async () => {
  const host = await interrupted();
  expect(await typed("recover", host)).toEqual({
    exit: 0,
    out: "changed  ssh.harden                the changes of an interrupted run are rolled back\n",
    err: "",
  });
  expect([host.text(path), host.stat(path)?.mode, host.stat("/etc/ssh/new")]).toEqual([
    "Port 22 # hunter2\n",
    0o600,
    null,
  ]);
  expect(host.text("/var/log/edox-ops/recover.log")).toMatch(
    /STEP ssh.harden START .*\n.* STEP ssh.harden SUCCESS .*\n.* STDOUT ssh.harden remove \/etc\/ssh\/new\n.* change \S+sshd_config /,
  );
  const before = host.listing();
  expect(await typed("recover", host)).toEqual({ exit: 0, out: "No interrupted run found.\n", err: "" });
  expect(host.listing()).toEqual(before);
});

test("recover --dry-run --diff: shows the changes without contents, which may be secret", async () => {
  const host = await interrupted();
  const { exit, out } = await typed("recover --dry-run --diff", host);
  expect(exit).toBe(0);
  expect(out).toContain(`           remove /etc/ssh/new\n           change ${path} (0600 root:root)\n`);
  const { out: json } = await typed("recover --diff --json", host);
  expect(JSON.parse(json)).toMatchObject({
    outcome: "changed",
    exit: 0,
    steps: [{ id: "ssh.harden", result: "changed" }],
  });
  expect(out + json).not.toMatch(/hunter2|2222/);
});

test("bootstrap: an interrupted run is rolled back before the first check, with a warning", async () => {
  const host = await interrupted();
  const { exit, out } = await typed("bootstrap --yes", host);
  const [first] = out.split("\n");
  const made = `remove /etc/ssh/new, change ${path} (0600 root:root)`;
  expect([exit, first]).toEqual([0, `warning: rolled back step ssh.harden of an interrupted run: ${made}`]);
  expect([host.text(path), host.stat(journal)]).toEqual(["Port 22 # hunter2\n", null]);
  expect((await typed("bootstrap --yes", host)).out).not.toContain("rolled back");
});

test("bootstrap --dry-run: an interrupted run is announced and not rolled back", async () => {
  const host = await interrupted();
  const before = host.listing();
  const { exit, out } = await typed("bootstrap --dry-run", host);
  expect([exit, out.split("\n")[0]]).toEqual([
    0,
    "warning: an interrupted run is rolled back first: `edox-ops recover --dry-run` shows its changes",
  ]);
  expect(host.listing()).toEqual(before);
});

test("bootstrap: an incomplete rollback stops the run before it changes anything", async () => {
  const host = await interrupted();
  host.broken.add(path);
  const { exit, err } = await typed("bootstrap --yes", host);
  expect([exit, err]).toEqual([
    1,
    `error: step ssh.harden of an interrupted run: no space left at /etc/ssh: not rolled back: ${path}: no space left on device\nhint: df -h /etc/ssh\n`,
  ]);
  expect([host.text(path), host.stat("/etc/nginx/conf.d/edox-ops-limits.conf")]).toEqual(["Port 2222\n", null]);
  expect(host.text(journal)).not.toBeNull();
  expect(host.text("/var/log/edox-ops/recover.log")).toContain("STEP ssh.harden FAILURE returncode=1");
});

test("recover: the journal of a running command is left alone", async () => {
  const host = await interrupted();
  const before = host.listing();
  hold(host, lockPath);
  expect(await typed("recover", host)).toMatchObject({
    exit: 75,
    err: expect.stringContaining("another run holds the lock"),
  });
  expect(await typed("recover --dry-run", host)).toMatchObject({ exit: 0, out: "No interrupted run found.\n" });
  expect((await typed("bootstrap --dry-run", host)).out).not.toContain("interrupted");
  expect(host.listing()).toEqual(before);
});

test("recover: a signal does not stop a rollback", async () => {
  const host = await interrupted();
  host.signal = { name: "SIGTERM", number: 15 };
  expect((await typed("recover", host)).exit).toBe(0);
  expect(host.text(path)).toBe("Port 22 # hunter2\n");
});

test("recover: without root the journal cannot be read, and nothing can be rolled back", async () => {
  const user = seenByUser(await interrupted(), "/var/lib/edox-ops/journal");
  for (const [line, message] of [
    ["recover --dry-run", "/var/lib/edox-ops/journal may only be read by root"],
    ["recover", "recover changes this host, which only root may"],
  ] as const) {
    expect(await typed(line, user)).toEqual({
      exit: 2,
      out: "",
      err: `error: ${message}\nhint: sudo edox-ops ${line}\n`,
    });
  }
  expect((await typed("bootstrap --dry-run", user)).out).not.toContain("interrupted");
});

test("doctor: an interrupted run is a warning, and a running one is not", async () => {
  const host = await interrupted();
  const line = async (): Promise<string | undefined> => {
    return (await typed("doctor", host)).out.split("\n").find((each) => each.includes("host:journal"));
  };
  expect(await line()).toBe(
    "[WARN] host:journal: a run was interrupted in ssh.harden: its changes are rolled back by the next run (run: edox-ops recover)",
  );
  hold(host, lockPath);
  expect(await line()).toBe("[OK] host:journal: a run changes this host (pid 4711)");
  host.locks.clear();
  await typed("recover", host);
  expect(await line()).toBe("[OK] host:journal: no run was interrupted");
  expect((await typed("doctor", fakeDebian())).out).not.toContain("host:journal");
});
