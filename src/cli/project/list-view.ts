// The projects as a table for a terminal.

import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import type { ClosingLine } from "../../report/closing.ts";
import { type Cell, table } from "../../report/table.ts";
import { isActive } from "../../resources/service.ts";
import { type LiveTree, measureLive } from "../../sites/deploy/live-tree.ts";
import type { Project } from "../../sites/project.ts";
import { urlOf } from "../../sites/serve/answer.ts";
import { vhostLinkPath, vhostPath } from "../../sites/serve/site.ts";
import type { readRecords } from "../../sites/store.ts";
import { versionTarget } from "../../sites/target.ts";
import { readVersions, versionNamed } from "../../sites/versions/versions.ts";
import { few } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { ageText } from "../../text/time.ts";
import { linesText, rootCommand, type View } from "../view.ts";

/** The time in milliseconds to measure all trees: 10,000 files take 40 to 100 ms. */
export const measuringMs = 1000;

const headers = ["SLUG", "URL", "STATUS", "DEPLOYED", "SIZE"];

export interface Machine {
  host: HostReader;
  trees: Trees;
}

/** A tree, or why it is not known. */
type Known = { live: LiveTree | null } | { why: Problem };

/** Returns a row for each record. A tree that cannot be read does not stop the others. */
export function projectsText(
  { projects, broken }: Awaited<ReturnType<typeof readRecords>>,
  machine: Machine,
  view: View,
): string {
  const { host } = machine;
  const isUp = isActive(host, "nginx");
  if (projects.size + broken.size === 0) {
    const argv = rootCommand("project publish SLUG --domain docs.example.org --source DIRECTORY");
    return linesText(view, { text: "No projects yet.", next: { argv } });
  }
  const end = host.now() + measuringMs;
  let left = projects.size;
  const notes: ClosingLine[] = [];
  let isDown = false;
  const unconfigured: string[] = [];
  const rows = new Map<string, Cell[]>();
  for (const [slug, project] of projects) {
    const known = liveTree(machine, project, (end - host.now()) / left);
    left -= 1;
    if ("why" in known) notes.push(noteOf(slug, known.why.message, known.why.hint));
    rows.set(slug, [slug, urlOf(project), ...cells(project, known, { nowMs: host.now(), isUp }, view)]);
    if (isOffline(project, known, isUp)) isDown = true;
    else if (project.enabled && [vhostPath(slug), vhostLinkPath(slug)].some((path) => host.stat(path) === null)) {
      unconfigured.push(slug);
    }
  }
  for (const [slug, { reason, hint }] of broken) {
    rows.set(slug, [slug, "", { text: "invalid", paint: (text) => view.paint("failed", text) }]);
    notes.push(noteOf(slug, reason, hint));
  }
  const next = { argv: rootCommand("doctor") };
  if (isDown) notes.push({ mark: "warning", text: "nginx does not run, and serves no site", next });
  if (unconfigured.length > 0) {
    const text = `the nginx site of ${few(unconfigured)} is missing: it goes offline when nginx restarts`;
    notes.push({ mark: "warning", text, next });
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  if (notes.length > 0 && host.uid !== 0) {
    notes.push({ text: "Root can read all of them.", next: { argv: rootCommand("project list") } });
  }
  return [table(headers, sorted, view.width), ...(notes.length === 0 ? [] : [linesText(view, ...notes)])].join("\n");
}

/**
 * Returns the live tree, measured for at most `limitMs` milliseconds. That of a site of versions is the tree of its
 * default or newest version. Never throws.
 */
export function liveTree({ host, trees }: Machine, project: Project, limitMs: number): Known {
  const { slug, root_path, default_version } = project;
  try {
    const live = measureLive(host, trees, root_path, limitMs);
    if (live !== null) return { live };
    const found = readVersions(host, slug);
    const version = versionNamed(found, default_version ?? "") ?? found.versions[0];
    return { live: version ? measureLive(host, trees, versionTarget(slug, version.name).root, limitMs) : null };
  } catch (error) {
    return { why: Problem.of(error) };
  }
}

/** Returns whether an enabled site with files is not served. A running nginx serves what it has loaded. */
function isOffline({ enabled }: Project, known: Known, isUp: boolean): boolean {
  return enabled && !("why" in known) && known.live !== null && !isUp;
}

/** Returns the status, the age and the size of a project. `isUp`: whether nginx runs. */
export function cells(
  project: Project,
  known: Known,
  { nowMs, isUp }: { nowMs: number; isUp: boolean },
  { paint, glyph }: View,
): Cell[] {
  const { enabled } = project;
  if ("why" in known) return [enabled ? "enabled" : "disabled", glyph("unknown"), glyph("unknown")];
  const { live } = known;
  if (live === null) return [{ text: "not deployed", paint: (text) => paint("warning", text) }];
  const [status, colour] = isOffline(project, known, isUp)
    ? (["offline", "failed"] as const)
    : enabled
      ? (["live", "ok"] as const)
      : (["disabled", "skipped"] as const);
  return [
    { text: status, paint: (text) => paint(colour, text) },
    live.deployedMs === null ? glyph("unknown") : ageText(live.deployedMs, nowMs),
    `${live.isWhole ? "" : "> "}${sizeText(live.bytes)}`,
  ];
}

/** Returns what is wrong with a project, and the command that fixes it. */
function noteOf(slug: string, reason: string, fix: readonly string[] | undefined): ClosingLine {
  return { mark: "warning", text: `${slug}: ${reason}`, ...(fix && { next: { argv: fix } }) };
}
