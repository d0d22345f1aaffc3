// The slow part of a deploy: reading and copying whole files, one at a time.

import * as fs from "node:fs";
import type { Attributes } from "./host.ts";
import { type Block, Packed } from "./listing.ts";
import { openName, openNoFollow } from "./local-beneath.ts";
import { compress } from "./local-compress.ts";
import { statusAt } from "./local-libc.ts";
import { nullIfMissing, withPath } from "./local-naming.ts";
import { Matcher } from "./local-search.ts";
import {
  type CopySearch,
  digestWords,
  longestPart,
  type NewAttributes,
  type Search,
  type SearchLimits,
  type SearchResult,
  type Seeds,
} from "./trees.ts";

export const bufferBytes = 256 * 1024;
/** A block of a file, with room in front for the end of the previous block: a part may extend over both. */
const blocks = Buffer.allocUnsafe(longestPart + bufferBytes);
const buffer = blocks.subarray(longestPart);

/**
 * Implements methods of {@link Trees} for paths of this machine. Paths are passed as one string with NUL between them,
 * because a thread receives that fastest.
 */
export const files = {
  blocks: (dirs: string): Block[] => listOf(dirs).map(blockOf),

  digests(paths: string, sizes: Float64Array, seeds: Seeds): Uint32Array {
    const all = new BigUint64Array((sizes.length * digestWords) / 2);
    const names = listOf(paths);
    for (const [i, path] of names.entries())
      withPath(path, () => digestInto({ all, at: 2 * i, path, size: sizes[i] as number, seeds }));
    return new Uint32Array(all.buffer);
  },

  search(paths: string, search: Search, limits: SearchLimits): SearchResult {
    const matcher = new Matcher([search], limits);
    for (const [file, path] of listOf(paths).entries()) {
      if (matcher.isDone(0)) break;
      // The time includes reading the file. A search during a copy does not count that.
      matcher.timed(() =>
        readBlocks(path, limits.bytes, (at, count) => matcher.look(blockWithEndOfLast(at, count), 0, file)),
      );
    }
    return matcher.searched();
  },

  /** `of`: the index of the search for each file, or -1. */
  copies(
    from: string,
    to: string,
    sizes: Float64Array,
    attributes: NewAttributes,
    search?: CopySearch & { of: Int8Array },
  ): SearchResult {
    const matcher = search && new Matcher(search.searches, search.limits);
    const targets = listOf(to);
    for (const [file, path] of listOf(from).entries()) {
      const target = targets[file] as string;
      const index = search?.of[file] ?? -1;
      const onBlock: OnBlock = (at, count) => {
        const searched = Math.min(count, (search?.limits.bytes ?? 0) - at);
        if (matcher === undefined || searched <= 0 || matcher.isDone(index)) return;
        matcher.timed(() => matcher.look(blockWithEndOfLast(at, searched), index, file));
      };
      withPath(target, () => copy({ from: path, to: target, attributes, size: sizes[file] as number, onBlock }));
    }
    return matcher?.searched() ?? { found: [], milliseconds: 0 };
  },

  compress: (targets: string, attributes: Attributes): void => compress(listOf(targets), attributes),
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
  const fd = nullIfMissing(() => openNoFollow(dir, O_RDONLY | O_DIRECTORY));
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
      else if (isText && nullIfMissing(() => fs.lstatSync(`${openName(fd)}/${name}`)) === null) continue;
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

function digestInto({
  all,
  at,
  path,
  size,
  seeds,
}: {
  all: BigUint64Array;
  at: number;
  path: string;
  size: number;
  seeds: Seeds;
}): void {
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

/** Receives the offset and the size in bytes of a block of a file, which is in {@link buffer}. */
type OnBlock = (at: number, count: number) => void;

/** Reads the beginning of a file block by block. Reads nothing of a file that cannot be opened. */
function readBlocks(path: string, most: number, onBlock: OnBlock): void {
  // The deploy itself reports an entry that is not a file, or that no longer exists.
  const orNothing = (read: () => number): number => {
    try {
      return read();
    } catch {
      return -1;
    }
  };
  const file = orNothing(() => open(path));
  if (file < 0) return;
  try {
    for (let at = 0; at < most; at += bufferBytes) {
      const count = orNothing(() => fill(file, buffer, Math.min(most - at, bufferBytes)));
      if (count > 0) onBlock(at, count);
      if (count < bufferBytes) return;
      keepEnd();
    }
  } finally {
    fs.closeSync(file);
  }
}

/** Returns the block in {@link buffer} together with the end of the previous block, if there is one. */
function blockWithEndOfLast(at: number, count: number): Buffer {
  return blocks.subarray(at === 0 ? longestPart : 0, longestPart + count);
}

/** Keeps the end of a full block for the next one. */
function keepEnd(): void {
  blocks.copyWithin(0, bufferBytes);
}

function copy({
  from,
  to,
  attributes,
  size,
  onBlock,
}: {
  from: string;
  to: string;
  attributes: NewAttributes;
  size: number;
  onBlock: OnBlock;
}): void {
  const source = open(from);
  try {
    const target = fs.openSync(to, "wx", 0o600);
    try {
      for (let at = 0; at < size; at += bufferBytes) {
        const count = withPath(from, () => fill(source, buffer, Math.min(size - at, bufferBytes)));
        for (let done = 0; done < count; ) done += fs.writeSync(target, buffer, done, count - done);
        if (count > 0) onBlock(at, count);
        if (count === bufferBytes) keepEnd();
      }
      fs.fchownSync(target, attributes.uid, attributes.gid);
      fs.fchmodSync(target, attributes.mode);
      fs.futimesSync(target, attributes.modifiedSeconds, attributes.modifiedSeconds);
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
export function fill(fd: number, into: Buffer, bytes: number): number {
  let done = 0;
  while (done < bytes) {
    const count = fs.readSync(fd, into, done, bytes - done, null);
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
