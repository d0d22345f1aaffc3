// The snapshots of a repository as a table for a terminal.

import { type Snapshot, shortLength } from "../../backup/snapshots.ts";
import { table } from "../../report/table.ts";
import { ageText, utcText } from "../../text/time.ts";
import { linesText, rootCommand, type View } from "../view.ts";

/** Returns a row for each snapshot, and the command that restores the newest one. */
export function snapshotsText(snapshots: readonly Snapshot[], nowMs: number, view: View): string {
  const newest = snapshots.at(-1);
  if (newest === undefined) {
    return linesText(view, { text: "No snapshots yet.", next: { argv: rootCommand("backup run") } });
  }
  const rows = snapshots.map(({ id, timeMs, host }) => [
    ...[id.slice(0, shortLength), utcText(timeMs).replace(" UTC", ""), ageText(timeMs, nowMs), host],
  ]);
  const restore = rootCommand(`backup restore --snapshot ${newest.id.slice(0, shortLength)}`);
  const next = linesText(view, { text: "Restore one of them:", next: { argv: restore } });
  return `${table(["SNAPSHOT", "CREATED (UTC)", "AGE", "HOST"], rows, view.width)}\n${next}`;
}
