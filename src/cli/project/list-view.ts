// The projects as a table for a terminal.

import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { type Cell, table } from "../../report/table.ts";
import { wrap } from "../../report/wrap.ts";
import { type LiveTree, measureLive } from "../../sites/deploy/live-tree.ts";
import type { Project } from "../../sites/project.ts";
import { urlOf } from "../../sites/serve/answer.ts";
import type { readRecords } from "../../sites/store.ts";
import { oneLine } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { ageText } from "../../text/time.ts";
import { nextText, rootCommand, type View } from "../view.ts";

/** The time in milliseconds to measure all trees: 10,000 files take 40 to 100 ms. */
export const measuringMs = 1000;

const headers = ["SLUG", "URL", "STATUS", "DEPLOYED", "SIZE"];

export interface Machine {
  host: HostReader;
  trees: Trees;
}

/** A tree, or why it is not known. */
type Known = { live: LiveTree | null } | { why: Problem };

/** What is wrong with a project, and the command that fixes it. */
interface Note {
  sentence: string;
  next: readonly string[] | undefined;
}

/** Returns a row for each record. A tree that cannot be read does not stop the others. */
export function projectsText(
  { projects, broken }: Awaited<ReturnType<typeof readRecords>>,
  machine: Machine,
  view: View,
): string {
  const { host } = machine;
  if (projects.size + broken.size === 0) {
    const publish = rootCommand("project publish SLUG --domain docs.example.org --source DIRECTORY");
    return nextText(view, "No projects yet.", publish);
  }
  const end = host.now() + measuringMs;
  let left = projects.size;
  const notes: Note[] = [];
  const rows = new Map<string, Cell[]>();
  for (const [slug, project] of projects) {
    const known = liveTree(machine, project, (end - host.now()) / left);
    left -= 1;
    if ("why" in known) notes.push({ sentence: `${slug}: ${known.why.message}`, next: known.why.hint });
    rows.set(slug, [slug, urlOf(project), ...cells(project, known, host.now(), view)]);
  }
  for (const [slug, { reason, hint }] of broken) {
    rows.set(slug, [slug, "", { text: "invalid", paint: (text) => view.paint("failed", text) }]);
    notes.push({ sentence: `${slug}: ${reason}`, next: hint });
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  return [table(headers, sorted, view.width), ...notesText(notes, host.uid, view)].join("\n");
}

/** Returns the live tree, measured for at most `limitMs` milliseconds. Never throws. */
export function liveTree({ host, trees }: Machine, { root_path }: Project, limitMs: number): Known {
  try {
    return { live: measureLive(host, trees, root_path, limitMs) };
  } catch (error) {
    return { why: Problem.of(error) };
  }
}

/** Returns the status, the age and the size of a project. */
export function cells({ enabled }: Project, known: Known, now: number, { paint, glyph }: View): Cell[] {
  if ("why" in known) return [enabled ? "enabled" : "disabled", glyph("unknown"), glyph("unknown")];
  const { live } = known;
  if (live === null) return [{ text: "not deployed", paint: (text) => paint("warning", text) }];
  const status: Cell = enabled
    ? { text: "live", paint: (text) => paint("ok", text) }
    : { text: "disabled", paint: (text) => paint("skipped", text) };
  return [
    status,
    live.deployedMs === null ? glyph("unknown") : ageText(live.deployedMs, now),
    `${live.isWhole ? "" : "> "}${sizeText(live.bytes)}`,
  ];
}

function notesText(notes: readonly Note[], uid: number, view: View): string[] {
  if (notes.length === 0) return [];
  const lines = notes.map(({ sentence, next }) => {
    const line = `${view.glyph("warning")} ${sentence}`;
    return next === undefined ? `${wrap(oneLine(line), view.width, 2)}\n` : nextText(view, line, next);
  });
  const again = rootCommand("project list");
  return [lines.join("") + (uid === 0 ? "" : nextText(view, "Root can read all of them.", again))];
}
