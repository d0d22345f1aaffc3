// Archives that somebody made, unpacked into an empty directory of ours: nothing in them names a place outside of it.

import { once } from "node:events";
import * as fs from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStreamDefaultReader } from "node:stream/web";
import * as zlib from "node:zlib";
import type { Attributes } from "./host.ts";
import { Unpacking } from "./local-unpacking.ts";
import { type Amount, Refused } from "./trees.ts";

const magics: [string, string][] = [
  ["1f8b", "gzip"],
  ["28b52ffd", "zstd"],
  ["504b0304", "zip"],
  ["504b0506", "zip"],
];
/** From <sys/stat.h>: what a zip made by Unix has of a file's mode. */
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;
const longestTarget = 4096;
const magicBytes = 4;
/** Two blocks, tar(5). */
const endBytes = 1024;

/** See {@link Trees.unpack}. */
export async function unpack(from: number | "-", into: string, made: Attributes, limits: Amount): Promise<void> {
  const target = new Unpacking(into, made, limits);
  if (from === "-") await untar(Bun.stdin.stream(), target);
  else await fromFile(from, target);
}

/** What is changed in the file meanwhile is told. */
async function fromFile(fd: number, target: Unpacking): Promise<void> {
  const before = fs.fstatSync(fd);
  const head = Buffer.alloc(magicBytes);
  fs.readSync(fd, head, 0, magicBytes, 0);
  if (kindOf(head) === "zip") await unzip(fd, target);
  else await untar(Bun.file(fd).stream(), target);
  const after = fs.fstatSync(fd);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs || after.ctimeMs !== before.ctimeMs) {
    throw new Refused("it was changed while it was read");
  }
}

function kindOf(bytes: Buffer): string {
  return magics.find(([magic]) => bytes.toString("hex").startsWith(magic))?.[1] ?? "tar";
}

async function untar(stream: ReadableStream<Uint8Array>, target: Unpacking): Promise<void> {
  const { extract } = await import("tar-stream");
  const reader: Reader = stream.getReader();
  try {
    const head = await firstPiece(reader);
    const kind = kindOf(head);
    if (head.length === 0) throw new Refused("it is empty");
    if (kind === "zip") throw new Refused("a zip is read from a file, not from a pipe");
    const source = Readable.from(joined(head, reader));
    const decompress = kind === "gzip" ? zlib.createGunzip() : kind === "zstd" ? zlib.createZstdDecompress() : null;
    const entries = extract();
    const end = new End();
    const fed = decompress ? pipeline(source, decompress, end.watch, entries) : pipeline(source, end.watch, entries);
    const read = async (): Promise<void> => {
      for await (const entry of entries) {
        const { name, type, mode = 0, linkname } = entry.header;
        if (type === "directory") target.directory(name);
        else if (type === "symlink") target.link(name, shortTarget(name, linkname ?? ""));
        else if (type === "link") target.copy(name, linkname ?? "");
        else if (type === "file" || type === "contiguous-file") {
          await target.file(name, mode, entry as unknown as Readable);
        } else throw new Refused(`${name} is a ${type ?? "thing"} that no site has`);
        entry.resume();
      }
    };
    await Promise.all([
      fed,
      read().catch(async (error: unknown) => {
        // Whoever still sends is not waited for.
        await reader.cancel();
        entries.destroy();
        throw error;
      }),
    ]);
    end.demand();
  } catch (error) {
    throw told(error);
  } finally {
    await reader.cancel();
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Enough of it to tell what it is: a pipe may give it byte by byte. */
async function firstPiece(reader: Reader): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < magicBytes) {
    const { value, done } = await reader.read();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

async function* joined(head: Buffer, reader: Reader): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** The end of a tar: two blocks of zeros. Without them it may have been cut between two files. */
class End {
  private last = Buffer.alloc(0);

  readonly watch = async function* (this: End, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.last = Buffer.concat([this.last, piece.subarray(-endBytes)]).subarray(-endBytes);
      yield piece;
    }
  }.bind(this);

  demand(): void {
    if (this.last.length < endBytes || this.last.some((byte) => byte !== 0)) throw new Refused("its end is missing");
  }
}

async function unzip(fd: number, target: Unpacking): Promise<void> {
  const { fromFdPromise } = await import("yauzl");
  try {
    const zip = await fromFdPromise(fd, { lazyEntries: true, strictFileNames: true, autoClose: false });
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      const mode = entry.externalFileAttributes >>> 16;
      const kind = mode & S_IFMT;
      if (![0, S_IFREG, S_IFDIR, S_IFLNK].includes(kind)) throw new Refused(`${name} is a thing that no site has`);
      if (name.endsWith("/") || kind === S_IFDIR) {
        target.directory(name);
        continue;
      }
      const content = await zip.openReadStreamPromise(entry);
      if (kind === S_IFLNK) target.link(name, shortTarget(name, await textOf(content)));
      else if ((await target.file(name, mode, content)) !== entry.crc32) throw new Refused(`${name} is damaged`);
    }
  } catch (error) {
    throw told(error);
  }
}

/** A disk's own fault is not the archive's. */
function told(error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof Refused || ["ENOSPC", "EDQUOT", "EIO", "EROFS"].includes(code ?? "")) return error as Error;
  return new Refused(`it cannot be read: ${message}`);
}

async function textOf(content: Readable): Promise<string> {
  let text = "";
  content.setEncoding("utf8").on("data", (piece: string) => {
    if (text.length <= longestTarget) text += piece;
  });
  await once(content, "end");
  return text;
}

function shortTarget(name: string, target: string): string {
  if (target === "" || target.length > longestTarget || target.includes("\0"))
    throw new Refused(`${name} is a broken link`);
  return target;
}
