// The backups of a project as a table for a terminal.

import { table } from "../../report/table.ts";
import { wrap } from "../../report/wrap.ts";
import type { Backup } from "../../sites/deploy/backups.ts";
import { secondsOf } from "../../sites/deploy/releases.ts";
import { sizeText } from "../../text/size.ts";
import { ageText, utcText } from "../../text/time.ts";
import { nextText, rootCommand, type View } from "../view.ts";

interface Backups {
  slug: string;
  /** Oldest first. */
  backups: readonly Backup[];
  /** The name of the backup that the live tree was restored from, or null. */
  from: string | null;
  nowMs: number;
}

/** Returns a row for each backup, and the command that restores one. */
export function backupsText({ slug, backups, from, nowMs }: Backups, view: View): string {
  const newest = backups.at(-1);
  if (newest === undefined) {
    const deploy = rootCommand(`project deploy ${slug} --source DIRECTORY`);
    return nextText(view, `No backups of ${slug} yet: a deploy that replaces a release makes one.`, deploy);
  }
  const rows = backups.map((backup) => {
    const { name, bytes } = backup;
    const ms = secondsOf(name) * 1000;
    const size = bytes === null ? view.glyph("unknown") : sizeText(bytes);
    const marks = [...(backup === newest ? ["newest"] : []), ...(name === from ? ["restored"] : [])].join(", ");
    return [name, utcText(ms).replace(" UTC", ""), ageText(ms, nowMs), size, marks];
  });
  const left = backups.filter((backup) => backup.left_by_restore).map(({ name }) => name);
  const notes = [
    ...(left.length > 0 ? [`Left by a restore: ${left.join(", ")}`] : []),
    ...(from === null ? [] : [`Live release: restored from ${from}`]),
  ];
  const restore = rootCommand(`project restore ${slug} --backup ${newest.name}`);
  return [
    table(["BACKUP", "CREATED (UTC)", "AGE", "SIZE", ""], rows, view.width),
    "\n",
    ...notes.map((note) => `${wrap(note, view.width, 2)}\n`),
    nextText(view, "Restore one of them:", restore),
  ].join("");
}
