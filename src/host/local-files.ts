// The slow part of a deploy: reading and copying whole files, one at a time.

import * as fs from "node:fs";
import { type Block, Packed } from "./listing.ts";
import { openName, openNoFollow } from "./local-beneath.ts";
import { statusAt } from "./local-libc.ts";
import { acted, missing } from "./local-naming.ts";
import { digestWords, type Found, longestPart, type Made, type SearchLimits, type Seeds } from "./trees.ts";

export const bufferBytes = 256 * 1024;
const buffer = Buffer.allocUnsafe(bufferBytes);

/** Parts of files that a search remembers. */
const mostSeen = 2000;

/**
 * Implements methods of {@link Trees} for paths of this machine. Paths are passed as one string with NUL between them,
 * because a thread receives that fastest.
 */
export const files = {
  blocks: (dirs: string): Block[] => listOf(dirs).map(blockOf),

  digests(paths: string, sizes: Float64Array, seeds: Seeds): Uint32Array {
    const all = new BigUint64Array((sizes.length * digestWords) / 2);
    const names = listOf(paths);
    for (const [i, path] of names.entries()) acted(path, () => digestInto(all, 2 * i, path, sizes[i] as number, seeds));
    return new Uint32Array(all.buffer);
  },

  search(paths: string, parts: RegExp, worth: RegExp, limits: SearchLimits): Found[] {
    const found = new Map<string, number>();
    /** Most files of a tree have the same parts, and a part is looked at once. */
    const seen = new Set<string>();
    for (const [file, path] of listOf(paths).entries()) {
      for (const text of textsOf(path, limits.bytes)) {
        for (const [part] of text.matchAll(parts)) {
          if (seen.has(part)) continue;
          if (seen.size < mostSeen) seen.add(part);
          if (found.size < limits.matches && worth.test(part)) found.set(part, file);
        }
      }
    }
    return [...found].map(([text, file]) => ({ file, text }));
  },

  copies(from: string, to: string, sizes: Float64Array, made: Made): void {
    const targets = listOf(to);
    for (const [i, path] of listOf(from).entries()) {
      const target = targets[i] as string;
      acted(target, () => copy(path, target, made, sizes[i] as number));
    }
  },
};

function listOf(paths: string): string[] {
  return paths === "" ? [] : paths.split("\0");
}

const nothing: Block = { names: "", statuses: new ArrayBuffer() };

/**
 * Returns the entries of a directory; none if it does not exist. A name that is not valid UTF-8 has no usable path, so
 * it is kept without a status.
 */
export function blockOf(dir: string): Block {
  const { O_RDONLY, O_DIRECTORY } = fs.constants;
  const fd = missing(() => openNoFollow(dir, O_RDONLY | O_DIRECTORY));
  if (fd === null) return nothing;
  try {
    const names = fs.readdirSync(openName(fd)).sort();
    const packed = Packed.of(names.length);
    let count = 0;
    for (const name of names) {
      const isText = !name.includes("\ufffd");
      const status = isText ? statusAt(fd, name) : null;
      if (status !== null) packed.set(count, status);
      // Another user may remove files at the same time. Those are left out.
      else if (isText && missing(() => fs.lstatSync(`${openName(fd)}/${name}`)) === null) continue;
      names[count++] = name;
    }
    names.length = count;
    return { names: names.join("\0"), statuses: packed.buffer };
  } finally {
    fs.closeSync(fd);
  }
}

/** The digest so far, followed by that of the next part. */
const parts = new BigUint64Array(4);

function digestInto(all: BigUint64Array, at: number, path: string, size: number, seeds: Seeds): void {
  const file = open(path);
  try {
    parts.fill(0n);
    for (let left = size; left > 0; left -= bufferBytes) {
      const count = fill(file, buffer, Math.min(left, bufferBytes));
      hashInto(parts, 2, buffer.subarray(0, count), seeds);
      hashInto(parts, 0, parts, seeds);
    }
    all[at] = parts[0] as bigint;
    all[at + 1] = parts[1] as bigint;
  } finally {
    fs.closeSync(file);
  }
}

/** The beginning of a file block by block, each with the end of the one before it; nothing of one that cannot be read. */
function* textsOf(path: string, most: number): Generator<string> {
  let file: number;
  try {
    file = open(path);
  } catch {
    return;
  }
  try {
    let tail = "";
    for (let left = most; left > 0; left -= bufferBytes) {
      const count = fill(file, buffer, Math.min(left, bufferBytes));
      if (count > 0) yield tail + buffer.toString("latin1", 0, count);
      if (count < bufferBytes) return;
      tail = buffer.toString("latin1", count - longestPart, count);
    }
  } catch {
    // What is no file, or is gone, is reported by what publishes it.
  } finally {
    fs.closeSync(file);
  }
}

function copy(from: string, to: string, made: Made, size: number): void {
  const source = open(from);
  try {
    const target = fs.openSync(to, "wx", 0o600);
    try {
      for (let left = size; left > 0; left -= bufferBytes) {
        const count = acted(from, () => fill(source, buffer, Math.min(left, bufferBytes)));
        for (let done = 0; done < count; ) done += fs.writeSync(target, buffer, done, count - done);
      }
      fs.fchownSync(target, made.uid, made.gid);
      fs.fchmodSync(target, made.mode);
      fs.futimesSync(target, made.modifiedSeconds, made.modifiedSeconds);
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
}

/** Opens a file for reading. Does not block on a device or a pipe in its place. */
export function open(path: string): number {
  return openNoFollow(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
}

/** Reads as many bytes as requested, or all that are left. Returns their number. */
export function fill(fd: number, into: Buffer, wanted: number): number {
  let done = 0;
  while (done < wanted) {
    const count = fs.readSync(fd, into, done, wanted - done, null);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Computes two different hashes for twice the bits. A cryptographic hash takes longer than the rest of a deploy. */
function hashInto(digests: BigUint64Array, at: number, bytes: Uint8Array | BigUint64Array, seeds: Seeds): void {
  const [one, two] = [Bun.hash.xxHash3(bytes, seeds[0]), Bun.hash.wyhash(bytes, seeds[1])];
  digests[at] = one;
  digests[at + 1] = two;
}
