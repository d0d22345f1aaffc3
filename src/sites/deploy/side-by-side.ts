// Compares two trees in one pass: one is a listing in memory, the other is read meanwhile.

import { dirsABatch, type Listing, Open } from "../../host/listing.ts";
import { batchesOf, filesABatch, pipeline } from "../../host/pipeline.ts";
import type { TreeEntry, Trees } from "../../host/trees.ts";

/** Both entries for a path that both trees have, otherwise the one entry. */
export type Pair = [TreeEntry, TreeEntry | undefined] | [undefined, TreeEntry];

/**
 * Yields the pairs of both trees in batches. Entries of the listing come in its order, and a directory comes before its
 * entries. `dir` is the other tree, which may be missing. `closed` are directories of the other tree that are not read.
 */
export async function* sideBySide(
  trees: Trees,
  ones: Listing,
  dir: string,
  closed: ReadonlySet<string> = new Set(),
): AsyncGenerator<Pair[]> {
  const top = trees.entry(dir) ?? undefined;
  let batch: Pair[] = [[ones.top, top]];
  /** Directories of the other tree. A symlink at its root is not entered. */
  const theirs = new Set(top?.type === "directory" ? [""] : []);
  for (let dirs = [...ones.dirs]; dirs.length > 0; dirs = [...theirs].filter((path) => !ones.has(path))) {
    for await (const [paths, blocks] of pipeline(batchesOf(dirs, dirsABatch), (some) => trees.blocks(dir, some))) {
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

/** Adds the pairs of one directory. Returns whether the batch is full. */
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
