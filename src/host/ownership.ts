// Finds users other than root who could change a program that root is about to run.

import type { Stat } from "./host.ts";

/**
 * Debian's groups root and staff. Members of staff may write to /usr/local, which comes first in root's PATH, so
 * Debian's policy gives them the power of root.
 */
const trustedGroups = [0, 50];
const groupWrite = 0o020;
const otherWrite = 0o002;
const sticky = 0o1000;

/** Returns whether only root can change this file or directory: root owns it, and no untrusted user may write to it. */
export function isRootsAlone({ uid, gid, mode }: Stat): boolean {
  const byGroup = (mode & groupWrite) !== 0 && !trustedGroups.includes(gid);
  return uid === 0 && !byGroup && (mode & otherWrite) === 0;
}

/**
 * Returns the first part of an absolute path, from / on, that users other than root could change or replace; null if
 * there is none. The path must have no symbolic links. In a sticky directory such as /tmp, above the file's own
 * directory, other users cannot replace root's entries.
 */
export function changeablePart(stat: (path: string) => Stat | null, path: string): string | null {
  const names = path.split("/").filter(Boolean);
  for (let count = 0; count <= names.length; count++) {
    const part = `/${names.slice(0, count).join("/")}`;
    const found = stat(part);
    if (found === null) return null;
    const isAbove = count < names.length - 1;
    const mode = isAbove && (found.mode & sticky) !== 0 ? 0 : found.mode;
    if (!isRootsAlone({ ...found, mode })) return part;
  }
  return null;
}
