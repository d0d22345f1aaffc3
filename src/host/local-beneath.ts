// Everything below an open directory is reached through its descriptor and never through a symbolic link. Another user
// who renames directories or plants links at the same time cannot lead this process elsewhere.

import * as fs from "node:fs";
import { nameOf, parentOf } from "../text/path.ts";
import { openAt2 } from "./local-libc.ts";

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** From <fcntl.h>: opens a descriptor of a location only, which needs no read permission. */
export const O_PATH = 0o10000000;

/** The directory in which the kernel lists the open files of this process. */
const openFilesDir = "/proc/self/fd/";

/** Returns the kernel's path of an open file, which no other user can redirect. */
export const openName = (fd: number): string => `${openFilesDir}${fd}`;

/** The path that each descriptor was opened by, for error messages. */
export const typedNames = new Map<number, string>();

/** Replaces the kernel's paths of open files with the paths that they were opened by. */
function withTypedNames(text: string): string {
  const path = new RegExp(`${openFilesDir}(\\d+)`, "g");
  return text.replace(path, (name, fd) => typedNames.get(Number(fd)) ?? name);
}

/**
 * Returns the same error, with the kernel's paths in its message replaced by the paths that the files were opened by.
 */
export function withTypedPaths(error: unknown): unknown {
  if (error instanceof Error) error.message = withTypedNames(error.message);
  return error;
}

/**
 * Splits a path that begins with {@link openName} into the descriptor and the path below it. Returns null for other
 * paths.
 */
export function placeOf(path: string): { top: number; below: string } | null {
  if (!path.startsWith(openFilesDir)) return null;
  const slash = path.indexOf("/", openFilesDir.length);
  if (slash < 0) return { top: Number(path.slice(openFilesDir.length)), below: "" };
  return { top: Number(path.slice(openFilesDir.length, slash)), below: path.slice(slash + 1) };
}

/**
 * Opens a file or a directory. Does not follow a symbolic link in the last component, and below an open directory in
 * none.
 */
export function openNoFollow(path: string, flags: number): number {
  const place = placeOf(path);
  if (place === null) return fs.openSync(path, flags | O_NOFOLLOW);
  if (place.below === "") return fs.openSync(path, flags);
  const fd = openAt2(place.top, place.below, flags | O_NOFOLLOW);
  return fd >= 0 ? fd : openByName(place, flags);
}

/** Opens the path one component at a time, for kernels without openat2. Throws the system's error. */
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

  /** Opens a component and closes its parent directory. The top stays open. */
  function next(from: number, name: string, flags: number): number {
    const opened = fs.openSync(`${openName(from)}/${name}`, flags | O_NOFOLLOW);
    if (from !== top) fs.closeSync(from);
    return opened;
  }
}

/** A call has two paths at most. */
const mostParents = 2;

/** Caches open descriptors of the parent directories of the latest paths, since files arrive directory by directory. */
export class Parents {
  readonly #open = new Map<string, number>();

  /**
   * Returns a name for `path` that no symbolic link can redirect. Below an open directory, it is a name in the parent
   * directory, whose descriptor stays open.
   */
  safeName(path: string): string {
    const place = placeOf(path);
    if (place === null) return path;
    if (place.below === "") return `${path}/.`;
    if (!place.below.includes("/")) return path;
    return `${openName(this.#dir(parentOf(path)))}/${nameOf(path)}`;
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

  /** Closes the cached descriptors. Required after a rename, since a path may then lead to another directory. */
  close(): void {
    for (const [path, fd] of this.#open) this.#close(path, fd);
  }
}
