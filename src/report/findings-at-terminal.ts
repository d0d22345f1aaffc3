// Converts the findings of doctor into text for a terminal: what is wrong, what it affects, and how to fix it.

import { setUpCommand } from "../bootstrap/feature.ts";
import { askRoot, type Finding, isHealthy } from "../engine/finding.ts";
import { countOf, few, oneLine } from "../text/lines.ts";
import { durationText } from "../text/time.ts";
import { nextText } from "./closing.ts";
import { type FindingsView, isFailure } from "./findings.ts";
import type { Style } from "./style.ts";
import { wrap } from "./wrap.ts";

export interface TerminalView extends FindingsView {
  /** Every check is listed. */
  all: boolean;
  /** The findings that fail because this host was never set up. */
  neverSetUp: readonly Finding[];
  /** How long the checks took. */
  milliseconds: number;
  width: number;
}

/** A finding with all that follows from it. */
interface Group {
  cause: Finding;
  consequences: Finding[];
}

const glyphs = {
  ok: "done",
  "not-set-up": "absent",
  warning: "warning",
  unknown: "unknown",
  error: "failed",
} as const;
const severity: readonly Finding["status"][] = ["error", "warning", "unknown"];

/**
 * Returns the problems, errors first and each with its consequences, and one line with the counts. A host that was never
 * set up gets one sentence instead of a problem for each part.
 */
export function findingsAtTerminal(view: TerminalView, style: Style): string {
  const { findings, neverSetUp, all, quiet, strict } = view;
  const isNew = neverSetUp.length > 0;
  const known = findings.map((each) => (neverSetUp.includes(each) ? asNotSetUp(each) : each));
  const problems = groupsOf(known.filter(({ status }) => !isHealthy(status)));
  // Warnings do not stop the bootstrap that a new host needs first.
  const isShown = ({ cause }: Group): boolean => {
    if (quiet) return isFailure(cause, strict);
    return all || ((strict || !needsRoot(view, cause)) && (!isNew || cause.status === "error"));
  };
  const blocks = problems.filter(isShown).map((group) => blockText(group, view, style));
  if (isNew) blocks.push(`This host is not set up yet.\n${fixText(setUpCommand, style)}`);
  if (all && !quiet) blocks.push(healthyText(known, view, style), notSetUpText(known, view, style));
  if (!quiet && (all || !isNew)) blocks.push(summaryText(known, problems, view, style));
  return blocks.filter((block) => block !== "").join("\n");
}

/** Only bootstrap itself repairs it, and it is not a problem by itself. */
function asNotSetUp({ name, detail }: Finding): Finding {
  return { name, status: "not-set-up", detail, hint: setUpCommand };
}

/** Returns whether the check has no result because doctor runs as another user than root. */
function needsRoot({ isRoot }: TerminalView, { status, hint }: Finding): boolean {
  return status === "unknown" && !isRoot && hint?.join(" ") === askRoot.join(" ");
}

/** Groups findings by their first cause, errors first. Checks that follow from each other are causes. */
function groupsOf(findings: readonly Finding[]): Group[] {
  const byName = new Map(findings.map((each) => [each.name, each]));
  const causeOf = (finding: Finding, passed: readonly Finding[] = []): Finding | null => {
    const cause = finding.follows === undefined ? undefined : byName.get(finding.follows);
    if (cause === undefined) return finding;
    return passed.includes(cause) ? null : causeOf(cause, [...passed, cause]);
  };
  const groups = new Map<Finding, Group>();
  for (const each of findings) {
    const cause = causeOf(each, [each]) ?? each;
    const group = groups.get(cause) ?? { cause, consequences: [] };
    if (each !== cause) group.consequences.push(each);
    groups.set(cause, group);
  }
  return [...groups.values()].sort((a, b) => severity.indexOf(a.cause.status) - severity.indexOf(b.cause.status));
}

function blockText({ cause, consequences }: Group, view: TerminalView, style: Style): string {
  const within = (text: string): string => `  ${wrap(text, view.width, 2)}\n`;
  const names = consequences.map(({ name }) => oneLine(name)).join(", ");
  const affects = cause.affects ?? few([...new Set(consequences.flatMap((each) => each.affects ?? []))]);
  const text = [
    lineText(cause, view, style),
    ...(view.all
      ? consequences.map((each) => `  ${lineText(each, view, style, 4)}`)
      : names === ""
        ? []
        : [within(`also failing because of it: ${names}`)]),
    ...(affects === "" ? [] : [within(`affects: ${oneLine(affects)}`)]),
  ].join("");
  return cause.hint === undefined ? text : `${text}  ${fixText(cause.hint, style)}`;
}

function lineText({ name, status, detail }: Finding, { width }: TerminalView, style: Style, indent = 2): string {
  const text = `${style.paint("bold", oneLine(name))}: ${oneLine(detail)}`;
  return `${style.paint(status, style.glyph(glyphs[status]))} ${wrap(text, width, indent)}\n`;
}

function fixText(argv: readonly string[], style: Style): string {
  return `${nextText({ argv }, style)}\n`;
}

function healthyText(findings: readonly Finding[], view: TerminalView, style: Style): string {
  return findings
    .filter(({ status }) => status === "ok")
    .map((each) => lineText(each, view, style))
    .join("");
}

/** Returns what is not set up, by the command that sets it up. */
function notSetUpText(findings: readonly Finding[], view: TerminalView, style: Style): string {
  const absent = findings.filter(({ status }) => status === "not-set-up");
  const groups = Map.groupBy(absent, ({ hint }) => (hint === undefined ? "" : fixText(hint, style)));
  return [...groups]
    .map(([fix, each]) => {
      const names = each.map(({ name }) => oneLine(name)).join(", ");
      const first = `${style.paint("not-set-up", style.glyph("absent"))} ${wrap(names, view.width, 2)}\n`;
      return fix === "" ? first : `${first}  ${fix}`;
    })
    .join("");
}

function summaryText(
  findings: readonly Finding[],
  problems: readonly Group[],
  view: TerminalView,
  style: Style,
): string {
  const dot = style.glyph("dot");
  const groups = (status: Finding["status"]): Group[] => problems.filter(({ cause }) => cause.status === status);
  const count = (status: Finding["status"]): number => findings.filter((each) => each.status === status).length;
  const hidden = findings.filter((each) => needsRoot(view, each)).length;
  const unknown = count("unknown") - hidden;
  const healthy = `${style.paint("ok", style.glyph("done"))} ${view.bundle === undefined ? "Host is healthy" : "The bundle fits this host"}`;
  const [errors, warnings] = [groups("error").length, groups("warning").length];
  const parts = [
    ...(problems.length === 0 && view.neverSetUp.length === 0 ? [healthy] : []),
    ...(errors > 0 ? [countOf(errors, "problem")] : []),
    ...(warnings > 0 ? [countOf(warnings, "warning")] : []),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
    `${count("ok")} ok`,
    ...(count("not-set-up") > 0 ? [`${count("not-set-up")} not set up${view.all ? "" : " (--all lists them)"}`] : []),
    ...(hidden > 0 ? [rootText(hidden, style)] : []),
  ];
  // The empty part is a wider gap before the duration.
  const line = [...parts.slice(0, -1).map((part) => `${part} ${dot}`), ...parts.slice(-1), ""];
  return `${wrap([...line, durationText(view.milliseconds)], view.width)}\n`;
}

function rootText(count: number, style: Style): string {
  return `${count} ${count === 1 ? "needs" : "need"} root ${nextText({ argv: askRoot }, style)}`;
}
