// The calls of the C library that the runtime does not offer.

import { dlopen, type Pointer, toArrayBuffer } from "bun:ffi";
import * as fs from "node:fs";

/** From <sys/file.h>: exclusive, and without waiting. */
const LOCK_EX_NB = 2 | 4;
/** From <sys/mman.h>. Populated at once, for one fault instead of one a page. */
const PROT_READ = 1;
const MAP_PRIVATE_POPULATE = 0x2 | 0x8000;
/** (void *) -1, as the foreign function interface gives it. */
const MAP_FAILED = 2n ** 64n - 1n;

let loaded: ReturnType<typeof load> | undefined;

function load() {
  return dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
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
