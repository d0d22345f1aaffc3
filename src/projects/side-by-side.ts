// Two trees in one pass: one that is held, and one that is looked at meanwhile.

import { dirsABatch, type Listing, Open } from "../host/listing.ts";
import { batchesOf, filesABatch, pipelined } from "../host/pipeline.ts";
import type { Entry, Trees } from "../host/trees.ts";

/** Of a path that both have, both entries; of another, the one there is. */
export type Pair = [Entry, Entry | undefined] | [undefined, Entry];

/**
 * In batches. Those of the first in its order, and a directory before what is in it. `dir`: the other, which may be none.
 * `closed`: directories of the other, by their paths, that are not looked into.
 */
export async function* sideBySide(
  ones: Listing,
  trees: Trees,
  dir: string,
  closed: ReadonlySet<string> = new Set(),
): AsyncGenerator<Pair[]> {
  const top = trees.entry(dir) ?? undefined;
  let batch: Pair[] = [[ones.top, top]];
  /** Directories of the other: what is in a link is none of it. */
  const theirs = new Set(top?.type === "directory" ? [""] : []);
  for (let dirs = [...ones.dirs]; dirs.length > 0; dirs = [...theirs].filter((path) => !ones.has(path))) {
    for await (const [paths, blocks] of pipelined(batchesOf(dirs, dirsABatch), (some) => trees.blocks(dir, some))) {
      for (const [i, path] of paths.entries()) {
        const other = new Open(path, theirs.delete(path) ? blocks[i] : undefined);
        for (const path of other.dirs()) if (!closed.has(path)) theirs.add(path);
        for (const one = ones.open(path); fill(batch, one, other); batch = []) {
          yield batch;
          ones.pass(batch.length);
        }
      }
    }
  }
  yield batch;
}

/** From one directory. Whether the batch is full. */
function fill(batch: Pair[], one: Open, other: Open): boolean {
  while (batch.length < filesABatch) {
    const [mine, theirs] = [one.name, other.name];
    if (mine !== undefined && (theirs === undefined || mine <= theirs)) {
      batch.push([one.take(), mine === theirs ? other.take() : undefined]);
    } else if (theirs !== undefined) batch.push([undefined, other.take()]);
    else return false;
  }
  return true;
}
