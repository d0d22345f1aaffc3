// Everything below an open directory is reached through its descriptor and through no symbolic link, so that another user
// who renames directories or plants links meanwhile cannot lead this process elsewhere.

import * as fs from "node:fs";
import { openAt2 } from "./local-libc.ts";

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** From <fcntl.h>: the descriptor of a location, which needs no permission to read. */
export const O_PATH = 0o10000000;

/** Where the kernel lists the open files of this process. */
const openFilesDir = "/proc/self/fd/";

/** Returns the kernel's name of an open file, which no other user can redirect. */
export const openName = (fd: number): string => `${openFilesDir}${fd}`;

/** The path that each open descriptor was opened by, for errors. */
export const typedNames = new Map<number, string>();

/** Replaces the kernel's names of open files by the paths that they were opened by. */
function withTypedNames(text: string): string {
  const path = new RegExp(`${openFilesDir}(\\d+)`, "g");
  return text.replace(path, (name, fd) => typedNames.get(Number(fd)) ?? name);
}

/** Returns the same error, with the paths that its files were opened by. */
export function withTypedPaths(error: unknown): unknown {
  if (error instanceof Error) error.message = withTypedNames(error.message);
  return error;
}

/** Splits a path that begins with {@link openName} into the descriptor and the path below it. Returns null for any other. */
export function placeOf(path: string): { top: number; below: string } | null {
  if (!path.startsWith(openFilesDir)) return null;
  const slash = path.indexOf("/", openFilesDir.length);
  if (slash < 0) return { top: Number(path.slice(openFilesDir.length)), below: "" };
  return { top: Number(path.slice(openFilesDir.length, slash)), below: path.slice(slash + 1) };
}

/** Opens a file or a directory. Follows no link in the last name, and below an open directory none at all. */
export function openNoFollow(path: string, flags: number): number {
  const place = placeOf(path);
  if (place === null) return fs.openSync(path, flags | O_NOFOLLOW);
  if (place.below === "") return fs.openSync(path, flags);
  const fd = openAt2(place.top, place.below, flags | O_NOFOLLOW);
  return fd >= 0 ? fd : openByName(place, flags);
}

/** Opens the path one name at a time, where the kernel has no openat2. Throws the system's error. */
function openByName({ top, below }: { top: number; below: string }, flags: number): number {
  const names = below.split("/");
  const last = names.pop() as string;
  let dir = top;
  try {
    for (const name of names) dir = next(dir, name, O_PATH | O_DIRECTORY);
    return fs.openSync(`${openName(dir)}/${last}`, flags | O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replace(/'[^']*'/, `'${openName(top)}/${below}'`);
    throw error;
  } finally {
    if (dir !== top) fs.closeSync(dir);
  }

  /** Opens a name, and closes the directory on the way to it. The top stays open. */
  function next(from: number, name: string, flags: number): number {
    const opened = fs.openSync(`${openName(from)}/${name}`, flags | O_NOFOLLOW);
    if (from !== top) fs.closeSync(from);
    return opened;
  }
}

/** A call takes two paths at most. */
const mostParents = 2;

/** Keeps the directories of the last paths open, since files come directory by directory. */
export class Parents {
  readonly #open = new Map<string, number>();

  /** Returns a name of `path` without links: for one below an open directory, its name in its own directory, which stays open. */
  nameOf(path: string): string {
    const place = placeOf(path);
    if (place === null) return path;
    if (place.below === "") return `${path}/.`;
    if (!place.below.includes("/")) return path;
    const slash = path.lastIndexOf("/");
    return `${openName(this.#dir(path.slice(0, slash)))}${path.slice(slash)}`;
  }

  #dir(path: string): number {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size === mostParents) this.#close(...oldest);
    const fd = openNoFollow(path, O_PATH | O_DIRECTORY);
    this.#open.set(path, fd);
    typedNames.set(fd, withTypedNames(path));
    return fd;
  }

  #close(path: string, fd: number): void {
    this.#open.delete(path);
    typedNames.delete(fd);
    fs.closeSync(fd);
  }

  /** Closes them. Needed after names change, since a path may then lead to another directory. */
  close(): void {
    for (const [path, fd] of this.#open) this.#close(path, fd);
  }
}
