// Whether the disk has room for the new tree.

import { docsRoot } from "../../engine/paths.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { shortageText } from "../../text/shortage.ts";
import type { Plan } from "./plan.ts";
import { sparePath } from "./releases.ts";

/** Throws a Problem where the disk has no room for the new tree. Removes the spare tree if that is necessary. */
export function demandRoom(trees: Trees, planned: Plan, key: string): void {
  if (missingRoom(trees, planned) === null) return;
  trees.remove(sparePath(key));
  const shortage = missingRoom(trees, planned);
  if (shortage !== null) throw shortage;
}

/**
 * Throws the Problem that a deploy would end with. With a spare tree it throws none: a deploy may remove that tree to
 * make room.
 */
export function demandRoomAhead(trees: Trees, planned: Plan, key: string): void {
  const shortage = trees.entry(sparePath(key)) === null ? missingRoom(trees, planned) : null;
  if (shortage !== null) throw shortage;
}

/** Counts in blocks and by apparent size, because a copy fills the holes of a sparse file. */
function missingRoom(trees: Trees, { source, origins, compression }: Plan): Problem | null {
  const { bytes, inodes, block } = trees.room(docsRoot);
  let [neededBytes, neededInodes, file] = [0, 0, 0];
  const needs = (size: number, count = 1): void => {
    neededInodes += count;
    neededBytes += count * Math.ceil(size / block) * block;
  };
  for (const batch of source.entries.batches()) {
    for (const entry of batch) {
      const { type, size } = entry;
      const index = type === "file" ? file++ : -1;
      const origin = origins[index] ?? "copy";
      if (origin === "copy") needs(type === "file" ? size : 1);
      // Text shrinks to less than half of its size.
      needs(size / 2, compression.missingFor(entry, index, origin).length);
    }
  }
  if (neededBytes > bytes) return noRoom(shortageText(neededBytes, bytes), []);
  if (neededInodes > inodes) return noRoom(`${neededInodes} inodes are needed and ${inodes} free`, ["-i"]);
  return null;
}

function noRoom(what: string, flags: string[]): Problem {
  return new Problem("no-space", `no room for the new tree in ${docsRoot}: ${what}`, {
    hint: ["df", ...flags, docsRoot],
  });
}
