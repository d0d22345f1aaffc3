// One header block of a tar: v7, ustar (POSIX) or GNU, tar(5).

import { RejectedArchive } from "../trees.ts";

export const blockBytes = 512;

export interface TarHeader {
  name: Uint8Array;
  linkName: Uint8Array;
  /** One character; "0" also stands for the NUL of v7. */
  type: string;
  mode: number;
  /** Number of content bytes that follow. */
  size: number;
}

/** Why a file is refused that begins like no archive. */
export const noArchive = "it is neither a tar, a .tar.gz, a .tar.zst nor a .zip";

const [checksumAt, checksumEnd] = [148, 156];
const magicAt = 257;
const space = 0x20;

/**
 * Parses a header block. Returns null for a block of zeros. Throws {@link RejectedArchive} for an invalid block; `offset` is
 * its position in the archive.
 */
export function tarHeader(block: Uint8Array, offset: number): TarHeader | null {
  if (isZero(block)) return null;
  const sum = octal(block, checksumAt, checksumEnd - checksumAt);
  if (Number.isNaN(sum) || !checksums(block).includes(sum)) {
    const what = offset === 0 ? noArchive : "it is corrupt";
    throw new RejectedArchive(`${what}: no tar header at byte ${offset}`);
  }
  const size = octal(block, 124, 12);
  const mode = octal(block, 100, 8);
  if (!(Number.isSafeInteger(size) && size >= 0 && Number.isSafeInteger(mode))) {
    throw new RejectedArchive(`it is corrupt: invalid number in the tar header at byte ${offset}`);
  }
  const type = String.fromCharCode(block[156] || 0x30);
  return { name: nameIn(block), linkName: text(block, 157, 100), type, mode, size };
}

/** Only POSIX has a name prefix: GNU stores times in its place, and v7 nothing. */
function nameIn(block: Uint8Array): Uint8Array {
  const name = text(block, 0, 100);
  const prefix = text(block, 345, 155);
  const isPosix = Buffer.from(block.subarray(magicAt, magicAt + 6)).toString("latin1") === "ustar\0";
  if (!isPosix || prefix.length === 0) return name;
  return Buffer.concat([prefix, Buffer.from("/"), name]);
}

/** Returns a copy of the bytes of a field up to its first NUL. */
export function text(block: Uint8Array, at: number, length: number): Uint8Array {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return Uint8Array.from(end < 0 ? field : field.subarray(0, end));
}

/** Parses a number. Returns NaN if it is neither octal nor base-256. An empty field is 0. */
export function octal(block: Uint8Array, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) {
    if (first !== 0x80) return Number.NaN;
    let value = 0;
    for (const byte of block.subarray(at + 1, at + length)) value = value * 256 + byte;
    return value;
  }
  let value = 0;
  let digits = 0;
  for (const byte of block.subarray(at, at + length)) {
    if (byte === 0 || byte === space) {
      if (digits > 0) break;
    } else if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + byte - 0x30;
      digits += 1;
    } else return Number.NaN;
  }
  return value;
}

/**
 * Returns the sum of all bytes with the checksum field as spaces, unsigned and, as some old programs computed it,
 * signed.
 */
function checksums(block: Uint8Array): [number, number] {
  let [unsigned, signed] = [0, 0];
  for (let at = 0; at < blockBytes; at++) {
    const byte = at >= checksumAt && at < checksumEnd ? space : (block[at] as number);
    unsigned += byte;
    signed += byte > 0x7f ? byte - 0x100 : byte;
  }
  return [unsigned, signed];
}

/** Returns whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}
