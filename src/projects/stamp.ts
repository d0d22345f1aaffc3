// The time that new files of a site are given.

import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { backupNames, lastStampPath, secondsOf } from "./releases.ts";

/** A stamp that is further ahead is a wrong clock's, or was planted: it would take all later ones there with it. */
const day = 24 * 3600;

/**
 * The second that new files are stamped with: later than any that the project has given, so that no two contents of one
 * path have one ETag, which nginx makes of time and size. It is on the disk before a file has it.
 */
export function nextStamp(host: Host, trees: Trees, slug: string, live: string): number {
  const now = Math.floor(host.now() / 1000);
  const bytes = host.read(lastStampPath(slug));
  const last = bytes === null ? newestBefore(trees, live, now) : Number(new TextDecoder().decode(bytes));
  // The tree that is replaced is to have a name of its own among the backups.
  const taken = [last, ...backupNames(host, slug).map(secondsOf)].filter((second) => second < now + day);
  const seconds = Math.max(now, ...taken.map((second) => second + 1));
  host.writeFile(lastStampPath(slug), new TextEncoder().encode(`${seconds}\n`), {
    mode: 0o600,
    uid: host.uid,
    gid: host.uid,
  });
  return seconds;
}

/** Of a tree that somebody else made. */
function newestBefore(trees: Trees, live: string, now: number): number {
  let newest = 0;
  if (trees.entry(live) === null) return newest;
  for (const { modifiedMs } of trees.walk(live)) {
    const seconds = Math.floor(modifiedMs / 1000);
    if (seconds > newest && seconds < now + day) newest = seconds;
  }
  return newest;
}
