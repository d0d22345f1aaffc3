// Calls of the C library that the runtime does not offer.

import { dlopen, type Pointer, toArrayBuffer } from "bun:ffi";
import * as fs from "node:fs";
import { executableMemoryError } from "./local-limits.ts";
import { LimitError } from "./system-error.ts";

/** From <sys/file.h>: an exclusive lock, without waiting. */
const LOCK_EX_NB = 2 | 4;
/** From <fcntl.h> and <linux/fs.h>. */
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const O_CLOEXEC = 0o2000000;
const RENAME_EXCHANGE = 2;
/** From <asm-generic/unistd.h>, the same on all architectures. The C library has no function for it. */
const SYS_openat2 = 437;
/** From <linux/openat2.h>: RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH. */
const RESOLVE = 0x04 | 0x08;
/** From <linux/limits.h>, including the NUL at the end. */
const PATH_MAX = 4096;
/** A full buffer may miss the last character, of up to this many bytes, and the NUL. */
const longestPath = PATH_MAX - 4;
/** From <sys/mman.h>. MAP_POPULATE replaces one page fault for each page by a single one. */
const PROT_READ = 1;
const MAP_PRIVATE_POPULATE = 0x2 | 0x8000;
/** (void *) -1, as the foreign function interface returns it. */
const MAP_FAILED = 2n ** 64n - 1n;

let loaded: ReturnType<typeof load> | undefined;

function load() {
  return dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
    renameat2: { args: ["i32", "ptr", "i32", "ptr", "u32"], returns: "i32" },
    syncfs: { args: ["i32"], returns: "i32" },
    syscall: { args: ["i64", "i32", "ptr", "ptr", "u64"], returns: "i32" },
    statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
    readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: "i32" },
    mmap: { args: ["ptr", "usize", "i32", "i32", "i32", "i64"], returns: "ptr" },
  }).symbols;
}

function libc() {
  try {
    loaded ??= load();
  } catch (error) {
    throw executableMemoryError(error);
  }
  return loaded;
}

/** Locks an open file until it is closed. Returns false if another process holds the lock. */
export function flock(fd: number): boolean {
  return libc().flock(fd, LOCK_EX_NB) === 0;
}

/**
 * Exchanges two names atomically. Returns false if that is not possible: the file system does not support it, or one of
 * them is a mount point or on another file system.
 */
export function exchangeNames(a: string, b: string): boolean {
  const names = [a, b].map((path) => Buffer.from(`${path}\0`)) as [Buffer, Buffer];
  return libc().renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) === 0;
}

/** Shared by all calls, because no call keeps it after it returns. */
const pathBytes = Buffer.alloc(PATH_MAX);

/** Returns the path as a C string, or null if it is longer than the kernel accepts. */
function cString(path: string): Buffer | null {
  const length = pathBytes.write(path);
  if (length > longestPath) return null;
  pathBytes[length] = 0;
  return pathBytes;
}

/** struct open_how: flags, mode, resolve. */
const openHow = new BigUint64Array([0n, 0n, BigInt(RESOLVE)]);

/**
 * Opens a path below an open directory, without following symbolic links or leaving that directory (openat2(2), Linux
 * 5.6). Returns the descriptor, or -1 for any failure, including an older kernel.
 */
export function openAt2(top: number, path: string, flags: number): number {
  const name = cString(path);
  if (name === null) return -1;
  openHow[0] = BigInt(flags | O_CLOEXEC);
  return libc().syscall(SYS_openat2, top, name, openHow, openHow.byteLength);
}

/** The status of an inode. Its number has 64 bits; times are Unix milliseconds with fractions. */
export interface Status {
  mode: number;
  uid: number;
  gid: number;
  links: number;
  size: number;
  inodeLow: number;
  inodeHigh: number;
  modifiedMs: number;
  changedMs: number;
  /** Whether a file system is mounted here. */
  isMount: boolean;
}

