// A journaled disk for a host, in a file of this machine, whose power can be cut.

import { dlopen, ptr } from "bun:ffi";
import * as fs from "node:fs";
import { must } from "./run.ts";

export interface Disk {
  inodes?: number;
  /** How long the journal may delay data that was not synced. */
  commitSeconds?: number;
  /** Whether file content reaches the disk before the file name: dpkg does not sync configuration files. */
  contentFirst?: true;
}

/** Space for the binary, the packages and their lists, and for as much again. */
const size = "1200M";
/** From the kernel's <linux/fs.h> and fs/ext4/ext4.h: shut down at once, without a last write of the journal. */
const EXT4_IOC_SHUTDOWN = 0x8004587d;
const NOLOGFLUSH = 2;

export function makeDisk(image: string, { inodes = 60_000 }: Disk): void {
  must(["truncate", "-s", size, image]);
  must(["mkfs.ext4", "-q", "-m0", "-N", String(inodes), image]);
}

/** noauto_da_alloc disables the protection for programs that rename without a sync, as on other file systems. */
export function mountDisk(image: string, dir: string, { commitSeconds = 5, contentFirst }: Disk): void {
  const order = contentFirst ? "nodelalloc" : "noauto_da_alloc";
  must(["mount", "-o", `loop,${order},commit=${commitSeconds}`, image, dir]);
}

/** Copies the state of the disk at this moment: no later write becomes part of it. */
export function cutPower(image: string, dir: string, copy: string): void {
  const { ioctl } = dlopen("libc.so.6", { ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" } }).symbols;
  const fd = fs.openSync(dir, fs.constants.O_RDONLY);
  try {
    if (ioctl(fd, EXT4_IOC_SHUTDOWN, ptr(new Uint32Array([NOLOGFLUSH]))) !== 0) {
      throw new Error(`the disk at ${dir} cannot be cut off`);
    }
    must(["cp", "--sparse=always", image, copy]);
  } finally {
    fs.closeSync(fd);
  }
}
