// What the live files hold, as it was found when they were last read: so that a deploy reads one of the two trees. A
// cache and never the truth: what is not in it is read, and a live file that is not the one that was read is not in it.

import type { Host, HostReader } from "../host/host.ts";
import type { Entry, Seeds } from "../host/trees.ts";
import { backupsOf } from "./releases.ts";

/** Inode, size and time of a file as doubles, and the digest. */
const recordBytes = 3 * 8 + 16;
/** The SHA-256 of all that follows, the inode of the live tree, and two seeds. */
const sumBytes = 32;
const headBytes = sumBytes + 3 * 8;

const pathOf = (slug: string): string => `${backupsOf(slug)}/.digests`;

export class Digests {
  readonly seeds: Seeds;
  readonly #known: Buffer;
  /** Where the record of an inode is. */
  readonly #at = new Map<number, number>();
  readonly #next: Buffer;
  #kept = 0;

  /** `live`: what is to be compared. A tree that somebody else put there was never read. `most`: files that may stay. */
  constructor(see: HostReader, slug: string, live: Entry | null, most: number) {
    this.#known = wholeFor(live, see.read(pathOf(slug))) ?? newHead();
    this.seeds = [this.#known.readBigUInt64LE(sumBytes + 8), this.#known.readBigUInt64LE(sumBytes + 16)];
    for (let at = headBytes; at < this.#known.length; at += recordBytes) this.#at.set(this.#known.readDoubleLE(at), at);
    this.#next = Buffer.alloc(headBytes + most * recordBytes);
    this.#next.set(this.#known.subarray(0, headBytes));
  }

  /** Of a live file, or null where it is not known. */
  of({ inode, size, modifiedMs }: Entry): Buffer | null {
    const [known, at] = [this.#known, this.#at.get(inode)];
    if (at === undefined) return null;
    if (known.readDoubleLE(at + 8) !== size || known.readDoubleLE(at + 16) !== modifiedMs) return null;
    return known.subarray(at + 24, at + recordBytes);
  }

  /** Of a live file that stays. */
  keep({ inode, size, modifiedMs }: Entry, digest: Uint8Array): void {
    const at = headBytes + this.#kept++ * recordBytes;
    this.#next.writeDoubleLE(inode, at);
    this.#next.writeDoubleLE(size, at + 8);
    this.#next.writeDoubleLE(modifiedMs, at + 16);
    this.#next.set(digest, at + 24);
  }

  /** Whether there are more than before. */
  get grew(): boolean {
    return this.#kept > this.#at.size;
  }

  /** For the tree that is live now. */
  write(host: Host, slug: string, liveInode: number): void {
    const bytes = this.#next.subarray(0, headBytes + this.#kept * recordBytes);
    bytes.writeDoubleLE(liveInode, sumBytes);
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
