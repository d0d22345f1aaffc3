// The file system operations of a deploy: whole trees, exchanged names, shared blocks. It contains no product names.

import type { Attributes, Stat } from "./host.ts";
import type { Block } from "./listing.ts";

/**
 * An entry of a tree, with its path within the tree; the tree itself is "". Times are Unix milliseconds with fractions.
 */
export interface TreeEntry {
  path: string;
  type: Stat["type"];
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** A bigint if a number would not be exact, as for the inodes of an overlay with xino. */
  inode: number | bigint;
  /** Number of hard links. */
  names: number;
  modifiedMs: number;
  changedMs: number;
}

/** The attributes of a new file or directory. */
export interface NewAttributes extends Attributes {
  /** Unix seconds. */
  modifiedSeconds: number;
}

/** The seeds of a digest. */
export type Seeds = readonly [bigint, bigint];

/** Number of 32-bit words in a digest. */
export const digestWords = 4;

/** Maximum length in bytes of a part that a search finds: a longer one may be missed at the boundary of two blocks. */
export const longestPart = 8192;

/** A search for parts of files. The cheapest condition is tested first, so that most files are only read as bytes. */
export interface Search {
  /** Latin-1 text that a part contains; empty if there is none. */
  needle: string;
  /** For markup, in which every part begins with `<`; null for any other text. */
  within: {
    /** Matches the text around a needle of a part, from the last `<` before the needle to the next one after it. */
    around: RegExp;
    /** The lower-case beginnings of parts that may contain another `<`. */
    containers: readonly string[];
  } | null;
  /** A global expression, whose matches are the parts. A part has at most {@link longestPart} bytes. */
  parts: RegExp;
  /** Matches a whole part that is a result. */
  worth: RegExp;
}

/** A part of a file. Its bytes are decoded as Latin-1. */
interface SearchHit {
  /** Index of the file that contains it. */
  file: number;
  text: string;
}

/** Limits of a search. */
export interface SearchLimits {
  /** The number of bytes to search in each file, from its start. */
  bytes: number;
  /** The number of different parts of all files, for each search. */
  matches: number;
  /** The time of the search. The files after it have no results. */
  milliseconds: number;
}

export interface SearchResult {
  /** The results in the order of the files, one search after the other. */
  found: SearchHit[];
  /** How long the search took. */
  milliseconds: number;
}

/** A file to copy. `search`: the index of the search for its bytes; without it they are not searched. */
export type Copy = readonly [from: string, to: string, size: number, search?: number];

/** The encoding of a compressed file, by the ending of its name. */
export type Encoding = ".gz" | ".br";

/** The searches of the bytes that are copied. */
export interface CopySearch {
  searches: readonly Search[];
  limits: SearchLimits;
}

/** Limits of an archive. An archive that exceeds one is rejected with an error that names the limit. */
export interface UnpackLimits {
  /** Number of files, directories and links. */
  entries: number;
  /** Size of all file contents, holes included. */
  bytes: number;
  /** Size of names and attributes: the extended headers of a tar, the central directory of a zip. */
  headerBytes: number;
  /** Unpacked bytes per byte of the archive. Applies if it unpacks to more than `ratioFromBytes`. */
  ratio: number;
  ratioFromBytes: number;
  /** Milliseconds in which the sender on stdin must send file content or another entry. */
  idleMs: number;
}

/** `pause` is called often, also while nothing arrives on stdin. An error that it throws ends the unpacking. */
export type PausedUnpack = UnpackLimits & { pause?: (() => Promise<void>) | undefined };

/**
 * A file or directory that was opened once. `path` is a name that the kernel keeps until it is closed, even if the
 * names that led to it change. Below such a path, {@link Trees} never leaves the directory: not through a symbolic
 * link, and not when directories are exchanged at the same time.
 */
export interface OpenedEntry {
  path: string;
  /** Its path without symbolic links at the time it was opened. */
  real: string;
  type: Stat["type"];
  close(): void;
}

/**
 * Thrown for an archive or a path that is rejected. Names the entry and the reason. `limit`: the exceeded limit, or
 * "unchanged" if the file changed while it was read, so that a retry may succeed.
 */
export class RejectedArchive extends Error {
  override name = "Refused";

  constructor(
    message: string,
    readonly limit?: keyof UnpackLimits | "unchanged",
  ) {
    super(message);
  }
}

/** Returns the error for an archive whose compression ratio is far higher than that of a site. */
export function tooDenseMessage({ ratio }: UnpackLimits): RejectedArchive {
  return new RejectedArchive(`limit reached: it unpacks to more than ${ratio} times its size`, "ratio");
}

