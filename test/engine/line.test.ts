// A line of a step in the file of another user, who may exchange the way to it.

import { expect, test } from "bun:test";
import { undo } from "../../src/engine/inverse.ts";
import { fakeHost } from "../fake-host.ts";

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
