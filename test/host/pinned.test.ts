// What the kernel keeps even from root, as this machine tells it.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { localTrees } from "../../src/host/local-trees.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-pinned-`);
afterAll(() => rmSync(dir, { recursive: true }));
const { pinned } = localTrees();

describe("trees.pinned", () => {
  test("names a mount point, and no link to one", () => {
    symlinkSync("/proc", `${dir}/link`);
    expect([pinned("/proc"), pinned(`${dir}/link`)]).toEqual(["mount point", null]);
  });

  test("is null for a file, a directory and what is not there", () => {
    writeFileSync(`${dir}/file`, "x");
    expect([pinned(`${dir}/file`), pinned(dir), pinned(`${dir}/none`)]).toEqual([null, null, null]);
  });

  for (const [flag, answer] of [
    ["i", "immutable"],
    ["a", "append-only"],
  ] as const) {
    test(`names what chattr +${flag} made so, where this user and file system may`, () => {
      const path = `${dir}/${answer}`;
      writeFileSync(path, "x");
      const { success } = Bun.spawnSync(["chattr", `+${flag}`, path], { stderr: "ignore" });
      expect(pinned(path)).toBe(success ? answer : null);
      if (success) expect(Bun.spawnSync(["chattr", `-${flag}`, path]).success).toBe(true);
      expect(pinned(path)).toBeNull();
    });
  }
});
