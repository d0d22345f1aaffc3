// Names of temporary files, and errors of the system: adds the path that they concern, and recognizes "not found".

import * as fs from "node:fs";

/** Returns the result of `act`. Adds the path to the message of an error that names none. */
export function withPath<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && !/'\//.test(error.message)) error.message += ` '${path}'`;
    throw error;
  }
}

/** Returns null if `read` fails because the path does not exist. */
export function nullIfMissing<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

/** Removes a file, if there is one. The runtime's own function fails with EFAULT if its directory is a file. */
export function removeFile(path: string): void {
  nullIfMissing(() => {
    // Of a read-only file system, the kernel reports that first, also if there is no file.
    fs.lstatSync(path);
    fs.unlinkSync(path);
  });
}

/**
 * Returns a hidden name in the same directory, because nginx includes every other file in sites-enabled. The name is
 * always the same, so that the next run replaces a file that a killed run left behind.
 */
export function temporaryFor(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}.${path.slice(slash)}.edox-ops-new`;
}
