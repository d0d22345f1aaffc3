// A line of a step in the file of another user, who may exchange the way to it.

import { expect, test } from "bun:test";
import { undo } from "../../src/engine/inverse.ts";
import { fakeHost } from "../fake-host.ts";
import { processorTime } from "../processor-time.ts";

test("line: a user who exchanges the directory for a link neither fails the rollback nor leads it elsewhere", async () => {
  const host = fakeHost();
  const line = "ssh-ed25519 AAAA probe";
  host.put("/root/.ssh/keys", `${line}\n`, { mode: 0o600 });
  host.put("/etc/canary", "");
  host.dir("/home/eve", { uid: 7 });
  host.link("/home/eve/.ssh", "/root/.ssh");
  Object.assign(host.nodes.get("/home/eve/.ssh") ?? {}, { uid: 7 });
  host.put("/home/eve/.ssh/keys", `${line}\n`, { uid: 7 });
  const before = host.listing("/root");
  const inverses = [
    { kind: "line" as const, path: "/home/eve/.ssh/keys", line },
    { kind: "absent" as const, path: "/etc/canary" },
  ];
  expect(await undo(host, inverses)).toMatchObject({ failures: [], changes: [{ path: "/etc/canary" }] });
  expect(host.listing("/root")).toEqual(before);
});

test("line: a disk that cannot be written is a failure of the rollback", async () => {
  const host = fakeHost();
  host.put("/home/eve/keys", "probe\n", { uid: 7 });
  host.broken.add("/home/eve/keys");
  const { failures } = await undo(host, [{ kind: "line", path: "/home/eve/keys", line: "probe" }]);
  expect(failures).toMatchObject([{ code: "no-space" }]);
});

test("line: it is removed wherever it is a whole line, and from a file with millions of lines", async () => {
  const host = fakeHost();
  const after = async (text: string): Promise<string> => {
    host.put("/home/eve/keys", text, { uid: 7 });
    await undo(host, [{ kind: "line", path: "/home/eve/keys", line: "probe" }]);
    return Buffer.from(host.read("/home/eve/keys") ?? []).toString();
  };
  const cases: [text: string, expected: string][] = [
    ["probe\na\n", "a\n"],
    ["a\nprobe", "a\n"],
    ["probe\nprobe\n\nprobe\nb", "\nb"],
    ["probes\na probe\nprobe \n", "probes\na probe\nprobe \n"],
    ["probe", ""],
    ["a\nprobeprobe\nprobe\n", "a\nprobeprobe\n"],
  ];
  for (const [text, expected] of cases) expect([text, await after(text)]).toEqual([text, expected]);
  const seconds = await processorTime(async () => {
    expect((await after(`${"\n".repeat(20_000_000)}probe\n`)).length).toBe(20_000_000);
  });
  expect(seconds).toBeLessThan(3);
});

test("line: a rollback restores a file that got a line, and keeps what others have written to it since", async () => {
  const host = fakeHost();
  const keys = "/home/eve/keys";
  const after = async (former: string | null, text: string): Promise<string | null> => {
    host.put(keys, text, { mode: 0o640, uid: 7 });
    const state = former === null ? { kind: "absent" as const } : { kind: "file" as const, bytes: Buffer.from(former) };
    const inverse = { ...state, path: keys, mode: 0o640, uid: 7, gid: 0, added: "ours" };
    // A recovery that was killed too is repeated.
    for (let i = 0; i < 2; i++) expect(await undo(host, [inverse])).toMatchObject({ failures: [] });
    return host.stat(keys) && Buffer.from(host.read(keys) ?? []).toString();
  };
  const cases: [former: string | null, now: string, expected: string | null][] = [
    [null, "ours\n", null],
    [null, "ours\ntheirs\n", "theirs\n"],
    [null, "theirs\n", "theirs\n"],
    ["a\n", "a\nours\n", "a\n"],
    ["a", "a\nours\n", "a"],
    ["a\r\n", "a\r\nours\r\n", "a\r\n"],
    ["a\n", "a\nours\ntheirs\n", "a\ntheirs\n"],
    ["a\n", "ours\n", ""],
    ["a\n", "a\n", "a\n"],
  ];
  for (const [former, now, expected] of cases)
    expect([former, now, await after(former, now)]).toEqual([former, now, expected]);
});
