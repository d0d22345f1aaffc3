// Entries that even root cannot remove, as the kernel reports them.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { localTrees } from "../../src/host/local-trees.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-pinned-`);
afterAll(() => rmSync(dir, { recursive: true }));
const { pinned } = localTrees();

describe("pinned", () => {
  test("reports a mount point, but not a link to one", () => {
    symlinkSync("/proc", `${dir}/link`);
    expect([pinned("/proc"), pinned(`${dir}/link`)]).toEqual(["mount point", null]);
  });

  test("returns null for a file, a directory and a missing path", () => {
    writeFileSync(`${dir}/file`, "x");
    expect([pinned(`${dir}/file`), pinned(dir), pinned(`${dir}/none`)]).toEqual([null, null, null]);
  });

  for (const [flag, answer] of [
    ["i", "immutable"],
    ["a", "append-only"],
  ] as const) {
    test(`returns the attribute that chattr +${flag} sets, if this user and file system can set it`, () => {
      const path = `${dir}/${answer}`;
      writeFileSync(path, "x");
      const { success } = Bun.spawnSync(["chattr", `+${flag}`, path], { stderr: "ignore" });
      expect(pinned(path)).toBe(success ? answer : null);
      if (success) expect(Bun.spawnSync(["chattr", `-${flag}`, path]).success).toBe(true);
      expect(pinned(path)).toBeNull();
    });
  }
});
