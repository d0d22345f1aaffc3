// Unpacks untrusted archives into an empty directory. No entry can name a place outside of it.

import * as fs from "node:fs";
import { isatty } from "node:tty";
import type { Attributes } from "../host.ts";
import { systemMessage } from "../system-error.ts";
import { type PausedUnpack, RejectedArchive, tooDenseMessage, type UnpackLimits } from "../trees.ts";
import { Decompression } from "./local-decompress.ts";
import { Unpacking } from "./local-unpacking.ts";
import { readAt, unzip } from "./local-unzip.ts";
import { TarReader } from "./tar-reader.ts";
import { zipEnd } from "./zip-directory.ts";

type Kind = "zip" | "gzip" | "zstd" | "tar" | "foreign";

/** The first bytes of each format, in hexadecimal. */
const magics: [magic: string, kind: Kind, name: string][] = [
  ["1f8b", "gzip", "gzip"],
  ["28b52ffd", "zstd", "zstd"],
  ["504b0304", "zip", "zip"],
  ["504b0506", "zip", "zip"],
  ["504b0708", "zip", "zip"],
  ["fd377a585a00", "foreign", "xz"],
  ["425a68", "foreign", "bzip2"],
  ["377abcaf271c", "foreign", "7-Zip"],
  ["52617221", "foreign", "RAR"],
];
const magicBytes = 6;
const stdinFd = 0;
const pieceBytes = 256 * 1024;
/** The longest time in milliseconds between two pauses while nothing arrives. */
const pauseMs = 100;
/** Errors of the disk, not of the archive. */
const diskFaults = ["ENOSPC", "EDQUOT", "EIO", "EROFS"];

/** Implements {@link Trees.unpack}. */
export async function unpack(
  from: number | "-" | AsyncIterable<Uint8Array>,
  into: string,
  attributes: Attributes,
  limits: PausedUnpack,
): Promise<string[]> {
  const target = new Unpacking(into, attributes, limits);
  try {
    if (from === "-") await unpackStdin(target, limits);
    else if (typeof from === "number") await unpackFile(from, target, limits);
    else await untar(delivered(from, target), target, limits, "a zip cannot be unpacked in pieces");
    return target.notes();
  } catch (error) {
    throw error === target.interruption ? error : refusal(error);
  } finally {
    target.abort();
  }
}

/**
 * Unpacks an open file. All reads are synchronous: none is pending when this returns, so the caller may close the file.
 */
async function unpackFile(fd: number, target: Unpacking, limits: UnpackLimits): Promise<void> {
  const before = fs.fstatSync(fd);
  const head = Buffer.alloc(magicBytes);
  fs.readSync(fd, head, 0, magicBytes, 0);
  const kind = kindOf(head);
  const endsAsZip = kind === "tar" && zipEnd((offset, bytes) => readAt(fd, offset, bytes), before.size) !== null;
  if (kind === "zip" || endsAsZip) await unzip(fd, before.size, target, limits);
  else await untar(piecesOf(fd), target, limits);
  const after = fs.fstatSync(fd);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs || after.ctimeMs !== before.ctimeMs) {
    throw new RejectedArchive("it was changed while it was read", "unchanged");
  }
}

/** Yields the pieces. An error of their origin is no fault of the archive. */
async function* delivered(pieces: AsyncIterable<Uint8Array>, target: Unpacking): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (error) {
    target.interruption = error;
    throw error;
  }
}

async function unpackStdin(target: Unpacking, limits: UnpackLimits): Promise<void> {
  if (fs.fstatSync(stdinFd).isDirectory()) throw new RejectedArchive("stdin is a directory, not a tar");
  if (isatty(stdinFd)) throw new RejectedArchive("stdin is a terminal: pipe a tar into this command");
  await untar(
    readArriving(target, limits),
    target,
    limits,
    "a zip is read from a file, not from stdin: name it as --source",
  );
}

/** `noZip`: the error message for a zip. */
async function untar(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  target: Unpacking,
  limits: UnpackLimits,
  noZip = "",
): Promise<void> {
  const tar = new TarReader(target, limits);
  let [arrived, unpacked] = [0, 0];
  let decompression: Decompression | null = null;
  try {
    for await (const piece of withWholeHead(pieces)) {
      if (arrived === 0) {
        const kind = kindOf(piece);
        if (kind === "zip") throw new RejectedArchive(noZip);
        if (kind === "gzip" || kind === "zstd") decompression = new Decompression(kind, takeUnpacked);
      }
      arrived += piece.length;
      await target.pause();
      if (decompression === null) tar.push(piece);
      else await decompression.push(piece);
    }
    if (arrived === 0) throw new RejectedArchive("it is empty");
    await decompression?.end();
    tar.finish();
  } finally {
    decompression?.destroy();
  }

  function takeUnpacked(piece: Uint8Array): void {
    unpacked += piece.length;
    if (unpacked > limits.ratioFromBytes && unpacked > limits.ratio * arrived) throw tooDenseMessage(limits);
    tar.push(piece);
  }
}

/** Buffers the first piece until it is long enough to detect the format. A pipe may deliver it byte by byte. */
async function* withWholeHead(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array();
  for await (const piece of pieces) {
    if (head === null) {
      yield piece;
      continue;
    }
    head = Buffer.concat([head, piece]);
    if (head.length < magicBytes) continue;
    yield head;
    head = null;
  }
  if (head !== null && head.length > 0) yield head;
}

/** Returns the format. Throws {@link RejectedArchive} for a format that is not supported. */
function kindOf(bytes: Uint8Array): Kind {
  const head = Buffer.from(bytes.subarray(0, magicBytes)).toString("hex");
  const [, kind, name] = magics.find(([magic]) => head.startsWith(magic)) ?? ([null, "tar", "tar"] as const);
  if (kind === "foreign")
    throw new RejectedArchive(`its format is ${name}: pack it as .tar, .tar.gz, .tar.zst or .zip`);
  return kind;
}

function* piecesOf(fd: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let offset = 0; ; ) {
    const count = fs.readSync(fd, buffer, 0, pieceBytes, offset);
    if (count === 0) return;
    offset += count;
    yield buffer.subarray(0, count);
  }
}

/** Yields what arrives on stdin as long as the archive makes progress, which means file content or another entry. */
async function* readArriving(target: Unpacking, { idleMs }: UnpackLimits): AsyncGenerator<Uint8Array> {
  const reader = Bun.stdin.stream().getReader();
  try {
    for (let reading = reader.read(); ; ) {
      const left = target.progressMs + idleMs - performance.now();
      const late = Promise.withResolvers<null>();
      const timer = setTimeout(() => late.resolve(null), Math.min(Math.max(0, left), pauseMs));
      const next = await Promise.race([reading, late.promise]).finally(() => clearTimeout(timer));
      if (left < 0 || (next === null && left < pauseMs)) {
        throw new RejectedArchive(`limit reached: no content of a file arrived for ${idleMs / 1000} s`, "idleMs");
      }
      if (next === null) {
        await target.pause();
        continue;
      }
      if (next.done) return;
      yield next.value;
      reading = reader.read();
    }
  } finally {
    // The sender may continue forever, so this does not wait for it.
    await reader.cancel();
  }
}

/**
 * Converts errors of the system and of the decompressor into a {@link RejectedArchive}. Disk errors and bugs stay as they are.
 */
function refusal(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof RejectedArchive || typeof code !== "string" || diskFaults.includes(code)) return error;
  return new RejectedArchive(`it cannot be read: ${systemMessage(message)}`);
}
