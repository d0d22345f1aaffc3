// Compares the files of the new tree with those of the live one while both trees are walked.

import { pipeline } from "../../host/pipeline.ts";
import { digestWords, type TreeEntry, type Trees } from "../../host/trees.ts";
import type { DeployRequest, Plan } from "./plan.ts";
import type { Pair } from "./side-by-side.ts";

/** A pair, and whether both are files with the same content. */
export interface Comparison {
  pair: Pair;
  same: boolean;
}

/** Yields the pairs in order, each with the result of its comparison. A live file whose digest is known is not read. */
export async function* compareTrees(
  trees: Trees,
  batches: AsyncIterable<Pair[]>,
  { dir, of, shared, digests }: Pick<DeployRequest, "dir" | "of"> & Pick<Plan, "shared" | "digests">,
): AsyncGenerator<Comparison[]> {
  /** A tree that is a mount point shares no files, and its inodes are numbered on their own. */
  const mayShare = of === "release" && trees.areOnOneFileSystem(dir, shared);
  const read = (batch: Pair[]): Promise<Uint32Array> => {
    const pairs: [string, number][] = [];
    for (const pair of batch) {
      if (mayBeSame(pair) && isRead(pair)) pairs.push([`${dir}/${pair[0].path}`, pair[0].size]);
    }
    return trees.digests(pairs, digests.seeds);
  };
  for await (const [batch, found] of pipeline(batches, read)) {
    const all: Comparison[] = [];
    let at = 0;
    for (const pair of batch) {
      let same = false;
      if (mayBeSame(pair)) {
        const next = isRead(pair) ? at + digestWords : at;
        same = isOne(pair) || isEqual(pair, found, at);
        if (same) digests.keep(pair[1], found, at);
        at = next;
      }
      all.push({ pair, same });
    }
    yield all;
  }

  function isOne([file, twin]: Twins): boolean {
    return mayShare && file.inode === twin.inode;
  }

  function isRead(pair: Twins): boolean {
    return !isOne(pair) || !digests.has(pair[1]);
  }

  function isEqual([{ path }, twin]: Twins, found: Uint32Array, at: number): boolean {
    return digests.matches(twin, found, at) ?? trees.same(`${dir}/${path}`, `${shared}/${path}`);
  }
}

type Twins = [TreeEntry, TreeEntry];

/** Returns whether both are files of the same size. Only those can be equal. */
function mayBeSame(pair: Pair): pair is Twins {
  const [file, twin] = pair;
  return file?.type === "file" && twin?.type === "file" && file.size === twin.size;
}
