// apt's marks of packages that were installed as dependencies. apt writes the file without a sync, and refuses to do
// anything while it cannot read it.

import type { Output } from "../host/host.ts";
import type { Run } from "./run.ts";

const path = "/var/lib/apt/extended_states";
const asidePath = `${path}.damaged`;

/**
 * Moves the marks aside if apt failed because a power cut or a full disk damaged them. Returns the warning, or null if
 * that is not the reason. apt begins a new file, and then offers none of the packages of the old one to autoremove.
 */
export async function moveDamagedMarks({ code, stderr }: Output, run: Run): Promise<string | null> {
  if (code === 0 || !stderr.includes(`Unable to parse package file ${path}`)) return null;
  if ((await run("mv", "-T", path, asidePath)).code !== 0) return null;
  return `${path} was damaged, and is now ${asidePath}: apt has forgotten which packages were installed automatically`;
}
