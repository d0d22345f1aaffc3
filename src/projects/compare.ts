// Which files of the new tree the live one has already: they are read while the two trees are walked.

import { pipelined } from "../host/pipeline.ts";
import { digestWords, type Entry, type Trees } from "../host/trees.ts";
import type { Digests } from "./digests.ts";
import type { Order } from "./plan.ts";
import type { Pair } from "./side-by-side.ts";

/** Two files of one path that hold the same bytes, or a pair of whatever else. */
export interface Compared {
  pair: Pair;
  same: boolean;
}

/** What is known of a live file is not read. In the order of the pairs. */
export async function* compared(
  batches: AsyncIterable<Pair[]>,
  { dir, live, of }: Order,
  digests: Digests,
  trees: Trees,
): AsyncGenerator<Compared[]> {
  const read = (batch: Pair[]): Promise<Uint32Array> => {
    const wanted: [string, number][] = [];
    for (const pair of batch) {
      if (mayBeSame(pair) && isRead(pair)) wanted.push([`${dir}/${pair[0].path}`, pair[0].size]);
    }
    return trees.digests(wanted, digests.seeds);
  };
  for await (const [batch, found] of pipelined(batches, read)) {
    const all: Compared[] = [];
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

  /** Numbers of inodes are of one file system. */
  function isOne([file, twin]: Twins): boolean {
    return of === "release" && file.inode === twin.inode;
  }

  function isRead(pair: Twins): boolean {
    return !isOne(pair) || !digests.know(pair[1]);
  }

  function isEqual([{ path }, twin]: Twins, found: Uint32Array, at: number): boolean {
    return digests.tell(twin, found, at) ?? trees.same(`${dir}/${path}`, `${live}/${path}`);
  }
}

type Twins = [Entry, Entry];

/** Files of one size. */
function mayBeSame(pair: Pair): pair is Twins {
  const [file, twin] = pair;
  return file?.type === "file" && twin?.type === "file" && file.size === twin.size;
}
