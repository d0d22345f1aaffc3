// Unpacks the entries of a zip file: first reads the directory, then each entry, and compares the two.

import * as fs from "node:fs";
import * as zlib from "node:zlib";
import { RejectedArchive, tooDenseMessage, type UnpackLimits } from "../trees.ts";
import { quotedName, utf8 } from "./entry-name.ts";
import { Decompression } from "./local-decompress.ts";
import type { Unpacking } from "./local-unpacking.ts";
import {
  contentOffset,
  corruptArchive,
  declaredBytes,
  type ReadAt,
  type ZipEntry,
  zipDirectory,
  zipEntries,
} from "./zip-directory.ts";
import { zipName } from "./zip-name.ts";

/** From <sys/stat.h>: the file type bits in the mode of a zip that was made on Unix. */
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;
/** The systems whose attributes begin with such a mode: Unix and macOS. No other system stores one. */
const unixes = [3, 19];
const encryptedFlags = 0x1 | 0x40 | 0x2000;
const [stored, deflated] = [0, 8];
const methods: Record<number, string> = {
  9: "Deflate64",
  12: "bzip2",
  14: "LZMA",
  93: "zstd",
  95: "xz",
  98: "PPMd",
  99: "AES",
};
const longestTarget = 4096;
const pieceBytes = 256 * 1024;
/** A file of up to this many bytes, both packed and unpacked, is decompressed in one call. */
const smallBytes = 1024 * 1024;

/** Unpacks a zip. Throws {@link RejectedArchive} for a zip that must not be published. */
export async function unzip(fd: number, fileBytes: number, target: Unpacking, limits: UnpackLimits): Promise<void> {
  const read: ReadAt = (offset, bytes) => readAt(fd, offset, bytes);
  const directory = zipDirectory(read, fileBytes, limits);
  const bytes = declaredBytes(read, directory);
  if (bytes > limits.bytes)
    throw new RejectedArchive(`limit reached: it unpacks to more than ${limits.bytes} bytes`, "bytes");
  if (bytes > limits.ratioFromBytes && bytes > limits.ratio * fileBytes) throw tooDenseMessage(limits);
  for (const entry of zipEntries(read, directory)) {
    const { name, guessed } = zipName(entry.rawName, entry.extra, entry.flags, entry.madeBy);
    if (guessed !== null) target.remark(guessed, name);
    const mode = unixes.includes(entry.madeBy) ? entry.attributes >>> 16 : 0;
    await target.pause();
    await unpackEntry({ read, entry, name, mode, target });
  }
}

async function unpackEntry({
  read,
  entry,
  name,
  mode,
  target,
}: {
  read: ReadAt;
  entry: ZipEntry;
  name: string;
  mode: number;
  target: Unpacking;
}): Promise<void> {
  const shown = quotedName(name);
  const kind = mode & S_IFMT;
  const start = contentOffset(read, entry, shown);
  if ((entry.flags & encryptedFlags) !== 0) throw new RejectedArchive(`${shown} is encrypted`);
  if (entry.method !== stored && entry.method !== deflated) {
    const method = methods[entry.method] ?? `method ${entry.method}`;
    throw new RejectedArchive(`${shown} is compressed by ${method}: pack it with Deflate, as most programs do`);
  }
  if (name.endsWith("/") || kind === S_IFDIR) {
    if (entry.size > 0) throw new RejectedArchive(`${shown} is a directory with a size of ${entry.size} bytes`);
    target.directory(name);
  } else if (kind === S_IFLNK) {
    if (entry.size > longestTarget) throw new RejectedArchive(`${shown} is a symbolic link without a valid target`);
    const pieces: Uint8Array[] = [];
    await content({ read, entry, start, shown, take: (piece) => pieces.push(Uint8Array.from(piece)) });
    target.link(name, utf8(Buffer.concat(pieces)) ?? "");
  } else if (kind === 0 || kind === S_IFREG) {
    target.open(name, mode);
    const pause = () => target.pause();
    await content({ read, entry, start, shown, take: (piece) => target.write(piece), pause });
    target.close();
  } else throw new RejectedArchive(`${shown} is neither a file, a directory nor a symbolic link`);
}

/**
 * Passes the content to `take`. Throws if its size or checksum differs from the directory, and stops as soon as it is
 * too long.
 */
async function content({
  read,
  entry: { method, packed, size, crc },
  start,
  shown,
  take,
  pause = async () => {},
}: {
  read: ReadAt;
  entry: ZipEntry;
  start: number;
  shown: string;
  take: (piece: Uint8Array) => void;
  pause?: () => Promise<void>;
}): Promise<void> {
  let [bytes, sum] = [0, 0];
  const verifyContent = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (bytes > size) throw corruptArchive(`${shown} unpacks to more than its ${size} bytes`);
    sum = zlib.crc32(piece, sum);
    take(piece);
  };
  if (method === stored) {
    for (const piece of piecesOf(read, start, packed)) {
      await pause();
      verifyContent(piece);
    }
  } else if (packed <= smallBytes && size <= smallBytes) {
    verifyContent(inflate(read(start, packed), size, shown));
  } else {
    const inflating = new Decompression("deflate", verifyContent);
    try {
      for (const piece of piecesOf(read, start, packed)) {
        await pause();
        await inflating.push(piece);
      }
      await inflating.end();
    } finally {
      inflating.destroy();
    }
  }
  if (bytes !== size) throw corruptArchive(`${shown} unpacks to ${bytes} bytes, not to its ${size}`);
  if (sum !== crc) throw corruptArchive(`${shown} has another checksum`);
}

function inflate(packed: Buffer, size: number, shown: string): Buffer {
  try {
    return zlib.inflateRawSync(packed, { maxOutputLength: size + 1 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw error;
    throw corruptArchive(`${shown} unpacks to more than its ${size} bytes`);
  }
}

function* piecesOf(read: ReadAt, start: number, bytes: number): Generator<Buffer> {
  for (let done = 0; done < bytes; done += pieceBytes) {
    yield read(start + done, Math.min(pieceBytes, bytes - done));
  }
}

/** Reads exactly this many bytes at an offset. Throws {@link RejectedArchive} if the file ends before that. */
export function readAt(fd: number, offset: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let done = 0; done < bytes; ) {
    const count = fs.readSync(fd, buffer, done, bytes - done, offset + done);
    if (count === 0) throw corruptArchive("it ends before its content");
    done += count;
  }
  return buffer;
}
