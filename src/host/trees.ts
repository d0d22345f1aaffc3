// What a deploy asks of a file system: whole trees, names exchanged, blocks shared. No product word in here.

import type { Attributes, Stat } from "./host.ts";
import type { Block } from "./listing.ts";

/** An entry of a tree, by its path within it; the tree itself is "". Times are Unix milliseconds with fractions. */
export interface Entry {
  path: string;
  type: Stat["type"];
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** A bigint where a number would not be exact, as those of an overlay with xino are. */
  inode: number | bigint;
  /** How many names the inode has. */
  names: number;
  modifiedMs: number;
  changedMs: number;
}

/** What a file or directory is given when it is made. */
export interface Made extends Attributes {
  /** Unix seconds. */
  modifiedSeconds: number;
}

/** What a digest is begun with. */
export type Seeds = readonly [bigint, bigint];

/** Of one digest, 32 bits each. */
export const digestWords = 4;

/** Bytes of a part of a file that is searched for: what is longer may be missed where two blocks meet. */
export const longestPart = 8192;

/** A part of a file, as Latin-1 has its bytes. */
export interface Found {
  /** Which of the files has it. */
  file: number;
  text: string;
}

/** Limits on a search. */
export interface SearchLimits {
  /** Of each file, from its start. */
  bytes: number;
  /** Different parts of all files. */
  matches: number;
}

/** Limits on an archive. One that exceeds a limit is refused, and the error names the limit. */
export interface UnpackLimits {
  /** Files, directories and links. */
  entries: number;
  /** The content of all files, holes included. */
  bytes: number;
  /** Names and attributes: the extended headers of a tar, the central directory of a zip. */
  headerBytes: number;
  /** Unpacked bytes for each byte of the archive, where it unpacks to more than `ratioFromBytes`. */
  ratio: number;
  ratioFromBytes: number;
  /** Milliseconds in which a sender on stdin sends neither content of a file nor another entry. */
  idleMs: number;
}

/**
 * A file or a directory that was opened once. `path` is a name of it that the kernel keeps until it is closed, whatever
 * happens to the names that led to it. Below such a path {@link Trees} reaches nothing outside of the directory: not
 * through a symbolic link, and not when directories change places meanwhile.
 */
export interface Opened {
  path: string;
  /** Where it was when it was opened, without links. */
  real: string;
  type: Stat["type"];
  close(): void;
}

/**
 * Thrown for an archive, or a path, that is refused: names the entry and the reason. `limit`: the one exceeded, or that the
 * file changed meanwhile and may be read again.
 */
export class Refused extends Error {
  override name = "Refused";

  constructor(
    message: string,
    readonly limit?: keyof UnpackLimits | "unchanged",
  ) {
    super(message);
  }
}

/** The refusal of an archive that decompresses to far more than a site does. */
export function tooDense({ ratio }: UnpackLimits): Refused {
  return new Refused(`limit reached: it unpacks to more than ${ratio} times its size`, "ratio");
}

export interface Trees {
  /** The tree and everything below it, parents first, names in order. No link is followed. */
  walk(dir: string): Generator<Entry>;
  /**
   * What is in each of these directories below `dir`, in the order of a walk; nothing in one that is not there or is a
   * link. Throws {@link Refused} for one that is nested too deeply. By threads in the same way as {@link digests}.
   */
  blocks(dir: string, paths: readonly string[]): Promise<Block[]>;
  entry(path: string): Entry | null;
  /**
   * Opens what a path leads to, name by name; null where it leads nowhere. A symbolic link on the way is followed where
   * one of the `trusted` users owns it, or where its owner owns what the path leads to in the end: nobody can lead this
   * process to a file of another user. Throws {@link Refused} otherwise, and where `reader`, root without it, is a user
   * who may not search a directory on the way, or not read what it leads to.
   */
  open(path: string, trusted: readonly number[], reader?: number): Opened | null;
  /** Opens what a path below `dir` leads to. Throws {@link Refused} for one that leads out of it. */
  openBelow(dir: string, path: string): Opened | null;
  /**
   * Gives a directory and everything below it to an owner, from the top down, so that nobody else can change a name in it
   * meanwhile. Takes away write permission of others and set-ID bits. The group is set where one of these was needed. A
   * file with several names is replaced by a copy, since another of them may lie outside of the tree. File systems that
   * are mounted in it stay as they are.
   */
  adopt(path: string, owner: Pick<Attributes, "uid" | "gid">): void;
  /** What keeps the entry from being removed, even by root; null for one that can be, or is not there. No link is followed. */
  pinned(path: string): "mount point" | "immutable" | "append-only" | null;
  linkTarget(path: string): string;
  /** Whether two files hold the same bytes. Neither may be a link. */
  same(a: string, b: string): boolean;
  /** Whether `packed` is a gzip file of one member whose checksum and size are those of `file`. Neither may be a link. */
  isGzipOf(packed: string, file: string): boolean;
  /**
   * Of files with their sizes: {@link digestWords} each that are the same for the same bytes, and for others as good as
   * never. Each is read as far as its size. Some by a second thread perhaps, while the caller goes on.
   */
  digests(files: readonly [string, number][], seeds: Seeds): Promise<Uint32Array>;
  /**
   * Parts of files that match `parts` and then `worth`, each different one once, with the first file that has it. A part may
   * have {@link longestPart} bytes. What cannot be read has none. By threads in the same way.
   */
  search(files: readonly string[], parts: RegExp, worth: RegExp, limits: SearchLimits): Promise<Found[]>;
  /** So many bytes of files as new ones: from, to, size. No source may be a link. By threads in the same way. */
  copies(files: readonly [string, string, number][], made: Made): Promise<void>;
  /** Of one, here and now; throws where its size is another by then. */
  copy(from: string, to: string, made: Made, size: number): void;
  makeDirectory(path: string, attributes: Attributes): void;
  makeLink(path: string, target: string, made: Made): void;
  /** A second name; false where the inode has as many as it can or may have, or the file system knows none, or is another. */
  share(from: string, to: string): boolean;
  setAttributes(path: string, made: Made): void;
  move(from: string, to: string): void;
  /** Two names change places at once; false where the file system cannot. */
  exchange(a: string, b: string): boolean;
  /** All of the file system that holds this path is on the disk when it returns. */
  sync(path: string): void;
  /** With everything below; nothing happens where nothing is. */
  remove(path: string): void;
  /**
   * A tar, plain or compressed by gzip or zstd, or a zip. `from`: a file that is open, or "-" for a tar on stdin. `into`: an empty
   * directory, which is not cleared where it throws {@link Refused}. Files are as `made` says but for their times.
   * Answers what a person should know of names that were read in another way than they are written.
   */
  unpack(from: Opened | "-", into: string, made: Attributes, limits: UnpackLimits): Promise<string[]>;
  /** Bytes and inodes that are free for root's writing, bytes of the whole file system, and what is taken by one block. */
  room(path: string): { bytes: number; inodes: number; size: number; block: number };
}
