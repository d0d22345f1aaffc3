// A clean clone of this project, as a pipeline or a developer has it.

import { soak } from "./rounds.ts";
import { must } from "./run.ts";

const top = `${import.meta.dir}/../..`;

/**
 * Clones the last commit into an empty directory. The short form gives it links to the locked dependencies of this tree,
 * which `npm test` fetched into a clean clone itself: to fetch and unpack 700 MB takes a minute.
 */
export function cloneInto(dir: string): void {
  must(["git", "clone", "--quiet", top, dir]);
  const copy = 'cp -al "$@" 2>/dev/null || cp -a "$@"';
  if (!soak) must(["sh", "-c", copy, "sh", `${top}/node_modules`, `${top}/.cache`, dir]);
}
