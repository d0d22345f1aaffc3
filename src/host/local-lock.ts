// Advisory locks of this machine: flock(2), and the kernel's list of their holders.

import * as fs from "node:fs";
import { parentOf } from "../text/path.ts";
import type { Holder } from "./host.ts";
import { flock } from "./local-libc.ts";

/**
 * Returns the descriptor that holds the lock until it is closed, or null if another process holds it. The file is
 * opened for reading: its content has no meaning, and a run that finds it there writes nothing. Throws if another user
 * could open its directory.
 */
export function lockFile(path: string): number | null {
  demandPrivate(parentOf(path));
  const fd = openOrMake(path);
  if (flock(fd)) return fd;
  fs.closeSync(fd);
  return null;
}

/** Creates the directory for this user alone if it is missing. Throws if another user could open it. */
function demandPrivate(dir: string): void {
  if (!fs.lstatSync(dir, { throwIfNoEntry: false })) {
    try {
      fs.mkdirSync(dir, { mode: 0o700 });
    } catch (error) {
      // Another run may have created it in the meantime.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  const stat = fs.lstatSync(dir);
  if (stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0) return;
  throw new Error(
    `${dir} is not a directory that only its owner can open (mode 0700): other users could hold its locks`,
  );
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

/**
 * Returns the processes that hold a lock on a file. Throws the system's error if the file cannot be inspected. Matches
 * by inode in /proc/locks, because on an overlay the device number there differs from the one that stat returns.
 */
export function lockHolders(path: string): Holder[] {
  const file = fs.statSync(path);
  // 1: POSIX  ADVISORY  WRITE 4711 fd:01:1234 0 EOF ("->" marks a waiting process)
  const lockLine = /^\d+: (?:FLOCK|POSIX|OFDLCK) +\S+ +\S+ +(-?\d+) +[^:]+:[^:]+:(\d+) /gm;
  const pids = new Set<number>();
  for (const [, pid, found] of fs.readFileSync("/proc/locks", "latin1").matchAll(lockLine)) {
    if (Number(found) === file.ino && hasOpen(Number(pid), file)) pids.add(Number(pid));
  }
  return [...pids].map(holder);
}

/** Returns false only if the process can be inspected and does not have the file open. */
function hasOpen(pid: number, file: fs.Stats): boolean {
  const dir = `/proc/${pid}/fd`;
  try {
    return fs.readdirSync(dir).some((fd) => {
      const open = fs.statSync(`${dir}/${fd}`, { throwIfNoEntry: false });
      return open?.ino === file.ino && open.dev === file.dev;
    });
  } catch {
    return true;
  }
}

function holder(pid: number): Holder {
  try {
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, command: command || "another process", sinceMs: fs.statSync(`/proc/${pid}`).ctimeMs };
  } catch {
    return { pid, command: "another process", sinceMs: Date.now() };
  }
}
