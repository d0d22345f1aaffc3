// What lies below an open directory: reached through its descriptor and through no symbolic link, so that another user
// who renames directories or plants links meanwhile leads this process nowhere else.

import * as fs from "node:fs";
import { openAt2 } from "./local-libc.ts";

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** From <fcntl.h>: a place in the tree, which needs no permission to read. */
export const O_PATH = 0o10000000;

/** Where the kernel lists the open files of this process. */
const openFilesDir = "/proc/self/fd/";

/** The kernel's name of what is open: nobody else can change what it stands for. */
export const openName = (fd: number): string => `${openFilesDir}${fd}`;

/** What was typed for open descriptors: errors name them so. */
export const typedNames = new Map<number, string>();

/** Replaces the kernel's names of what is open by those that were typed. */
function withTypedNames(text: string): string {
  const path = new RegExp(`${openFilesDir}(\\d+)`, "g");
  return text.replace(path, (name, fd) => typedNames.get(Number(fd)) ?? name);
}

/** The same error, which names what was typed. */
export function withTypedPaths(error: unknown): unknown {
  if (error instanceof Error) error.message = withTypedNames(error.message);
  return error;
}

/** An open directory and a path below it; null for a path that does not begin with {@link openName}. */
export function placeOf(path: string): { top: number; below: string } | null {
  if (!path.startsWith(openFilesDir)) return null;
  const slash = path.indexOf("/", openFilesDir.length);
  if (slash < 0) return { top: Number(path.slice(openFilesDir.length)), below: "" };
  return { top: Number(path.slice(openFilesDir.length, slash)), below: path.slice(slash + 1) };
}

/** Opens a file or a directory, never through a link in its last name; below an open directory through no link at all. */
export function openNoFollow(path: string, flags: number): number {
  const place = placeOf(path);
  if (place === null) return fs.openSync(path, flags | O_NOFOLLOW);
  if (place.below === "") return fs.openSync(path, flags);
  const fd = openAt2(place.top, place.below, flags | O_NOFOLLOW);
  return fd >= 0 ? fd : openByName(place, flags);
}

/** The same one name at a time, where the kernel has no openat2. Throws the system's error for what failed. */
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

  /** Keeps the directory that the names are below, and closes those on the way. */
  function next(from: number, name: string, flags: number): number {
    const opened = fs.openSync(`${openName(from)}/${name}`, flags | O_NOFOLLOW);
    if (from !== top) fs.closeSync(from);
    return opened;
  }
}

/** Directories that are open for calls that take two paths at the most. */
const mostParents = 2;

/** The directories of the last paths that were asked for: files come directory by directory. */
export class Parents {
  readonly #open = new Map<string, number>();

  /** Another name of `path`: for one below an open directory, in that of its own directory, which stays open meanwhile. */
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

  /** Forgets them: a path may stand for another directory by now. */
  close(): void {
    for (const [path, fd] of this.#open) this.#close(path, fd);
  }
}
