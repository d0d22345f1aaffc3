// The entries of a tree in packed form. As objects, those of 200,000 files take 60 MB, and twice that until they are
// garbage-collected.

import { parentOf } from "../text/path.ts";
import { batchesOf, filesABatch, pipeline } from "./pipeline.ts";
import type { TreeEntry, Trees } from "./trees.ts";

/** The entries of one directory. */
export interface Block {
  /** The sorted names, separated by NUL, which no file name contains. */
  names: string;
  /** The status of each name, in the layout of {@link Packed}. */
  statuses: ArrayBuffer;
}

/**
 * The stored fields of an entry. The inode number is split into two words, because a double cannot represent all of
 * them.
 */
type Status = Record<
  "mode" | "uid" | "gid" | "links" | "size" | "inodeLow" | "inodeHigh" | "modifiedMs" | "changedMs",
  number
>;

/** From <sys/stat.h>: the file type in the highest bits of the mode. */
const kinds: Record<number, TreeEntry["type"]> = { 4: "directory", 8: "file", 10: "link" };

const doublesAnEntry = 3;
const wordsAnEntry = 6;
const bytesAnEntry = 8 * doublesAnEntry + 4 * wordsAnEntry;

/** Packs entries as one array of the doubles of all entries, followed by one array of the words of all entries. */
export class Packed {
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;

  constructor(readonly buffer: ArrayBuffer) {
    const count = buffer.byteLength / bytesAnEntry;
    this.#doubles = new Float64Array(buffer, 0, doublesAnEntry * count);
    this.#words = new Uint32Array(buffer, 8 * doublesAnEntry * count);
  }

  static of(count: number): Packed {
    return new Packed(new ArrayBuffer(count * bytesAnEntry));
  }

  set(i: number, status: Status): void {
    const [double, word] = [doublesAnEntry * i, wordsAnEntry * i];
    this.#doubles[double] = status.size;
    this.#doubles[double + 1] = status.modifiedMs;
    this.#doubles[double + 2] = status.changedMs;
    this.#words[word] = status.mode;
    this.#words[word + 1] = status.uid;
    this.#words[word + 2] = status.gid;
    this.#words[word + 3] = status.links;
    this.#words[word + 4] = status.inodeLow;
    this.#words[word + 5] = status.inodeHigh;
  }

  /** Returns a copy that contains only the entries with these indices. */
  only(indices: readonly number[]): Packed {
    const copy = Packed.of(indices.length);
    for (const [to, from] of indices.entries()) {
      const [double, word] = [doublesAnEntry * from, wordsAnEntry * from];
      copy.#doubles.set(this.#doubles.subarray(double, double + doublesAnEntry), doublesAnEntry * to);
      copy.#words.set(this.#words.subarray(word, word + wordsAnEntry), wordsAnEntry * to);
    }
    return copy;
  }

