// The entries of a large tree, packed: as objects those of 200,000 files take 60 MB, and twice that until they are collected.

import type { Entry } from "../host/trees.ts";

/** What is held of an entry. */
export type Listed = Omit<Entry, "names" | "modifiedMs">;

interface Block {
  /** With a NUL between, which no path has. */
  paths: string;
  numbers: Float64Array;
}

const entriesABlock = 1024;
/** What is done with an entry leaves some 500 bytes behind, which the runtime would let pile up in a large tree. */
const blocksACollection = 8;
/** Entries of a tree for which that is not worth the time. */
const small = 30_000;
const types = ["file", "directory", "link", "other"] as const;
const numbersAnEntry = 6;

export class Listing implements Iterable<Listed> {
  readonly #blocks: Block[] = [];
  #open: Listed[] = [];

  get length(): number {
    return this.#blocks.length * entriesABlock + this.#open.length;
  }

  add(entry: Listed): void {
    this.#open.push(entry);
    if (this.#open.length < entriesABlock) return;
    this.#blocks.push(packed(this.#open));
    this.#open = [];
    if (this.#blocks.length % blocksACollection === 0) this.#collect();
  }

  #collect(): void {
    if (this.length > small) Bun.gc(true);
  }

  /** In the order in which they were added. */
  *[Symbol.iterator](): Generator<Listed> {
    for (const [i, { paths, numbers }] of this.#blocks.entries()) {
      if (i % blocksACollection === blocksACollection - 1) this.#collect();
      let at = 0;
      for (const path of paths.split("\0")) {
        yield unpacked(path, numbers, at);
        at += numbersAnEntry;
      }
    }
    yield* this.#open;
  }
}

function packed(entries: Listed[]): Block {
  const numbers = new Float64Array(entries.length * numbersAnEntry);
  for (const [i, { type, mode, uid, gid, size, inode, changedMs }] of entries.entries()) {
    numbers.set([types.indexOf(type) + mode * types.length, uid, gid, size, inode, changedMs], i * numbersAnEntry);
  }
  // One string of its own: a joined one still has its parts, until somebody reads it.
  return { paths: Buffer.from(entries.map(({ path }) => path).join("\0")).toString(), numbers };
}

function unpacked(path: string, numbers: Float64Array, at: number): Listed {
  const number = (column: number): number => numbers[at + column] as number;
  const kind = number(0);
  return {
    path,
    type: types[kind % types.length] ?? "other",
    mode: Math.floor(kind / types.length),
    uid: number(1),
    gid: number(2),
    size: number(3),
    inode: number(4),
    changedMs: number(5),
  };
}
