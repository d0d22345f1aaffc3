// A cache of the digests of the live files, so that a deploy reads only one of the two trees. It is never
// authoritative. A file without a record is read, and a live file that changed since it was read has no record.

import type { Host, HostReader } from "../../host/host.ts";
import { inodeHigh, inodeLow } from "../../host/listing.ts";
import { digestWords, type Seeds, type TreeEntry } from "../../host/trees.ts";
import { backupsOf, readWorkingFile } from "./releases.ts";

/** A record has the inode as a 64-bit integer, size and time as doubles, and the digest. */
const digestAt = 3;
const recordDoubles = digestAt + digestWords / 2;
/** Size of the entry of a new file, in words: see {@link Digests}. */
const learnedWords = 4 + digestWords;
/** The header has the SHA-256 of all that follows, the inode of the live tree, and two seeds. */
const sumDoubles = 4;
const headDoubles = sumDoubles + 3;

const pathOf = (key: string): string => `${backupsOf(key)}/.digests`;

/** A view of the same bytes as doubles and as 32-bit words. */
class Records {
  readonly doubles: Float64Array;
  readonly words: Uint32Array;

  constructor(readonly bytes: Uint8Array) {
    this.doubles = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
}

export class Digests {
  readonly seeds: Seeds;
  readonly #known: Records;
  /** Hash table of record offsets by inode, with linear probing. A Map takes five times the memory. */
  readonly #slots: Uint32Array;
  /** For each record of the file, whether it is kept. */
  readonly #stays: Uint8Array;
  /** For each new file: two words of inode, the size, the time, and the words of the digest. */
  readonly #learned: number[] = [];

  /**
   * `live` is the live tree. If its inode is not the recorded one, another program replaced the tree, and the cache
   * is ignored.
   */
  constructor(reader: HostReader, key: string, live: TreeEntry | null) {
    this.#known = new Records(wholeFor(live, readWorkingFile(reader, pathOf(key))) ?? newHead());
    const { bytes, doubles, words } = this.#known;
    const [first = 0n, second = 0n] = new BigUint64Array(bytes.buffer, bytes.byteOffset + 8 * (sumDoubles + 1), 2);
    this.seeds = [first, second];
    const count = (doubles.length - headDoubles) / recordDoubles;
    this.#stays = new Uint8Array(count);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 1)));
    for (let at = headDoubles; at < doubles.length; at += recordDoubles) {
      this.#slots[this.#slotOf(words[2 * at] as number, words[2 * at + 1] as number)] = at;
    }
  }

  /** Returns the slot of an inode, or the empty slot where it belongs. At least half of the slots are empty. */
  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    const { words } = this.#known;
    let slot = Math.imul(low ^ high, 0x9e3779b1) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const at = this.#slots[slot] as number;
      if (at === 0 || (words[2 * at] === low && words[2 * at + 1] === high)) return slot;
    }
  }

  /** Returns the offset of the record of a live file; 0 where there is none or size or time differ. */
  #find({ inode, size, modifiedMs }: TreeEntry): number {
    const { doubles } = this.#known;
    const at = this.#slots[this.#slotOf(inodeLow(inode), inodeHigh(inode))] as number;
    return doubles[at + 1] === size && doubles[at + 2] === modifiedMs ? at : 0;
  }

  has(file: TreeEntry): boolean {
    return this.#find(file) > 0;
  }

  /** Returns whether a live file has the digest at offset `from` of `digests`; null where its digest is not known. */
  matches(file: TreeEntry, digests: Uint32Array, from: number): boolean | null {
    const at = 2 * (this.#find(file) + digestAt);
    if (at === 2 * digestAt) return null;
    for (let i = 0; i < digestWords; i++) if (this.#known.words[at + i] !== digests[from + i]) return false;
    return true;
  }

  /** Keeps or adds the record of a live file whose content equals the source's. */
  keep(file: TreeEntry, digests: Uint32Array, from: number): void {
    const found = this.#find(file);
    if (found > 0) this.#stays[(found - headDoubles) / recordDoubles] = 1;
    else {
      const { inode, size, modifiedMs } = file;
      const digest = digests.subarray(from, from + digestWords);
      this.#learned.push(inodeLow(inode), inodeHigh(inode), size, modifiedMs, ...digest);
    }
  }

  /** Returns whether there are new records. */
  get grew(): boolean {
    return this.#learned.length > 0;
  }

  /** Writes the records for the tree that is live now. */
  write(host: Host, key: string, liveInode: TreeEntry["inode"]): void {
    const known = this.#known.doubles;
    const stay = this.#stays.reduce((sum, stays) => sum + stays, 0);
    const count = stay + this.#learned.length / learnedWords;
    const { bytes, doubles, words } = new Records(new Uint8Array(8 * (headDoubles + count * recordDoubles)));
    doubles.set(known.subarray(0, headDoubles));
    words.set([inodeLow(liveInode), inodeHigh(liveInode)], 2 * sumDoubles);
    let to = headDoubles;
    for (let i = 0; i < this.#stays.length; i++) {
      const from = headDoubles + i * recordDoubles;
      if (!this.#stays[i]) continue;
      doubles.set(known.subarray(from, from + recordDoubles), to);
      to += recordDoubles;
    }
    for (let from = 0; from < this.#learned.length; from += learnedWords) {
      const [low = 0, high = 0, size = 0, modifiedMs = 0, ...digest] = this.#learned.slice(from, from + learnedWords);
      words.set([low, high], 2 * to);
      doubles.set([size, modifiedMs], to + 1);
      words.set(digest, 2 * (to + digestAt));
      to += recordDoubles;
    }
    bytes.set(sumOf(bytes));
    host.writeFile(pathOf(key), bytes, { mode: 0o600, uid: host.uid, gid: host.uid });
  }
}

/** Returns the bytes of the file; null where they are damaged or describe another tree. */
function wholeFor(live: TreeEntry | null, bytes: Uint8Array | null): Uint8Array | null {
  if (live === null || bytes === null || bytes.length < 8 * headDoubles) return null;
  if ((bytes.length / 8 - headDoubles) % recordDoubles !== 0) return null;
  if (!sumOf(bytes).equals(bytes.subarray(0, 8 * sumDoubles))) return null;
  // A Float64Array needs an offset that is a multiple of eight.
  const whole = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
  const [low, high] = new Records(whole).words.subarray(2 * sumDoubles);
  return low === inodeLow(live.inode) && high === inodeHigh(live.inode) ? whole : null;
}

/** Random seeds prevent an attacker from constructing two files with the same digest. */
function newHead(): Uint8Array {
  const head = new Uint8Array(8 * headDoubles);
  crypto.getRandomValues(head.subarray(8 * (sumDoubles + 1)));
  return head;
}

function sumOf(bytes: Uint8Array): Buffer {
  return new Bun.CryptoHasher("sha256").update(bytes.subarray(8 * sumDoubles)).digest();
}
