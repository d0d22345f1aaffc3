// The status of the cleanup for a terminal.

import type { Document } from "../../../report/schema.ts";
import { details, table } from "../../../report/table.ts";
import { countOf } from "../../../text/lines.ts";
import { sizeText } from "../../../text/size.ts";
import { ageText } from "../../../text/time.ts";
import { linesText, rootCommand, type View } from "../../view.ts";

/** A person reads the first ones. --json has all. */
const shownRows = 10;

/** Returns the state of the cleanup, its disks, what may be removed, and what stays. */
export function cleanupText(
  part: NonNullable<Document["cleanup"]>,
  warnings: readonly string[],
  nowMs: number,
  view: View,
): string {
  if (!part.enabled) {
    const argv = rootCommand("gitlab-runner cleanup enable");
    return linesText(view, { text: "The cleanup is not enabled.", next: { argv } });
  }
  const { disks = [], removable = [], foreign_images: foreign = [], unused_for_days: days } = part;
  const state = part.timer_active ? "every 5 minutes" : "its timer is not active";
  const events = part.events_active ? "yes" : "no: its service is not active";
  const sum = (all: readonly { bytes: number }[]) => sizeText(all.reduce((bytes, each) => bytes + each.bytes, 0));
  const values = [
    state,
    events,
    days === null || days === undefined ? "never" : countOf(days, "day"),
    `${countOf(removable.length, "item")}, ${sum(removable)}`,
    `${countOf(foreign.length, "image")}, ${sum(foreign)}`,
  ];
  const diskRows = disks.map((disk) => [disk.path, sizeText(disk.bytes_free), sizeText(disk.bytes_wanted)]);
  const rows = removable
    .slice(0, shownRows)
    .map(({ kind, name, bytes, last_used }) => [kind, name, sizeText(bytes), ageText(Date.parse(last_used), nowMs)]);
  const notes = warnings.map((text) => ({ mark: "warning" as const, text }));
  return [
    details(["RUNS", "RECORDS USE", "REMOVES UNUSED", "REMOVABLE", "STAYS"], values, view.width),
    table(["DISK", "FREE", "WANTED"], diskRows, view.width),
    ...(rows.length === 0 ? [] : [table(["NEXT", "NAME", "SIZE", "LAST USED"], rows, view.width)]),
    ...(notes.length === 0 ? [] : [linesText(view, ...notes)]),
  ].join("\n");
}
