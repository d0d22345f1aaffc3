import { expect, test } from "bun:test";
import { type Change, root, Text } from "../../src/engine/change.ts";
import { overlay } from "../../src/engine/overlay.ts";
import { textOf } from "../../src/host/text-file.ts";
import { fakeHost } from "../fake-host.ts";

test("overlay: planned files and links are visible, also through an existing link", () => {
  const host = fakeHost();
  for (const path of ["/sites", "/sites/on"]) host.dir(path);
  host.put("/sites/a", "old a");
  host.put("/sites/b", "b");
  host.link("/sites/on/a", "/sites/a");
  host.link("/sites/on/b", "/sites/b");
  const file = { kind: "file" as const, before: null, mode: 0o644, ...root };
  const ahead: Change[] = [
    { ...file, path: "/sites/a", after: Text.of("new a") },
    { ...file, path: "/sites/c", after: Text.of("c") },
    { kind: "link", path: "/sites/on/b", before: "/sites/b", after: null },
    { kind: "link", path: "/sites/on/c", before: null, after: "/sites/c" },
    { kind: "removal", path: "/sites/b", before: Text.of("b") },
  ];
  const reader = overlay(host, ahead);
  expect(reader.list("/sites/on")).toEqual(["a", "c"]);
  expect(["/sites/on/a", "/sites/on/b", "/sites/on/c", "/sites/b"].map((path) => textOf(reader, path))).toEqual([
    "new a",
    null,
    "c",
    null,
  ]);
  expect([reader.stat("/sites/on/c")?.type, reader.stat("/sites/c")?.size, reader.stat("/sites/b")]).toEqual([
    "link",
    1,
    null,
  ]);
  expect(["/sites/on/a", "/sites/on/c", "/sites/c"].map((path) => reader.statTarget(path)?.size)).toEqual([5, 1, 1]);
  expect(["/sites/on/b", "/sites/b"].map((path) => reader.statTarget(path))).toEqual([null, null]);
  expect(reader.readLink("/sites/on/b")).toBeNull();
  host.remove("/sites/on/a");
  expect([reader.list("/sites/on"), reader.list("/none")]).toEqual([["c"], null]);
  expect(overlay(host, ahead.slice(2, 3)).list("/sites/on")).toEqual([]);
  expect(textOf(host, "/sites/a")).toBe("old a");
});
