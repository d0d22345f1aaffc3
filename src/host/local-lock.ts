// Advisory locks of this machine: flock(2), and the kernel's list of who holds what.

import * as fs from "node:fs";
import type { Holder } from "./host.ts";
import { flock } from "./local-libc.ts";

/** The descriptor that holds the lock until it is closed, or null where another process has it. Opened for reading:
 * the file is a place to meet, and a run that finds it there writes nothing. */
export function lockFile(path: string): number | null {
  const fd = openOrMake(path);
  if (flock(fd)) return fd;
  fs.closeSync(fd);
  return null;
}

function openOrMake(path: string): number {
  const { O_RDONLY, O_CREAT, O_NOFOLLOW } = fs.constants;
  try {
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return fs.openSync(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600);
  }
}

/** Read from /proc/locks, by inode alone: on an overlay the device there is not the one that stat tells. */
export function lockHolders(path: string): Holder[] {
  let inode: number;
  try {
    inode = fs.statSync(path).ino;
  } catch {
    return [];
  }
  // 1: POSIX  ADVISORY  WRITE 4711 fd:01:1234 0 EOF ("->" marks one that waits)
  const held = /^\d+: (?:FLOCK|POSIX|OFDLCK) +\S+ +\S+ +(-?\d+) +[^:]+:[^:]+:(\d+) /gm;
  const pids = new Set<number>();
  for (const [, pid, found] of fs.readFileSync("/proc/locks", "latin1").matchAll(held)) {
    if (Number(found) === inode) pids.add(Number(pid));
  }
  return [...pids].map(holder);
}

function holder(pid: number): Holder {
  try {
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, command: command || "another process", sinceMs: fs.statSync(`/proc/${pid}`).ctimeMs };
  } catch {
    return { pid, command: "another process", sinceMs: Date.now() };
  }
}
