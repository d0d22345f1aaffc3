// Which files of the new tree the live one has already: they are read while the two trees are walked.

import { digestBytes, type Entry, type Trees } from "../host/trees.ts";
import type { Digests } from "./digests.ts";
import type { Listed } from "./listing.ts";
import { batchesOf, filesABatch, pipelined } from "./pipeline.ts";
import type { Order } from "./plan.ts";
import type { Pair } from "./side-by-side.ts";

/** Two files of one path that hold the same bytes, or a pair of whatever else. */
export interface Compared {
  pair: Pair;
  same: boolean;
}

/** What is known of a live file is not read. In the order of the pairs. */
export async function* compared(
  pairs: Iterable<Pair>,
  { dir, of, project }: Order,
  digests: Digests,
  trees: Trees,
): AsyncGenerator<Compared[]> {
  const read = (batch: Pair[]): Promise<Uint8Array> => {
    const wanted = batch.filter(mayBeSame).filter(isRead);
    return trees.digests(
      wanted.map(([{ path, size }]) => [`${dir}/${path}`, size]),
      digests.seeds,
    );
  };
  for await (const [batch, found] of pipelined(batchesOf(pairs, filesABatch), read)) {
    let next = 0;
    yield batch.map((pair) => {
      if (!mayBeSame(pair)) return { pair, same: false };
      const at = next;
      if (isRead(pair)) next += digestBytes;
      const same = isOne(pair) || isEqual(pair, found, at);
      if (same) digests.keep(pair[1], found, at);
      return { pair, same };
    });
  }

  /** Numbers of inodes are of one file system. */
  function isOne([file, twin]: Twins): boolean {
    return of === "release" && file.inode === twin.inode;
  }

  function isRead(pair: Twins): boolean {
    return !isOne(pair) || !digests.know(pair[1]);
  }

  function isEqual([{ path }, twin]: Twins, found: Uint8Array, at: number): boolean {
    return digests.tell(twin, found, at) ?? trees.same(`${dir}/${path}`, `${project.root_path}/${path}`);
  }
}

type Twins = [Listed, Entry];

/** Files of one size. */
function mayBeSame(pair: Pair): pair is Twins {
  const [file, twin] = pair;
  return file?.type === "file" && twin?.type === "file" && file.size === twin.size;
}
