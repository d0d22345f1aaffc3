import { expect, test } from "bun:test";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import type { Step } from "../../src/engine/step.ts";
import { transact } from "../../src/engine/transact.ts";
import { fakeHost, ok } from "../fake-host.ts";

const attributes = { mode: 0o644, uid: 0, gid: 0 };
const file = (path: string, before: string | null, after: string): Change => ({
  kind: "file",
  path,
  before: before === null ? null : Text.of(before),
  after: Text.of(after),
  ...attributes,
});
const refused: Change = { kind: "command", argv: ["false"], lack: "x" };

async function failing(changes: Change[], host = fakeHost()): Promise<string> {
  host.taught.push((argv) => (argv[0] === "false" ? { code: 1, stdout: "", stderr: "no\n" } : ok()));
  const error = await transact(changes, host, async () => {}).catch((error: Error) => error);
  return (error as Error).message;
}

test("every kind of change is put back, in reverse", async () => {
  const host = fakeHost();
  host.put("/a", "old", { mode: 0o600 });
  host.put("/gone", "kept");
  host.link("/link", "/one");
  host.dir("/dir", { mode: 0o700 });
  const before = host.listing();
  const changes: Change[] = [
    file("/a", "old", "new"),
    { kind: "removal", path: "/gone", before: Text.of("kept") },
    { kind: "link", path: "/link", before: "/one", after: null },
    { kind: "link", path: "/new-link", before: null, after: "/two" },
    { kind: "directory", path: "/dir", before: { mode: 0o700, uid: 0, gid: 0 }, ...attributes, mode: 0o755 },
    { kind: "directory", path: "/made", before: null, ...attributes },
    file("/made/b", null, "b"),
    refused,
  ];
  expect(await failing(changes, host)).toBe("false failed; the files were put back");
  expect(host.listing()).toEqual(before);
});

test("what could not be put back is told, and nothing else is claimed", async () => {
  const host = fakeHost();
  host.put("/a", "old");
  const again: Change = { ...refused, again: true };
  host.taught.push((argv) => {
    if (argv[0] === "false") host.broken.add("/a");
    return undefined;
  });
  expect(await failing([file("/a", "old", "new"), again], host)).toBe(
    "false failed; not put back: /a: no space left on device; false fails as well",
  );
});

test("what somebody else did while it was waited for is not done again", async () => {
  const host = fakeHost();
  const step: Step = {
    id: "a",
    title: "",
    requires: [{ name: "w", title: "", waitMs: 5000, check: (see) => (see.stat("/a") ? null : { reason: "not yet" }) }],
    wants: [{ name: "a", title: "", check: (see) => (see.stat("/a") ? [] : [file("/a", null, "ours")]) }],
  };
  const watch = { waiting: () => host.put("/a", "theirs") };
  const [result] = await converge([step], host, { act: host, watch });
  expect(result).toMatchObject({ outcome: "ok", changes: [] });
  expect(host.text("/a")).toBe("theirs");
});
