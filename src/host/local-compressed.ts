// Compares a compressed file with another file. A gzip file has a checksum at its end (RFC 1952) and is not
// decompressed; a brotli stream has none and is.

import * as fs from "node:fs";
import { brotliDecompressSync, crc32 } from "node:zlib";
import { bufferBytes, fill, open } from "./local-files.ts";
import type { Encoding } from "./trees.ts";

/** The two magic bytes and the method, deflate. */
const magic = Buffer.of(0x1f, 0x8b, 8);
/** A header of ten bytes, an empty block of two, and a trailer: a checksum and a size of four bytes each. */
const leastBytes = 20;
const endBytes = 8;

const buffer = Buffer.allocUnsafe(bufferBytes);

/** Implements {@link Trees.isCompressedOf}. */
export function isCompressedOf(packed: string, file: string, encoding: Encoding): boolean {
  return encoding === ".br" ? isBrotliOf(packed, file) : isGzipOf(packed, file);
}

/** No larger file is read into memory. A brotli file beside it is not used. */
const mostBytes = 64 * 2 ** 20;

function isBrotliOf(packed: string, file: string): boolean {
  if (Math.max(fs.lstatSync(file).size, fs.lstatSync(packed).size) > mostBytes) return false;
  const bytes = contentOf(file);
  try {
    // A stream that yields more than the file is refused before it fills the memory.
    return brotliDecompressSync(contentOf(packed), { maxOutputLength: Math.max(1, bytes.length) }).equals(bytes);
  } catch (error) {
    // The runtime's errors about damaged streams have such a code; errors of the system do not.
    if (/^(ERR_|Z_)/.test((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

function contentOf(path: string): Buffer {
  const fd = open(path);
  try {
    return fs.readFileSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Returns whether a gzip file has one member, made of the bytes of `file`. Reads `file` only if the sizes match. */
function isGzipOf(packed: string, file: string): boolean {
  const end = endOf(packed);
  if (end === null) return false;
  const fd = open(file);
  try {
    if (fs.fstatSync(fd).size % 2 ** 32 !== end.size) return false;
    let sum = 0;
    for (let count = fill(fd, buffer, bufferBytes); count > 0; count = fill(fd, buffer, bufferBytes)) {
      sum = crc32(buffer.subarray(0, count), sum);
    }
    return sum === end.sum;
  } finally {
    fs.closeSync(fd);
  }
}

/** Returns the checksum and size in the trailer of a gzip file, or null if it is not a gzip file. */
function endOf(packed: string): { sum: number; size: number } | null {
  const fd = open(packed);
  try {
    const { size } = fs.fstatSync(fd);
    if (size < leastBytes) return null;
    fs.readSync(fd, buffer, 0, magic.length, 0);
    if (buffer.compare(magic, 0, magic.length, 0, magic.length) !== 0) return null;
    fs.readSync(fd, buffer, 0, endBytes, size - endBytes);
    return { sum: buffer.readUInt32LE(0), size: buffer.readUInt32LE(4) };
  } finally {
    fs.closeSync(fd);
  }
}
