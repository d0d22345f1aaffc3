// Opens paths once, component by component. A symbolic link on the way is followed only if its owner is trusted.

import * as fs from "node:fs";
import { O_PATH, openName, typedNames } from "./local-beneath.ts";
import { linkTargetOf } from "./local-libc.ts";
import { nullIfMissing } from "./local-naming.ts";
import { type OpenedEntry, RejectedArchive } from "./trees.ts";

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK, S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = fs.constants;
/** The limit of the kernel, path_resolution(7). */
const mostLinks = 40;
const rootUid = 0;
/** Permission bits of a file, inode(7). */
const [mayRead, maySearch] = [4, 1];

/** Implements {@link Trees.open}. `root`: the directory at which paths begin. */
export function openTyped(
  root: string,
  typed: string,
  trusted: readonly number[],
  readerUid = rootUid,
): OpenedEntry | null {
  return openEntry(readerUid, { start: root || "/", root, typed, trusted });
}

/** Implements {@link Trees.openBelow}. */
export function openBelow(dir: string, path: string, root: string): OpenedEntry | null {
  return openEntry(rootUid, { start: dir, root, typed: path, trusted: null });
}

/**
 * Opens `typed` below `start`. `trusted`: the users whose links are followed; null: no link may lead out of `start`.
 * `readerUid`: a user who must have permission to read it.
 */
function openEntry(
  readerUid: number,
  { start, root, typed, trusted }: { start: string; root: string; typed: string; trusted: readonly number[] | null },
): OpenedEntry | null {
  const path = typed.startsWith("/") || trusted === null ? typed : `${process.cwd()}/${typed}`;
  /** The open directories on the way. ".." returns to them, even after a directory was moved. */
  const way: number[] = [];
  try {
    way.push(fs.openSync(start, O_PATH | O_DIRECTORY));
    const links = nullIfMissing(() => follow(readerUid, way, path, trusted));
    if (links === null) return null;
    const last = way.at(-1) as number;
    const { mode, uid } = fs.fstatSync(last);
    const real = realPath(last, root, typed);
    const stranger = links.find((link) => link.uid !== uid);
    if (stranger !== undefined) {
      const { path, uid: owner } = stranger;
      throw new RejectedArchive(
        `${path} is a link of user ${owner}, and leads to ${real}, which belongs to user ${uid}`,
      );
    }
    const kind = mode & S_IFMT;
    demandAccess(readerUid, last, kind === S_IFDIR ? mayRead | maySearch : mayRead);
    const type = kind === S_IFDIR ? "directory" : kind === S_IFREG ? "file" : "other";
    // Opening a pipe may block, and no caller reads one.
    const fd = type === "other" ? (way.pop() as number) : openToRead(last, typed);
    typedNames.set(fd, typed);
    return { path: openName(fd), real, type, close: () => close(fd) };
  } finally {
    for (const fd of way) fs.closeSync(fd);
  }
}

/**
 * Throws {@link RejectedArchive} if a user may not read or search an open file. Group membership is not looked up: a
 * file of another user must be open to its group and to all others.
 */
function demandAccess(readerUid: number, fd: number, bits: number): void {
  if (readerUid === rootUid) return;
  const { uid, mode } = fs.fstatSync(fd);
  const granted = uid === readerUid ? mode >> 6 : mode & (mode >> 3);
  if ((granted & bits) !== bits)
    throw new RejectedArchive(`user ${readerUid} may not read ${fs.readlinkSync(openName(fd))}`);
}

/**
 * Opens the file for reading. Throws {@link RejectedArchive} for a file with a lease, fcntl(2): without O_NONBLOCK this
 * would wait for the holder of the lease.
 */
function openToRead(fd: number, typed: string): number {
  try {
    return fs.openSync(openName(fd), O_RDONLY | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    throw new RejectedArchive(`another process holds a lease on ${typed}: try again when it is done`);
  }
}

/**
 * Returns the path without symbolic links. Throws {@link RejectedArchive} if it is longer than the kernel can return.
 */
function realPath(fd: number, root: string, typed: string): string {
  try {
    return fs.readlinkSync(openName(fd)).slice(fs.realpathSync(root || "/").replace(/\/$/, "").length) || "/";
  } catch {
    throw new RejectedArchive(`the path of ${typed} is too long`);
  }
}

function close(fd: number): void {
  if (typedNames.delete(fd)) fs.closeSync(fd);
}

interface Link {
  path: string;
  uid: number;
}

/**
 * Extends `way` to the target of the path. Returns the links on it whose owners are not trusted, or null for a circle
 * of links.
 */
function follow(readerUid: number, way: number[], typed: string, trusted: readonly number[] | null): Link[] | null {
  const names = typed.split("/");
  const links: Link[] = [];
  let followed = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const dir = way.at(-1) as number;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (way.length > 1) fs.closeSync(way.pop() as number);
      else if (trusted === null) throw new RejectedArchive(`${typed} leads out of it`);
      continue;
    }
    demandAccess(readerUid, dir, maySearch);
    const fd = fs.openSync(`${openName(dir)}/${name}`, O_PATH | O_NOFOLLOW);
    const { mode, uid } = fs.fstatSync(fd);
    if ((mode & S_IFMT) !== S_IFLNK) {
      way.push(fd);
      continue;
    }
    const target = linkTargetOf(fd);
    const path = fs.readlinkSync(openName(fd));
    fs.closeSync(fd);
    if (target === null || ++followed > mostLinks) return null;
    const isAbsolute = target.startsWith("/");
    if (trusted !== null) {
      // A relative link leads elsewhere after a move, and the owner of its directory decides about that.
      const owner = isAbsolute || !trusted.includes(uid) ? uid : fs.fstatSync(dir).uid;
      if (!trusted.includes(owner)) links.push({ path, uid: owner });
    }
    if (isAbsolute) {
      if (trusted === null) throw new RejectedArchive(`${typed} leads out of it`);
      for (const open of way.splice(1)) fs.closeSync(open);
    }
    names.unshift(...target.split("/"));
  }
  return links;
}
