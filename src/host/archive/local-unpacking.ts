// The directory into which an archive is unpacked. No entry can name a place outside of it.

import * as fs from "node:fs";
import { parentOf } from "../../text/path.ts";
import type { Attributes } from "../host.ts";
import { withPath } from "../local-naming.ts";
import { type PausedUnpack, RejectedArchive } from "../trees.ts";
import type { EntrySink } from "./archive-entry.ts";
import { quotedName } from "./entry-name.ts";

const setIdBits = 0o6000;
/**
 * The path limit of Linux, path_resolution(7), less the path of the directory itself; and the limit of ext4 and all
 * other file systems for one component.
 */
const longestPath = 3072;
const longestName = 255;
/** Resource forks and Finder metadata, which macOS adds to archives. nginx never serves hidden files. */
const macFiles = /^(__MACOSX(\/|$)|(.*\/)?(\._[^/]*|\.DS_Store)$)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const unprintable = /[\u0000-\u001f\u007f\ufffd]/;

/** How a name was read differently than the archive declares it, or is unlikely to match a URL. */
type Remark = "macOS" | "NFD" | "code page 437" | "backslashes";

const sentences: Record<Remark, string> = {
  macOS: "metadata of macOS left out (__MACOSX, ._*, .DS_Store)",
  NFD: "names in decomposed Unicode (NFD), which URLs in composed form (NFC) do not find",
  "code page 437": "zip names that are not UTF-8, read as code page 437",
  backslashes: "zip names with backslashes, read as directories",
};

/** The file that is currently written. */
interface OpenFile {
  /** Its name in the archive, and its path on the disk. */
  typed: string;
  path: string;
  /** null if the file is left out. */
  fd: number | null;
  position: number;
  hasHole: boolean;
}

/** Checks each entry by its name before creating it, and enforces the limits. */
export class Unpacking implements EntrySink {
  /** The time of the last content or entry, in milliseconds of `performance.now()`. */
  progressMs = performance.now();
  /** What the pause or the origin of the pieces threw. It is no fault of the archive. */
  interruption: unknown;
  private readonly created = new Map<string, "directory" | "file" | "link">([["", "directory"]]);
  private entries = 0;
  private bytes = 0;
  private readonly remarks = new Map<Remark, { count: number; example: string }>();
  private current: OpenFile | null = null;

  constructor(
    private readonly dir: string,
    private readonly attributes: Attributes,
    private readonly limits: PausedUnpack,
  ) {}

  /** Calls the pause of the caller. */
  async pause(): Promise<void> {
    try {
      await this.limits.pause?.();
    } catch (error) {
      this.interruption = error;
      throw error;
    }
  }

  directory(typed: string): void {
    const path = this.begin(typed);
    if (path === "" || this.leavesOut(path)) return;
    const before = this.created.get(path);
    if (before !== undefined && before !== "directory") throw new RejectedArchive(`${quotedName(typed)} occurs twice`);
    this.makeAbove(path, typed);
    this.makeDirectory(path);
  }

  link(typed: string, target: string): void {
    const path = this.begin(typed);
    if (this.leavesOut(path)) return;
    if (target === "" || target.includes("\0") || Buffer.byteLength(target) > longestPath) {
      throw new RejectedArchive(`${quotedName(typed)} is a symbolic link without a valid target`);
    }
    this.add(path, typed, "link");
    fs.symlinkSync(target, `${this.dir}/${path}`);
  }

  copy(typed: string, earlier: string): void {
    const path = this.begin(typed);
    if (this.leavesOut(path)) return;
    const source = this.checked(earlier);
    if (this.created.get(source) !== "file") {
      throw new RejectedArchive(
        `${quotedName(typed)} is a hard link to ${quotedName(earlier)}, which is no earlier file of the archive`,
      );
    }
    this.add(path, typed, "file");
    const [from, to] = [`${this.dir}/${source}`, `${this.dir}/${path}`];
    this.count(fs.statSync(from).size, typed);
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
    const { mode, uid, gid } = this.attributes;
    fs.chownSync(to, uid, gid);
    fs.chmodSync(to, mode);
  }

  open(typed: string, mode: number): void {
    if ((mode & setIdBits) !== 0)
      throw new RejectedArchive(`${quotedName(typed)} has a set-user-ID or set-group-ID bit`);
    const path = this.begin(typed);
    const isLeftOut = this.leavesOut(path);
    if (!isLeftOut) this.add(path, typed, "file");
    const to = `${this.dir}/${path}`;
    this.current = {
      typed,
      path: to,
      fd: isLeftOut ? null : fs.openSync(to, "wx", 0o600),
      position: 0,
      hasHole: false,
    };
  }

