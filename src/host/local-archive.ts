// Archives that somebody made, unpacked into an empty directory of ours: nothing in them names a place outside of it.

import { once } from "node:events";
import * as fs from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import type { Attributes } from "./host.ts";
import { type Amount, Refused } from "./trees.ts";

const magics: [string, string][] = [
  ["1f8b", "gzip"],
  ["28b52ffd", "zstd"],
  ["504b0304", "zip"],
  ["504b0506", "zip"],
];
/** From <sys/stat.h>: what a zip made by Unix has of a file's mode. */
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;
const setIdBits = 0o6000;
const longestTarget = 4096;

/** See {@link Trees.unpack}. */
export async function unpack(from: string, into: string, made: Attributes, limits: Amount): Promise<Amount> {
  const target = new Target(into, made, limits);
  if (from !== "-" && kindOf(head(from)) === "zip") await unzip(from, target);
  else
    await untar(
      from === "-" ? fs.createReadStream("", { fd: 0, autoClose: false }) : fs.createReadStream(from),
      target,
    );
  return target.unpacked;
}

function head(path: string): Buffer {
  const fd = fs.openSync(path, "r");
  try {
    const bytes = Buffer.alloc(4);
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, 4, 0));
  } finally {
    fs.closeSync(fd);
  }
}

function kindOf(bytes: Buffer): string {
  return magics.find(([magic]) => bytes.toString("hex").startsWith(magic))?.[1] ?? "tar";
}

/** Checks each entry by its name before it is made, and counts. */
class Target {
  private readonly made = new Map<string, "directory" | "file" | "link">([["", "directory"]]);
  private bytes = 0;

  constructor(
    private readonly dir: string,
    private readonly attributes: Attributes,
    private readonly limits: Amount,
  ) {}

  get unpacked(): Amount {
    return { entries: this.made.size - 1, bytes: this.bytes };
  }

  directory(typed: string): void {
    const path = this.checked(typed);
    if (path === "") return;
    const before = this.made.get(path);
    if (before !== undefined && before !== "directory") throw new Refused(`${typed} stands twice in it`);
    this.makeAbove(path, typed);
    this.makeDirectory(path);
  }

  link(typed: string, target: string): void {
    const path = this.fresh(typed);
    fs.symlinkSync(target, `${this.dir}/${path}`);
    this.made.set(path, "link");
  }

  /** A second name of an earlier file, as a tar has of one with several. */
  copy(typed: string, earlier: string): void {
    const source = this.checked(earlier);
    if (this.made.get(source) !== "file") throw new Refused(`${typed} is a name of ${earlier}, which is not in it`);
    const path = this.fresh(typed);
    this.count(fs.statSync(`${this.dir}/${source}`).size, typed);
    fs.copyFileSync(`${this.dir}/${source}`, `${this.dir}/${path}`, fs.constants.COPYFILE_EXCL);
    this.made.set(path, "file");
    const { mode, uid, gid } = this.attributes;
    fs.chmodSync(`${this.dir}/${path}`, mode);
    fs.chownSync(`${this.dir}/${path}`, uid, gid);
  }

  async file(typed: string, mode: number, content: Readable): Promise<void> {
    if ((mode & setIdBits) !== 0) throw new Refused(`${typed} has a set-user-ID or set-group-ID bit`);
    const path = this.fresh(typed);
    this.made.set(path, "file");
    const fd = fs.openSync(`${this.dir}/${path}`, "wx", 0o600);
    try {
      for await (const piece of content as AsyncIterable<Uint8Array>) {
        this.count(piece.length, typed);
        for (let done = 0; done < piece.length; ) done += fs.writeSync(fd, piece, done);
      }
      fs.fchownSync(fd, this.attributes.uid, this.attributes.gid);
      fs.fchmodSync(fd, this.attributes.mode);
    } finally {
      fs.closeSync(fd);
    }
  }

