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
