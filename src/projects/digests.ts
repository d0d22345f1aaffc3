// What the live files hold, as it was found when they were last read: so that a deploy reads one of the two trees. A
// cache and never the truth: what is not in it is read, and a live file that is not the one that was read is not in it.

import type { Host, HostReader } from "../host/host.ts";
import { digestBytes, type Entry, type Seeds } from "../host/trees.ts";
import { backupsOf } from "./releases.ts";

/** Inode, size and time of a file as doubles, and the digest. */
const recordBytes = 3 * 8 + digestBytes;
/** The SHA-256 of all that follows, the inode of the live tree, and two seeds. */
const sumBytes = 32;
const headBytes = sumBytes + 3 * 8;
const recordsABlock = 1024;

const pathOf = (slug: string): string => `${backupsOf(slug)}/.digests`;

export class Digests {
  readonly seeds: Seeds;
  readonly #known: Buffer;
  /** One more than the record of an inode, from where its number is looked for on. A map takes five times as much. */
  readonly #slots: Uint32Array;
  /** Of each record that was there, whether it is kept. */
  readonly #stays: Uint8Array;
  readonly #blocks: Buffer[] = [];
  #learned = 0;

  /** `live`: what is to be compared. A tree that somebody else put there was never read. */
  constructor(see: HostReader, slug: string, live: Entry | null) {
    this.#known = wholeFor(live, see.read(pathOf(slug))) ?? newHead();
    this.seeds = [this.#known.readBigUInt64LE(sumBytes + 8), this.#known.readBigUInt64LE(sumBytes + 16)];
    const count = (this.#known.length - headBytes) / recordBytes;
    this.#stays = new Uint8Array(count);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 1)));
    for (let record = 0; record < count; record++) this.#slots[this.#slotOf(this.#inode(record))] = record + 1;
  }

  #inode(record: number): number {
    return this.#known.readDoubleLE(headBytes + record * recordBytes);
  }

  /** -1: there is none. */
  #recordAt(inode: number): number {
    return (this.#slots[this.#slotOf(inode)] as number) - 1;
  }

  /** That of the inode, or the empty one where it would be. At least half of them are empty. */
  #slotOf(inode: number): number {
    const mask = this.#slots.length - 1;
    let slot = Math.imul(inode, 0x9e3779b1) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const record = (this.#slots[slot] as number) - 1;
      if (record < 0 || this.#inode(record) === inode) return slot;
    }
  }

  /** Of a live file that is looked at, where its digest is; null where that is not known. */
  #find({ inode, size, modifiedMs }: Entry): { record: number; at: number } | null {
    const known = this.#known;
    const record = this.#recordAt(inode);
    const at = headBytes + record * recordBytes;
    if (record < 0 || known.readDoubleLE(at + 8) !== size || known.readDoubleLE(at + 16) !== modifiedMs) return null;
    return { record, at: at + 24 };
  }

  know(file: Entry): boolean {
    return this.#find(file) !== null;
  }

  /** Whether a live file has the digest that stands there in `digests`; null where that is not known. */
  tell(file: Entry, digests: Uint8Array, at: number): boolean | null {
    const found = this.#find(file);
    if (found === null) return null;
    return this.#known.compare(digests, at, at + digestBytes, found.at, found.at + digestBytes) === 0;
  }

  /** Of a live file that holds what the source does. */
  keep(file: Entry, digests: Uint8Array, from: number): void {
    const found = this.#find(file);
    if (found !== null) {
      this.#stays[found.record] = 1;
      return;
    }
    const at = (this.#learned++ % recordsABlock) * recordBytes;
    if (at === 0) this.#blocks.push(Buffer.alloc(recordsABlock * recordBytes));
    const block = this.#blocks.at(-1) as Buffer;
    block.writeDoubleLE(file.inode, at);
    block.writeDoubleLE(file.size, at + 8);
    block.writeDoubleLE(file.modifiedMs, at + 16);
    block.set(digests.subarray(from, from + digestBytes), at + 24);
  }

  /** Whether there is one that was not there before. */
  get grew(): boolean {
    return this.#learned > 0;
  }

  /** For the tree that is live now. */
  write(host: Host, slug: string, liveInode: number): void {
    const count = this.#stays.reduce((sum, stays) => sum + stays, 0) + this.#learned;
    const bytes = Buffer.alloc(headBytes + count * recordBytes);
    this.#known.copy(bytes, 0, 0, headBytes);
    bytes.writeDoubleLE(liveInode, sumBytes);
    let to = headBytes;
    for (const [record, stays] of this.#stays.entries()) {
      const from = headBytes + record * recordBytes;
      if (stays) to += this.#known.copy(bytes, to, from, from + recordBytes);
    }
    for (const block of this.#blocks) to += block.copy(bytes, to);
    bytes.set(sumOf(bytes));
    host.writeFile(pathOf(slug), bytes, { mode: 0o600, uid: host.uid, gid: host.uid });
  }
}

/** The file, or null where it is not whole or tells of another tree. */
function wholeFor(live: Entry | null, bytes: Uint8Array | null): Buffer | null {
  if (live === null || bytes === null || bytes.length < headBytes) return null;
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if ((whole.length - headBytes) % recordBytes !== 0 || !sumOf(whole).equals(whole.subarray(0, sumBytes))) return null;
  return whole.readDoubleLE(sumBytes) === live.inode ? whole : null;
}

/** With seeds that nobody knows: so that nobody can make two files which they do not tell apart. */
function newHead(): Buffer {
  const head = Buffer.alloc(headBytes);
  crypto.getRandomValues(head.subarray(sumBytes + 8));
  return head;
}

function sumOf(bytes: Buffer): Buffer {
  return new Bun.CryptoHasher("sha256").update(bytes.subarray(sumBytes)).digest();
}
