// The backups of a project as a table for a terminal.

import { table } from "../../report/table.ts";
import type { Backup } from "../../sites/deploy/backups.ts";
import { secondsOf } from "../../sites/deploy/releases.ts";
import { sizeText } from "../../text/size.ts";
import { ageText, utcText } from "../../text/time.ts";
import { linesText, rootCommand, type View } from "../view.ts";

interface Backups {
  /** The words of a command that select the tree: a slug, and perhaps a version. */
  selected: string;
  /** Oldest first. */
  backups: readonly Backup[];
  /** The name of the backup that the live tree was restored from, or null. */
  from: string | null;
  nowMs: number;
}

/** Returns a row for each backup, and the command that restores one. */
export function backupsText({ selected, backups, from, nowMs }: Backups, view: View): string {
  const newest = backups.at(-1);
  if (newest === undefined) {
    const text = `No backups of ${selected.replace("--as ", "")} yet: a deploy that replaces a release makes one.`;
    return linesText(view, { text, next: { argv: rootCommand(`project deploy ${selected} --source DIRECTORY`) } });
  }
  const rows = backups.map((backup) => {
    const { name, bytes } = backup;
    const ms = secondsOf(name) * 1000;
    const size = bytes === null ? view.glyph("unknown") : sizeText(bytes);
    const marks = [...(backup === newest ? ["newest"] : []), ...(name === from ? ["restored"] : [])].join(", ");
    return [name, utcText(ms).replace(" UTC", ""), ageText(ms, nowMs), size, marks];
  });
  const restore = rootCommand(`project restore ${selected} --backup ${newest.name}`);
  const notes = restoreNotes(backups, from).map((text) => ({ text }));
  const next = linesText(view, ...notes, { text: "Restore one of them:", next: { argv: restore } });
  return `${table(["BACKUP", "CREATED (UTC)", "AGE", "SIZE", "NOTE"], rows, view.width)}\n${next}`;
}

/** Returns what restores left. `from`: the name of the backup that the live release was restored from, or null. */
export function restoreNotes(backups: readonly Backup[], from: string | null): string[] {
  const left = backups.filter((backup) => backup.left_by_restore).map(({ name }) => name);
  return [
    ...(left.length > 0 ? [`Left by a restore: ${left.join(", ")}`] : []),
    ...(from === null ? [] : [`Live release: restored from ${from}`]),
  ];
}
