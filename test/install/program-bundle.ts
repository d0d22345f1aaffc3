// A bundle with the program of a release, as the installer and self-update take it.

import { copyFileSync, mkdtempSync } from "node:fs";
import { localHost } from "../../src/host/local.ts";
import { makeBundle } from "../bundle/small.ts";
import type { Made } from "./release.ts";

export const program = "edox-ops-linux-x64.gz";
const released = [program, "SHA256SUMS", "SHA256SUMS.sig"];

interface Wanted {
  /** Modifies the files in a folder before they are packed. */
  change?: (dir: string) => void;
  partBytes?: number;
}

/** Writes a bundle with these files of a release below `top`. Returns the paths of its parts. */
export function programBundle(top: string, { folder, version }: Made, wanted: Wanted = {}): Promise<string[]> {
  const { change, partBytes } = wanted;
  const dir = mkdtempSync(`${top}/program-`);
  for (const name of released) copyFileSync(`${folder}/${name}`, `${dir}/${name}`);
  change?.(dir);
  const contents = Object.fromEntries(released.map((name) => [`program/${name}`, `${dir}/${name}`]));
  // The installer does not read what follows the program.
  const rest = { "sites/handbook.tar": new Uint8Array(100_000) };
  const changes = { program: { version, path: `program/${program}` } };
  const made = { changes, ...(partBytes !== undefined && { partBytes }) };
  return makeBundle(localHost(), `${dir}.tar`, { ...contents, ...rest }, made);
}