export interface Trees {
  /** Yields the tree and everything below it: parents first, names in order. Follows no symbolic link. */
  walk(dir: string): Generator<TreeEntry>;
  /**
   * Returns the entries of each of these directories below `dir`, in the order of a walk. A directory that does not
   * exist or is a symbolic link has none. Throws {@link RejectedArchive} for one that is nested too deeply. Uses
   * threads in the same way as {@link digests}.
   */
  blocks(dir: string, paths: readonly string[]): Promise<Block[]>;
  entry(path: string): TreeEntry | null;
  /**
   * Opens the target of a path, component by component; null if it does not exist. A symbolic link on the way is
   * followed only if one of the `trusted` users owns it, or if its owner also owns the target. No user can therefore
   * lead this process to a file of another user. Throws {@link RejectedArchive} otherwise. Also throws it if the user
   * `readerUid`, root by default, may not search a directory on the way or not read the target.
   */
  open(path: string, trusted: readonly number[], readerUid?: number): OpenedEntry | null;
  /** Opens the target of a path below `dir`. Throws {@link RejectedArchive} for a path that leads out of it. */
  openBelow(dir: string, path: string): OpenedEntry | null;
  /**
   * Changes the owner of a directory and everything below it. Works from the top down, so that no other user can change
   * a name in it at the same time. Removes write permission of group and others, and set-ID bits. Sets the group if one
   * of these changes was needed. Replaces a file with several hard links by a copy, since another link may be outside
   * of the tree. Does not touch file systems that are mounted in it.
   */
  adopt(path: string, owner: Pick<Attributes, "uid" | "gid">): void;
  /**
   * Returns the reason why even root cannot remove the entry; null if it can be removed or does not exist. Follows no
   * symbolic link.
   */
  pinned(path: string): "mount point" | "immutable" | "append-only" | null;
  linkTarget(path: string): string;
  /**
   * Returns whether two directories exist and are on one file system. Inodes can be compared only then. Follows no
   * symbolic link.
   */
  areOnOneFileSystem(a: string, b: string): boolean;
  /**
   * Yields the bytes of a file, which may not be a symbolic link, piece by piece. A piece is valid until the next one.
   */
  pieces(path: string): Generator<Uint8Array>;
  /** Returns whether two files have the same bytes. Neither may be a symbolic link. */
  same(a: string, b: string): boolean;
  /**
   * Returns whether `packed` is the compressed content of `file`: a gzip file of one member with its checksum and size,
   * or a brotli stream with its bytes. Neither may be a symbolic link.
   */
  isCompressedOf(packed: string, file: string, encoding: Encoding): boolean;
  /**
   * Returns the digests of files, given with their sizes: {@link digestWords} words each. Equal bytes have equal
   * digests, and different bytes practically never do. Reads each file up to its size. A second thread may compute some
   * of them while the caller continues.
   */
  digests(files: readonly [string, number][], seeds: Seeds): Promise<Uint32Array>;
  /**
   * Returns the parts of files. Each different part is returned once, with the first file that contains it. A file that
   * cannot be read has none. Uses threads in the same way as {@link digests}.
   */
  search(files: readonly string[], search: Search, limits: SearchLimits): Promise<SearchResult>;
  /**
   * Copies files up to the given sizes. A copy must not exist yet, and no source may be a symbolic link. Uses threads
   * in the same way as {@link digests}. With `search` it also returns the results of {@link search} for these files,
   * without reading them twice.
   */
  copies(files: readonly Copy[], attributes: NewAttributes, search?: CopySearch): Promise<SearchResult>;
  /**
   * Compresses files that fit into memory. A target is the name of its file with ".gz" or ".br" added, and
   * must not exist. It has these attributes, and the modification time of its file in whole seconds. Targets of one file
   * follow each other. A target that would not be smaller than the file, or a ".br" not smaller than the ".gz", is not
   * written. Uses threads in the same way as {@link digests}.
   */
  compress(targets: readonly string[], attributes: Attributes): Promise<void>;
  /** Copies one file on this thread. Throws if its size has changed. */
  copy(from: string, to: string, attributes: NewAttributes, size: number): void;
  makeDirectory(path: string, attributes: Attributes): void;
  makeLink(path: string, target: string, attributes: NewAttributes): void;
  /**
   * Hard-links a file. Returns false if the inode has reached the maximum or permitted number of links. Also returns
   * false if the file system does not support hard links, or if the target is on another one.
   */
  share(from: string, to: string): boolean;
  setAttributes(path: string, attributes: NewAttributes): void;
  move(from: string, to: string): void;
  /** Exchanges two names atomically. Returns false if the file system does not support that. */
  exchange(a: string, b: string): boolean;
  /** Writes all pending data of the file system that holds this path to the disk before it returns. */
  sync(path: string): void;
  /** Removes the entry and everything below it. Does nothing if it does not exist. */
  remove(path: string): void;
  /**
   * Unpacks a tar, plain or compressed with gzip or zstd, or a zip. `from`: an open file, "-" for a tar on stdin, or the
   * pieces of a tar. An error of the pieces is thrown as it is.
   * `into`: an empty directory, which is not cleared if this throws {@link RejectedArchive}. `attributes`: mode and
   * owner of the files. Returns notes for the user about names that were read differently than they are stored.
   * An error of `limits.pause` is thrown as it is.
   */
  unpack(
    from: OpenedEntry | "-" | AsyncIterable<Uint8Array>,
    into: string,
    attributes: Attributes,
    limits: PausedUnpack,
  ): Promise<string[]>;
  /**
   * Returns the free bytes without the blocks reserved for root, and the free inodes (Infinity if they are not
   * counted). `size`: the size of the file system in bytes; `block`: its block size.
   */
  room(path: string): { bytes: number; inodes: number; size: number; block: number };
}