/** STATX_BASIC_STATS, from <linux/stat.h>. */
const basicStats = 0x7ff;
/** STATX_ATTR_MOUNT_ROOT (Linux 5.8), STATX_ATTR_IMMUTABLE, STATX_ATTR_APPEND. */
const mountRoot = 0x2000;
const immutable = 0x10;
const appendOnly = 0x20;
const statxBytes = 256;
const statxWords = new Uint32Array(statxBytes / 4);

/**
 * Returns the time of a timestamp in milliseconds: 64 bits of seconds, then nanoseconds. `at` is the first of its three
 * words.
 */
function milliseconds(at: number): number {
  const seconds = ((statxWords[at + 1] as number) | 0) * 2 ** 32 + (statxWords[at] as number);
  return seconds * 1000 + (statxWords[at + 2] as number) / 1e6;
}

/**
 * Returns the status of a name in an open directory, or of the open file itself if the name is empty. Does not follow a
 * symbolic link. Returns null on failure. Takes half the time of the runtime's lstat and keeps inode numbers exact.
 */
export function statusAt(fd: number, name: string): Status | null {
  const path = cString(name);
  if (path === null) return null;
  const flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  if (libc().statx(fd, path, flags, basicStats, statxWords) !== 0) return null;
  // Words of struct statx by their index, see <linux/stat.h>.
  const word = (at: number): number => statxWords[at] as number;
  return {
    mode: word(7) & 0xffff,
    uid: word(5),
    gid: word(6),
    links: word(4),
    size: word(11) * 2 ** 32 + word(10),
    inodeLow: word(8),
    inodeHigh: word(9),
    modifiedMs: milliseconds(28),
    changedMs: milliseconds(24),
    isMount: (word(2) & mountRoot) !== 0,
  };
}

/**
 * Returns the reason why an entry cannot be removed, as far as the file system and the kernel report it. Does not
 * follow a symbolic link.
 */
export function whyNotRemovable(path: string): "mount point" | "immutable" | "append-only" | null {
  const name = cString(path);
  if (name === null || libc().statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, 0, statxWords) !== 0) return null;
  const attributes = statxWords[2] as number;
  if (attributes & mountRoot) return "mount point";
  if (attributes & immutable) return "immutable";
  return attributes & appendOnly ? "append-only" : null;
}

/**
 * Returns the target of a symbolic link that is open with O_PATH, even if its name leads elsewhere by now. Returns null
 * on failure.
 */
export function linkTargetOf(fd: number): string | null {
  const target = Buffer.alloc(PATH_MAX);
  const length = libc().readlinkat(fd, cString("") as Buffer, target, PATH_MAX);
  return length < 0 ? null : target.toString("utf8", 0, length);
}

/** Writes all pending data of the file system that holds this path to the disk. Throws if that fails. */
export function syncFileSystem(path: string): void {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    if (libc().syncfs(fd) !== 0) throw new Error(`EIO: the disk did not accept the written data, ${path}`);
  } finally {
    fs.closeSync(fd);
  }
}

/** Maps a file into memory for the life of this process. Throws the system's error if it cannot be opened. */
export function mapFile(path: string): Uint8Array {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    const { size } = fs.fstatSync(fd);
    const at = size === 0 ? null : mappedBytes(fd, size);
    if (at === null || BigInt(at) === MAP_FAILED) return fs.readFileSync(fd);
    return new Uint8Array(toArrayBuffer(at as Pointer, 0, size));
  } finally {
    fs.closeSync(fd);
  }
}

/** Returns null if the C library cannot be called, so that the caller, which only reads, falls back to a copy. */
function mappedBytes(fd: number, size: number): Pointer | bigint | null {
  try {
    return libc().mmap(null, size, PROT_READ, MAP_PRIVATE_POPULATE, fd, 0);
  } catch (error) {
    if (error instanceof LimitError) return null;
    throw error;
  }
}
