// Who besides root could change what root is about to run.

import type { Stat } from "./host.ts";

/**
 * Debian's groups root and staff. Members of staff may write /usr/local, which stands first in root's PATH: they are as
 * good as root by its policy.
 */
const trustedGroups = [0, 50];
const groupWrite = 0o020;
const otherWrite = 0o002;
const sticky = 0o1000;

/** Returns whether only root can change this file or directory: root owns it, and nobody untrusted may write it. */
export function isRootsAlone({ uid, gid, mode }: Stat): boolean {
  const byGroup = (mode & groupWrite) !== 0 && !trustedGroups.includes(gid);
  return uid === 0 && !byGroup && (mode & otherWrite) === 0;
}

/**
 * Returns what of an absolute path without links others than root could change or exchange, from / on; null where that is
 * nothing. In a sticky directory above its own one, such as /tmp, nobody exchanges an entry of root's.
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
