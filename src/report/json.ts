// Converts results into one JSON document, or into events of one line each.

import type { Change, Text } from "../engine/change.ts";
import type { Finding } from "../engine/finding.ts";
import type { StepResult } from "../engine/step.ts";
import type { Attributes } from "../host/host.ts";
import type { Problem } from "../problem/problem.ts";
import { linesOf, oneLine, visibleJson } from "../text/lines.ts";
import type { Document, RunEvent } from "./schema.ts";
import type { Style } from "./style.ts";

/**
 * Returns the document as text. Messages are on one line each, as in the text output; paths, names and commands are
 * unchanged.
 */
export function jsonOf(document: Omit<Document, "schema">): string {
  return `${visibleJson(JSON.stringify({ schema: 1, ...withLines(document) }, null, 2))}\n`;
}

/** Returns the event as one line of text. */
export function eventOf(event: RunEvent): string {
  return `${visibleJson(JSON.stringify(event.event === "summary" ? withLines(event) : event))}\n`;
}

/** Returns the document of a command, or its only event with "lines". */
export function documentText(document: Omit<Document, "schema">, json: "document" | "lines"): string {
  return json === "lines" ? eventOf({ event: "summary", schema: 1, ...document }) : jsonOf(document);
}

function withLines<T extends Pick<Document, "warnings">>(document: T): T {
  return document.warnings === undefined ? document : { ...document, warnings: document.warnings.map(oneLine) };
}

type ShownStep = NonNullable<Document["steps"]>[number];

/** Converts the results of steps. Includes file contents only with `contents`, and never secret ones. */
export function stepsOf(results: readonly StepResult[], contents: boolean, style: Style): ShownStep[] {
  return results.map((result) => stepOf(result, contents, style));
}

/** Converts the result of one step. */
export function stepOf(result: StepResult, contents: boolean, style: Style): ShownStep {
  const { id, title, outcome, changes, unknown, warnings, notes, reason, problem } = result;
  return {
    id,
    title: oneLine(title),
    result: outcome,
    changes: changes.map((change) => changeOf(change, contents)),
    unknown: unknown.map(oneLine),
    warnings: warnings.map(oneLine),
    ...(notes && { notes: notes.map(oneLine) }),
    ...(reason !== undefined && { reason: oneLine(reason) }),
    ...(problem && { error: problemOf(problem, style) }),
  };
}

/** Converts a problem. Its message is on one line. */
export function problemOf({ code, message, stderr, hint }: Problem, style: Style): NonNullable<Document["error"]> {
  return {
    code,
    message: oneLine(message),
    ...(stderr && { stderr: linesOf(stderr).join("\n") }),
    ...(hint && { hint: style.hint(hint) }),
  };
}

/** Converts the findings of doctor. Their details are on one line. */
export function findingsOf(findings: readonly Finding[], style: Style): NonNullable<Document["findings"]> {
  return findings.map(({ hint, detail, affects, ...finding }) => {
    const shownHint = hint && finding.status !== "not-set-up" ? { hint: style.hint(hint) } : {};
    return { ...finding, detail: oneLine(detail), ...(affects && { affects: oneLine(affects) }), ...shownHint };
  });
}

type ShownChange = ShownStep["changes"][number];

function changeOf(change: Change, contents: boolean): ShownChange {
  switch (change.kind) {
    case "file":
      return {
        kind: "file",
        path: change.path,
        ...attributesOf(change),
        ...(contents && shownPair(change.before, change.after)),
      };
    case "removal":
      return { kind: "removal", path: change.path, ...(contents && { before: String(change.before) }) };
    case "directory":
      return { kind: "directory", path: change.path, ...attributesOf(change) };
    case "link":
      return { kind: "link", path: change.path, before: change.before, after: change.after };
    case "packages":
      return change;
    case "command":
      return {
        kind: "command",
        argv: change.argv,
        reason: oneLine(change.reason),
        ...(change.input && { input: { name: change.input.name, size: change.input.size } }),
      };
  }
}

/** If either content is secret, both are redacted. */
function shownPair(before: Text | null, after: Text): { before: string | null; after: string } {
  const secret = after.secret || before?.secret === true;
  const shownText = (text: Text): string => (secret ? "[redacted]" : text.toString());
  return { before: before && shownText(before), after: shownText(after) };
}

function attributesOf({ mode, uid, gid }: Attributes): { mode: string; owner: string } {
  const name = (id: number): string => (id === 0 ? "root" : String(id));
  return { mode: mode.toString(8).padStart(4, "0"), owner: `${name(uid)}:${name(gid)}` };
}
