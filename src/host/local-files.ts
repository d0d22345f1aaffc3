// What takes the time of a deploy: whole files, read or copied one at a time.

import * as fs from "node:fs";
import { acted } from "./local-naming.ts";
import { digestBytes, type Made, type Seeds } from "./trees.ts";

export const bufferBytes = 256 * 1024;
const buffer = Buffer.allocUnsafe(bufferBytes);

/** As {@link Trees} has them, by paths of this machine. Many are one string, with a NUL between: what a thread is told soonest. */
export const files = {
  digests(paths: string, sizes: Float64Array, seeds: Seeds): Uint8Array {
    const all = Buffer.allocUnsafe(sizes.length * digestBytes);
    for (const [i, path] of listOf(paths).entries()) {
      digestInto(all, i * digestBytes, path, sizes[i] as number, seeds);
    }
    return all;
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

/** The digest so far, and that of the next part. */
const parts = Buffer.alloc(2 * digestBytes);

function digestInto(all: Buffer, at: number, path: string, size: number, seeds: Seeds): void {
  const file = open(path);
  try {
    parts.fill(0);
    for (let left = size; left > 0; left -= bufferBytes) {
      const count = acted(path, () => fill(file, buffer, Math.min(left, bufferBytes)));
      hashInto(parts, digestBytes, buffer.subarray(0, count), seeds);
      hashInto(parts, 0, parts, seeds);
    }
    parts.copy(all, at, 0, digestBytes);
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

/** A device or a pipe in the place of a file is not waited for. */
export function open(path: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/** As many bytes as are asked for, or all that are left. */
export function fill(fd: number, into: Buffer, wanted: number): number {
  let done = 0;
  while (done < wanted) {
    const count = fs.readSync(fd, into, done, wanted - done, null);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Of two kinds, for twice the bits: a cryptographic one takes longer than all the rest of a deploy. */
function hashInto(digests: Buffer, at: number, bytes: Uint8Array, [first, second]: Seeds): void {
  const [one, two] = [Bun.hash.xxHash3(bytes, first), Bun.hash.wyhash(bytes, second)];
  digests.writeBigUInt64LE(one, at);
  digests.writeBigUInt64LE(two, at + 8);
}