  write(piece: Uint8Array): void {
    const file = this.current;
    if (file === null) return;
    this.count(piece.length, file.typed);
    this.progressMs = performance.now();
    const { fd, path } = file;
    if (fd === null) return;
    for (let done = 0; done < piece.length; ) {
      // If there is no hole before it, the position of the descriptor is correct.
      const position = file.hasHole ? file.position + done : null;
      done += withPath(path, () => fs.writeSync(fd, piece, done, piece.length - done, position));
    }
    file.position += piece.length;
  }

  skip(bytes: number): void {
    if (this.current === null) return;
    this.count(bytes, this.current.typed);
    this.current.position += bytes;
    this.current.hasHole = true;
  }

  close(): void {
    const file = this.current;
    this.current = null;
    if (file === null || file.fd === null) return;
    try {
      if (file.hasHole) fs.ftruncateSync(file.fd, file.position);
      fs.fchownSync(file.fd, this.attributes.uid, this.attributes.gid);
      fs.fchmodSync(file.fd, this.attributes.mode);
    } finally {
      fs.closeSync(file.fd);
    }
  }

  /** Closes a file that a failure left open. */
  abort(): void {
    if (typeof this.current?.fd === "number") fs.closeSync(this.current.fd);
    this.current = null;
  }

  /** Records for {@link notes} that a name was not read as the archive declares it. */
  remark(what: Remark, name: string): void {
    const before = this.remarks.get(what);
    this.remarks.set(what, { count: (before?.count ?? 0) + 1, example: before?.example ?? name });
  }

  /** Returns one sentence for the user for each kind of remark. */
  notes(): string[] {
    return [...this.remarks].map(([what, { count, example }]) => {
      return `${sentences[what]}: ${count}, for example ${quotedName(example)}`;
    });
  }

  private leavesOut(path: string): boolean {
    const isMac = macFiles.test(path);
    if (isMac) this.remark("macOS", path);
    return isMac;
  }

  private count(bytes: number, typed: string): void {
    this.bytes += bytes;
    if (this.bytes <= this.limits.bytes) return;
    throw new RejectedArchive(
      `limit reached at ${quotedName(typed)}: it unpacks to more than ${this.limits.bytes} bytes`,
      "bytes",
    );
  }

  private add(path: string, typed: string, type: "file" | "link"): void {
    if (path === "") throw new RejectedArchive(`${quotedName(typed)} is not a name of a file`);
    if (this.created.has(path)) throw new RejectedArchive(`${quotedName(typed)} occurs twice`);
    this.makeAbove(path, typed);
    this.created.set(path, type);
    if (path !== path.normalize("NFC")) this.remark("NFD", path);
  }

  /** Counts an entry and returns its path in the tree. */
  private begin(typed: string): string {
    this.progressMs = performance.now();
    this.entries += 1;
    this.demandFew();
    return this.checked(typed);
  }

  /**
   * Returns the normalized path. Throws for a path that leads out of the tree, and for a name that cannot occur in a
   * URL.
   */
  private checked(typed: string): string {
    if (typed.startsWith("/")) throw new RejectedArchive(`${quotedName(typed)} is an absolute path`);
    if (typed.includes("\\")) throw new RejectedArchive(`${quotedName(typed)} has a backslash in its name`);
    if (unprintable.test(typed))
      throw new RejectedArchive(`${quotedName(typed)} has control or replacement characters in its name`);
    if (typed.length > longestPath) throw new RejectedArchive(`${quotedName(typed)} has a name that is too long`);
    const parts = typed.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw new RejectedArchive(`${quotedName(typed)} leads out of the archive`);
    const isLong =
      Buffer.byteLength(typed) > longestPath || parts.some((part) => Buffer.byteLength(part) > longestName);
    if (isLong) throw new RejectedArchive(`${quotedName(typed)} has a name that is too long`);
    return parts.join("/");
  }

  /**
   * Counts the entries of the archive and the directories created for them, because directories need no entry of their
   * own.
   */
  private demandFew(): void {
    if (Math.max(this.entries, this.created.size) <= this.limits.entries) return;
    throw new RejectedArchive(`limit reached: it has more than ${this.limits.entries} entries`, "entries");
  }

  private makeAbove(path: string, typed: string): void {
    const above = parentOf(path);
    const found = this.created.get(above);
    if (found === "directory") return;
    if (found !== undefined)
      throw new RejectedArchive(`${quotedName(typed)} is below ${quotedName(above)}, which is not a directory`);
    this.makeAbove(above, typed);
    this.makeDirectory(above);
  }

  private makeDirectory(path: string): void {
    if (this.created.has(path)) return;
    fs.mkdirSync(`${this.dir}/${path}`, { mode: 0o755 });
    this.created.set(path, "directory");
    if (path !== path.normalize("NFC")) this.remark("NFD", path);
    this.demandFew();
  }
}