  typeOf(i: number): TreeEntry["type"] {
    return kinds[(this.#words[wordsAnEntry * i] as number) >> 12] ?? "other";
  }

  entry(i: number, path: string): TreeEntry {
    const [doubles, words] = [this.#doubles, this.#words];
    const [double, word] = [doublesAnEntry * i, wordsAnEntry * i];
    return {
      path,
      type: this.typeOf(i),
      mode: (words[word] as number) & 0o7777,
      uid: words[word + 1] as number,
      gid: words[word + 2] as number,
      size: doubles[double] as number,
      inode: inodeOf(words[word + 4] as number, words[word + 5] as number),
      names: words[word + 3] as number,
      modifiedMs: doubles[double + 1] as number,
      changedMs: doubles[double + 2] as number,
    };
  }
}

/** A double cannot represent every integer if the high word is this value or more. */
const highestExact = 2 ** 21;

function inodeOf(low: number, high: number): number | bigint {
  return high < highestExact ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** Returns the low word of an inode number: the inverse of {@link inodeOf}. */
export function inodeLow(inode: number | bigint): number {
  return typeof inode === "number" ? inode % 2 ** 32 : Number(inode & 0xffff_ffffn);
}

/** Returns the high word of an inode number. */
export function inodeHigh(inode: number | bigint): number {
  return typeof inode === "number" ? Math.floor(inode / 2 ** 32) : Number(inode >> 32n);
}

/** Returns the entry with this path and status. */
export function entryOf(path: string, status: Status): TreeEntry {
  const packed = Packed.of(1);
  packed.set(0, status);
  return packed.entry(0, path);
}

const nothing: Block = { names: "", statuses: new ArrayBuffer() };

/** A cursor over the entries of a directory. */
export class Open {
  readonly #prefix: string;
  readonly #names: readonly string[];
  readonly #packed: Packed;
  #next = 0;

  /** `dir`: its path within the tree. */
  constructor(dir: string, { names, statuses }: Block = nothing) {
    this.#prefix = dir === "" ? "" : `${dir}/`;
    this.#names = names === "" ? [] : names.split("\0");
    this.#packed = new Packed(statuses);
  }

  get count(): number {
    return this.#names.length;
  }

  /** Returns the paths of its subdirectories. */
  dirs(): string[] {
    const found: string[] = [];
    for (const [i, name] of this.#names.entries()) {
      if (this.#packed.typeOf(i) === "directory") found.push(`${this.#prefix}${name}`);
    }
    return found;
  }

  /** The name of the next entry, or undefined at the end. */
  get name(): string | undefined {
    return this.#names[this.#next];
  }

  take(): TreeEntry {
    const i = this.#next++;
    return this.#packed.entry(i, `${this.#prefix}${this.#names[i]}`);
  }
}

/** Processing an entry leaves about 500 bytes of garbage, which the runtime would let accumulate in a large tree. */
const entriesACollection = 4096;
/** In a tree with fewer entries than this, a forced garbage collection is not worth its time. */
const small = 30_000;
/** Directories per task. With larger batches, one thread waits longer for the other at the end. */
export const dirsABatch = 16;

/** A tree, stored by directory. Each directory comes before its subdirectories. */
export class Listing {
  readonly #blocks = new Map<string, Block>();
  length = 1;
  #passed = 0;

  private constructor(readonly top: TreeEntry) {}

  /**
   * Lists the tree. Directories for which `leaves` returns true for their path are treated as if they did not exist.
   */
  static async of(trees: Trees, dir: string, leaves: (path: string) => boolean = () => false): Promise<Listing> {
    const top = trees.entry(dir);
    if (top === null) throw new Error(`ENOENT: ${dir} does not exist`);
    const listing = new Listing(top);
    for (let level = [""]; level.length > 0; ) {
      const below: string[] = [];
      for await (const [paths, blocks] of pipeline(batchesOf(level, dirsABatch), (some) => trees.blocks(dir, some))) {
        for (const [i, path] of paths.entries()) {
          const left = new Set<string>();
          for (const each of listing.#add(path, blocks[i] as Block)) {
            if (leaves(each)) left.add(each);
            else below.push(each);
          }
          if (left.size > 0) listing.leaveOut(left);
        }
      }
      level = below;
    }
    return listing;
  }

  /** Adds the entries of a directory. Returns the paths of its subdirectories. */
  #add(dir: string, block: Block): string[] {
    this.#blocks.set(dir, block);
    const open = new Open(dir, block);
    this.length += open.count;
    this.pass(open.count);
    return open.dirs();
  }

  /**
   * Drops these paths from the listing, as if they did not exist. A directory can only be dropped before it is listed.
   * Returns the paths that were found.
   */
  leaveOut(paths: ReadonlySet<string>): string[] {
    const found: string[] = [];
    const dirs = new Set([...paths].map((path) => parentOf(path)));
    for (const dir of dirs) {
      const block = this.#blocks.get(dir);
      if (block === undefined || block.names === "") continue;
      const prefix = dir === "" ? "" : `${dir}/`;
      const names = block.names.split("\0");
      const kept = names.flatMap((name, i) => {
        if (!paths.has(prefix + name)) return [i];
        found.push(prefix + name);
        return [];
      });
      const statuses = new Packed(block.statuses).only(kept).buffer;
      this.#blocks.set(dir, { names: kept.map((i) => names[i]).join("\0"), statuses });
      this.length -= names.length - kept.length;
    }
    return found;
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

  /** Yields all entries in batches. */
  *batches(): Generator<TreeEntry[]> {
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

  /**
   * Records that this many entries, of this tree or of one compared with it, were processed. Collects garbage once
   * enough of them were.
   */
  pass(count: number): void {
    this.#passed += count;
    if (this.length < small || this.#passed < entriesACollection) return;
    this.#passed = 0;
    Bun.gc(true);
  }
}
