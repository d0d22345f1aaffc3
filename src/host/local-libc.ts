// The calls of the C library that the runtime does not offer.

import { dlopen, type Pointer, toArrayBuffer } from "bun:ffi";
import * as fs from "node:fs";

/** From <sys/file.h>: exclusive, and without waiting. */
const LOCK_EX_NB = 2 | 4;
/** From <fcntl.h> and <linux/fs.h>. */
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
/** From <sys/mman.h>. Populated at once, for one fault instead of one a page. */
const PROT_READ = 1;
const MAP_PRIVATE_POPULATE = 0x2 | 0x8000;
/** (void *) -1, as the foreign function interface gives it. */
const MAP_FAILED = 2n ** 64n - 1n;

let loaded: ReturnType<typeof load> | undefined;

function load() {
  return dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
    renameat2: { args: ["i32", "ptr", "i32", "ptr", "u32"], returns: "i32" },
    syncfs: { args: ["i32"], returns: "i32" },
    mmap: { args: ["ptr", "usize", "i32", "i32", "i32", "i64"], returns: "ptr" },
  }).symbols;
}

function libc() {
  loaded ??= load();
  return loaded;
}

/** Whether this open file is locked now, for as long as it is open. */
export function flock(fd: number): boolean {
  return libc().flock(fd, LOCK_EX_NB) === 0;
}

/**
 * The two names change places at once. False where it cannot be done: the file system does not know how, or one of them
 * is a mount point or of another file system.
 */
export function exchangeNames(a: string, b: string): boolean {
  const names = [a, b].map((path) => Buffer.from(`${path}\0`)) as [Buffer, Buffer];
  return libc().renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) === 0;
}

/** Throws where the disk did not take it. */
export function syncFileSystem(path: string): void {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    if (libc().syncfs(fd) !== 0) throw new Error(`EIO: the disk did not take what was written, ${path}`);
  } finally {
    fs.closeSync(fd);
  }
}

/** A file's bytes as the kernel holds them, for the life of this process. Throws the system's error where it cannot be opened. */
export function mapFile(path: string): Uint8Array {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    const { size } = fs.fstatSync(fd);
    const at = size === 0 ? null : libc().mmap(null, size, PROT_READ, MAP_PRIVATE_POPULATE, fd, 0);
    if (at === null || BigInt(at) === MAP_FAILED) return fs.readFileSync(fd);
    return new Uint8Array(toArrayBuffer(at as Pointer, 0, size));
  } finally {
    fs.closeSync(fd);
  }
}
