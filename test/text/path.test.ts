import { expect, test } from "bun:test";
import { nameOf, parentOf } from "../../src/text/path.ts";

test("paths: the parent and the name of absolute, relative and single-component paths", () => {
  expect(["/a/b", "/a", "a/b", "a"].map((path) => [parentOf(path), nameOf(path)])).toEqual([
    ["/a", "b"],
    ["/", "a"],
    ["a", "b"],
    ["", "a"],
  ]);
});
