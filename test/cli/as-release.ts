// Makes the program of a test file a release, with keys of its own.

import { afterAll, beforeAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { makeKeys } from "../install/release.ts";

/** Gives the program this version and new release keys until the tests of the file end. `dir` is removed then. */
export function asRelease(version: string): { dir: string; keys: ReturnType<typeof makeKeys> } {
  const dir = mkdtempSync(`${tmpdir()}/edox-self-`);
  const keys = makeKeys(dir);
  const before = { EDOX_OPS_RELEASE_KEYS, EDOX_OPS_VERSION };
  beforeAll(() => {
    Object.assign(globalThis, { EDOX_OPS_RELEASE_KEYS: keys.publicKey, EDOX_OPS_VERSION: version });
  });
  afterAll(() => {
    Object.assign(globalThis, before);
    rmSync(dir, { recursive: true });
  });
  return { dir, keys };
}