  private count(bytes: number, typed: string): void {
    this.bytes += bytes;
    if (this.bytes > this.limits.bytes) {
      throw new Refused(`${typed} is more than fits: it unpacks to more than ${this.limits.bytes} bytes`);
    }
  }

  private fresh(typed: string): string {
    const path = this.checked(typed);
    if (path === "" || this.made.has(path)) throw new Refused(`${typed} stands twice in it`);
    this.makeAbove(path, typed);
    return path;
  }

  /** Its way in the tree. Throws for one that leads out, whatever it is called. */
  private checked(typed: string): string {
    if (typed.startsWith("/") || typed.includes("\\")) throw new Refused(`${typed} is no relative path`);
    const parts = typed.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw new Refused(`${typed} leads out of it`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (/[\u0000-\u001f\u007f\ufffd]/.test(typed)) throw new Refused(`${typed} has characters that no address has`);
    if (this.made.size > this.limits.entries) throw new Refused(`it has more than ${this.limits.entries} entries`);
    return parts.join("/");
  }

  private makeAbove(path: string, typed: string): void {
    const above = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const found = this.made.get(above);
    if (found === "directory") return;
    if (found !== undefined) throw new Refused(`${typed} lies below ${above}, which is no directory`);
    this.makeAbove(above, typed);
    this.makeDirectory(above);
  }

  private makeDirectory(path: string): void {
    if (this.made.has(path)) return;
    fs.mkdirSync(`${this.dir}/${path}`, { mode: 0o755 });
    this.made.set(path, "directory");
  }
}

async function untar(stream: fs.ReadStream, target: Target): Promise<void> {
  const { extract } = await import("tar-stream");
  const pieces = stream[Symbol.asyncIterator]();
  const { value: first = Buffer.alloc(0), done } = await pieces.next();
  if (done === true) throw new Refused("it is empty");
  const kind = kindOf(first as Buffer);
  if (kind === "zip") throw new Refused("a zip is read from a file, not from a pipe");
  const source = Readable.from(
    (async function* () {
      yield first;
      yield* { [Symbol.asyncIterator]: () => pieces };
    })(),
  );
  const entries = extract();
  const decompress = kind === "gzip" ? zlib.createGunzip() : kind === "zstd" ? zlib.createZstdDecompress() : null;
  const fed = decompress ? pipeline(source, decompress, entries) : pipeline(source, entries);
  const read = async (): Promise<void> => {
    for await (const entry of entries) {
      const { name, type, mode = 0, linkname } = entry.header;
      if (type === "directory") target.directory(name);
      else if (type === "symlink") target.link(name, shortTarget(name, linkname ?? ""));
      else if (type === "link") target.copy(name, linkname ?? "");
      else if (type === "file" || type === "contiguous-file")
        await target.file(name, mode, entry as unknown as Readable);
      else throw new Refused(`${name} is a ${type ?? "thing"} that no site has`);
      entry.resume();
    }
  };
  try {
    await Promise.all([fed, read()]);
  } catch (error) {
    entries.destroy();
    await fed.catch(() => {});
    throw error instanceof Refused ? error : new Refused(`it cannot be read: ${(error as Error).message}`);
  }
}

async function unzip(path: string, target: Target): Promise<void> {
  const { openPromise } = await import("yauzl");
  try {
    const zip = await openPromise(path, { lazyEntries: true, strictFileNames: true });
    try {
      for await (const entry of zip.eachEntry()) {
        const mode = entry.externalFileAttributes >>> 16;
        const name = entry.fileName;
        if (name.endsWith("/") || (mode & S_IFMT) === S_IFDIR) {
          target.directory(name);
          continue;
        }
        const content = await zip.openReadStreamPromise(entry);
        if ((mode & S_IFMT) === S_IFLNK) target.link(name, shortTarget(name, await textOf(content)));
        else await target.file(name, mode, content);
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(`it cannot be read: ${(error as Error).message}`);
  }
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
