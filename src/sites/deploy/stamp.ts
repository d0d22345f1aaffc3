// Chooses the modification time of the new files of a site.

import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { backupNames, lastStampPath, secondsOf } from "./releases.ts";

/**
 * A stamp that is further ahead comes from a wrong clock or was planted. It would push all later stamps into the
 * future.
 */
const day = 24 * 3600;

/**
 * Returns the Unix time in seconds for new files, later than any earlier stamp of the project. nginx makes the ETag of
 * time and size, and two contents of one path must not share one. The stamp is stored durably before any file has it.
 */
export function nextStamp(host: Host, trees: Trees, key: string, live: string): number {
  const now = Math.floor(host.now() / 1000);
  const bytes = host.read(lastStampPath(key));
  const last = bytes === null ? newestBefore(trees, live, now) : Number(new TextDecoder().decode(bytes));
  // The replaced tree needs a unique name among the backups.
  const usedSeconds = [last, ...backupNames(host, key).map(secondsOf)].filter((second) => second < now + day);
  const seconds = Math.max(now, ...usedSeconds.map((second) => second + 1));
  host.writeFile(lastStampPath(key), new TextEncoder().encode(`${seconds}\n`), {
    mode: 0o600,
    uid: host.uid,
    gid: host.uid,
  });
  return seconds;
}

/** Returns the newest modification time in a tree that another program made. */
function newestBefore(trees: Trees, live: string, now: number): number {
  let newest = 0;
  if (trees.entry(live) === null) return newest;
  for (const { modifiedMs } of trees.walk(live)) {
    const seconds = Math.floor(modifiedMs / 1000);
    if (seconds > newest && seconds < now + day) newest = seconds;
  }
  return newest;
}
