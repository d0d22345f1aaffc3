// What the live files hold, as it was found when they were last read: so that a deploy reads one of the two trees. A
// cache and never the truth: what is not in it is read, and a live file that is not the one that was read is not in it.

import type { Host, HostReader } from "../host/host.ts";
import { inodeHigh, inodeLow } from "../host/listing.ts";
import { digestWords, type Entry, type Seeds } from "../host/trees.ts";
import { backupsOf, readWorkingFile } from "./releases.ts";

/** Of a file its inode as an integer of 64 bits, size and time as doubles, and the digest. */
const digestAt = 3;
const recordDoubles = digestAt + digestWords / 2;
/** Of a file that is new: see {@link Digests}. */
const learnedWords = 4 + digestWords;
/** The SHA-256 of all that follows, the inode of the live tree, and two seeds. */
const sumDoubles = 4;
const headDoubles = sumDoubles + 3;

const pathOf = (slug: string): string => `${backupsOf(slug)}/.digests`;

/** The same bytes as doubles and as words. */
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
  /** Where the record of an inode is, from where its number is looked for on. A map takes five times as much. */
  readonly #slots: Uint32Array;
  /** Of each record that was there, whether it is kept. */
  readonly #stays: Uint8Array;
  /** Of each that was not there the two words of its inode, size and time, and the words of the digest. */
  readonly #learned: number[] = [];

  /** `live`: what is to be compared. A tree that somebody else put there was never read. */
  constructor(see: HostReader, slug: string, live: Entry | null) {
    this.#known = new Records(wholeFor(live, readWorkingFile(see, pathOf(slug))) ?? newHead());
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

  /** That of the inode, or the empty one where it would be. At least half of them are empty. */
  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    const { words } = this.#known;
    let slot = Math.imul(low ^ high, 0x9e3779b1) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const at = this.#slots[slot] as number;
      if (at === 0 || (words[2 * at] === low && words[2 * at + 1] === high)) return slot;
    }
  }

  /** Of a live file that is looked at, where its record is; 0 where there is none. */
  #find({ inode, size, modifiedMs }: Entry): number {
    const { doubles } = this.#known;
    const at = this.#slots[this.#slotOf(inodeLow(inode), inodeHigh(inode))] as number;
    return doubles[at + 1] === size && doubles[at + 2] === modifiedMs ? at : 0;
  }

  know(file: Entry): boolean {
    return this.#find(file) > 0;
  }

  /** Whether a live file has the digest that stands there in `digests`; null where that is not known. */
  tell(file: Entry, digests: Uint32Array, from: number): boolean | null {
    const at = 2 * (this.#find(file) + digestAt);
    if (at === 2 * digestAt) return null;
    for (let i = 0; i < digestWords; i++) if (this.#known.words[at + i] !== digests[from + i]) return false;
    return true;
  }

  /** Of a live file that holds what the source does. */
  keep(file: Entry, digests: Uint32Array, from: number): void {
    const found = this.#find(file);
    if (found > 0) this.#stays[(found - headDoubles) / recordDoubles] = 1;
    else {
      const { inode, size, modifiedMs } = file;
      const digest = digests.subarray(from, from + digestWords);
      this.#learned.push(inodeLow(inode), inodeHigh(inode), size, modifiedMs, ...digest);
    }
  }

  /** Whether there is one that was not there before. */
  get grew(): boolean {
    return this.#learned.length > 0;
  }

  /** For the tree that is live now. */
  write(host: Host, slug: string, liveInode: Entry["inode"]): void {
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
    host.writeFile(pathOf(slug), bytes, { mode: 0o600, uid: host.uid, gid: host.uid });
  }
}

/** The file, or null where it is not whole or tells of another tree. */
function wholeFor(live: Entry | null, bytes: Uint8Array | null): Uint8Array | null {
  if (live === null || bytes === null || bytes.length < 8 * headDoubles) return null;
  if ((bytes.length / 8 - headDoubles) % recordDoubles !== 0) return null;
  if (!sumOf(bytes).equals(bytes.subarray(0, 8 * sumDoubles))) return null;
  // Doubles lie at multiples of eight.
  const whole = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
  const [low, high] = new Records(whole).words.subarray(2 * sumDoubles);
  return low === inodeLow(live.inode) && high === inodeHigh(live.inode) ? whole : null;
}

/** With seeds that nobody knows: so that nobody can make two files which they do not tell apart. */
function newHead(): Uint8Array {
  const head = new Uint8Array(8 * headDoubles);
  crypto.getRandomValues(head.subarray(8 * (sumDoubles + 1)));
  return head;
}

function sumOf(bytes: Uint8Array): Buffer {
  return new Bun.CryptoHasher("sha256").update(bytes.subarray(8 * sumDoubles)).digest();
}
