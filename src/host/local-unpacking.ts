// A directory that an archive is unpacked into: nothing in the archive names a place outside of it.

import * as fs from "node:fs";
import type { Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { Attributes } from "./host.ts";
import { acted } from "./local-naming.ts";
import { type Amount, Refused } from "./trees.ts";

const setIdBits = 0o6000;

/** Checks each entry by its name before it is made, and counts. */
export class Unpacking {
  private readonly made = new Map<string, "directory" | "file" | "link">([["", "directory"]]);
  private bytes = 0;

  constructor(
    private readonly dir: string,
    private readonly attributes: Attributes,
    private readonly limits: Amount,
  ) {}

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

  /** Answers the CRC-32 of what it holds. */
  async file(typed: string, mode: number, content: Readable): Promise<number> {
    if ((mode & setIdBits) !== 0) throw new Refused(`${typed} has a set-user-ID or set-group-ID bit`);
    const path = this.fresh(typed);
    this.made.set(path, "file");
    const to = `${this.dir}/${path}`;
    const fd = fs.openSync(to, "wx", 0o600);
    let sum = 0;
    try {
      for await (const piece of content as AsyncIterable<Uint8Array>) {
        this.count(piece.length, typed);
        sum = zlib.crc32(piece, sum);
        for (let done = 0; done < piece.length; ) done += acted(to, () => fs.writeSync(fd, piece, done));
      }
      fs.fchownSync(fd, this.attributes.uid, this.attributes.gid);
      fs.fchmodSync(fd, this.attributes.mode);
    } finally {
      fs.closeSync(fd);
    }
    return sum;
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
