// The entries of a tree, packed: as objects those of 200,000 files take 60 MB, and twice that until they are collected.

import { batchesOf, filesABatch, pipelined } from "./pipeline.ts";
import type { Entry, Trees } from "./trees.ts";

/** What is in one directory. */
export interface Block {
  /** In order, with a NUL between, which no name has. */
  names: string;
  /** Of each, {@link Packed}. */
  statuses: ArrayBuffer;
}

/** What the system tells of an entry. */
type Status = Record<"mode" | "uid" | "gid" | "nlink" | "size" | "ino" | "mtimeMs" | "ctimeMs", number>;

/** From <sys/stat.h>: what an entry is, in the highest bits of its mode. */
const kinds: Record<number, Entry["type"]> = { 4: "directory", 8: "file", 10: "link" };

/** Of each entry four doubles, and after all of these four words. */
export class Packed {
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;

  constructor(readonly buffer: ArrayBuffer) {
    const count = buffer.byteLength / (4 * 8 + 4 * 4);
    this.#doubles = new Float64Array(buffer, 0, 4 * count);
    this.#words = new Uint32Array(buffer, 4 * 8 * count);
  }

  static of(count: number): Packed {
    return new Packed(new ArrayBuffer(count * (4 * 8 + 4 * 4)));
  }

  set(i: number, status: Status): void {
    const [doubles, words, at] = [this.#doubles, this.#words, 4 * i];
    doubles[at] = status.size;
    doubles[at + 1] = status.ino;
    doubles[at + 2] = status.mtimeMs;
    doubles[at + 3] = status.ctimeMs;
    words[at] = status.mode;
    words[at + 1] = status.uid;
    words[at + 2] = status.gid;
    words[at + 3] = status.nlink;
  }

  typeOf(i: number): Entry["type"] {
    return kinds[(this.#words[4 * i] as number) >> 12] ?? "other";
  }

  entry(i: number, path: string): Entry {
    const [doubles, words, at] = [this.#doubles, this.#words, 4 * i];
    return {
      path,
      type: this.typeOf(i),
      mode: (words[at] as number) & 0o7777,
      uid: words[at + 1] as number,
      gid: words[at + 2] as number,
      size: doubles[at] as number,
      inode: doubles[at + 1] as number,
      names: words[at + 3] as number,
      modifiedMs: doubles[at + 2] as number,
      changedMs: doubles[at + 3] as number,
    };
  }
}

export function entryOf(path: string, status: Status): Entry {
  const packed = Packed.of(1);
  packed.set(0, status);
  return packed.entry(0, path);
}

const nothing: Block = { names: "", statuses: new ArrayBuffer() };

/** A directory whose entries are taken one by one. */
export class Open {
  readonly #prefix: string;
  readonly #names: readonly string[];
  readonly #packed: Packed;
  #next = 0;

  /** `dir`: its path in the tree. */
  constructor(dir: string, { names, statuses }: Block = nothing) {
    this.#prefix = dir === "" ? "" : `${dir}/`;
    this.#names = names === "" ? [] : names.split("\0");
    this.#packed = new Packed(statuses);
  }

  get count(): number {
    return this.#names.length;
  }

  /** Paths of the directories in it. */
  dirs(): string[] {
    const found: string[] = [];
    for (const [i, name] of this.#names.entries()) {
      if (this.#packed.typeOf(i) === "directory") found.push(`${this.#prefix}${name}`);
    }
    return found;
  }

  /** That of the entry which is next. */
  get name(): string | undefined {
    return this.#names[this.#next];
  }

  take(): Entry {
    const i = this.#next++;
    return this.#packed.entry(i, `${this.#prefix}${this.#names[i]}`);
  }
}

/** What is done with an entry leaves some 500 bytes behind, which the runtime would let pile up in a large tree. */
const entriesACollection = 4096;
/** Entries of a tree for which that is not worth the time. */
const small = 30_000;
/** Directories that are looked at in one piece: the more, the longer one thread waits for the other at the end. */
export const dirsABatch = 16;

/** A tree by its directories, each before those in it. */
export class Listing {
  readonly #blocks = new Map<string, Block>();
  length = 1;
  #passed = 0;

  private constructor(readonly top: Entry) {}

  /** Looks at all of it. */
  static async of(trees: Trees, dir: string): Promise<Listing> {
    const top = trees.entry(dir);
    if (top === null) throw new Error(`ENOENT: ${dir} is not there`);
    const listing = new Listing(top);
    for (let level = [""]; level.length > 0; ) {
      const below: string[] = [];
      for await (const [paths, blocks] of pipelined(batchesOf(level, dirsABatch), (some) => trees.blocks(dir, some))) {
        for (const [i, path] of paths.entries()) below.push(...listing.#add(path, blocks[i] as Block));
      }
      level = below;
    }
    return listing;
  }

  /** Answers the directories in it. */
  #add(dir: string, block: Block): string[] {
    this.#blocks.set(dir, block);
    const open = new Open(dir, block);
    this.length += open.count;
    this.pass(open.count);
    return open.dirs();
  }

  get dirs(): Iterable<string> {
    return this.#blocks.keys();
  }

  has(dir: string): boolean {
    return this.#blocks.has(dir);
  }

  open(dir: string): Open {
    return new Open(dir, this.#blocks.get(dir));
  }

  /** All entries, in batches. */
  *batches(): Generator<Entry[]> {
    let batch = [this.top];
    for (const dir of this.dirs) {
      const open = this.open(dir);
      while (open.name !== undefined) {
        batch.push(open.take());
        if (batch.length < filesABatch) continue;
        yield batch;
        this.pass(batch.length);
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }

  /** So many entries, of this tree or of one beside it, are done with: what they left behind is collected in time. */
  pass(count: number): void {
    this.#passed += count;
    if (this.length < small || this.#passed < entriesACollection) return;
    this.#passed = 0;
    Bun.gc(true);
  }
}
