// Results in, words for a person out.

import type { Finding } from "../doctor/finding.ts";
import { describe } from "../engine/change.ts";
import { linesOf, oneLine, shellLine } from "../engine/lines.ts";
import type { Problem, StepResult } from "../engine/step.ts";
import { traceHint } from "../engine/trace.ts";
import type { Voice } from "./voice.ts";

/** The last lines of a failed command that are shown. All of it is in the log. */
const shownLines = 10;

/** Of the longest id of a step. */
const width = "prepare-ci-host.complete".length + 1;

/** A line a step, and below it what would be done, what could not be seen, and what to know. */
export function stepText(result: StepResult, { paint }: Voice): string {
  const status = paint(result.outcome, result.outcome.padEnd(8));
  const details = [
    ...(result.outcome === "pending" ? result.changes.map((change) => oneLine(describe(change))) : []),
    ...result.unseen.map((reason) => `could not be seen: ${oneLine(reason)}`),
    ...(result.reason === undefined ? [] : [`passed over: ${oneLine(result.reason)}`]),
    ...result.warnings.map((warning) => `${paint("warning", "warning")}: ${oneLine(warning)}`),
  ];
  return [
    `${status} ${result.id.padEnd(width)} ${oneLine(result.title)}`,
    ...details.map((line) => `           ${line}`),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** What happened, the last words of the command that failed, and what to type. */
export function problemText(problem: Problem, subject: string | null, { paint, hint }: Voice): string {
  const where = subject === null ? "" : `${oneLine(subject)}: `;
  const isBug = problem.code === "internal" && problem.cause !== undefined;
  return [
    `${paint("error", "error")}: ${where}${oneLine(problem.message)}`,
    ...linesOf(problem.stderr)
      .slice(-shownLines)
      .map((line) => `  ${line}`),
    ...(problem.hint ? [`hint: ${shellLine(hint(problem.hint))}`] : []),
    ...(isBug && !problem.hint ? [traceHint] : []),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

const labels = { ok: "[OK]", warning: "[WARN]", unknown: "[WARN]", error: "[FAIL]" };

/** One line a check, whatever a program said. Of one that follows from another only that other's hint is typed. */
export function findingText({ name, status, detail, follows, ...finding }: Finding, { paint, hint }: Voice): string {
  const run = finding.hint === undefined ? "" : ` (run: ${shellLine(hint(finding.hint))})`;
  const end = follows === undefined ? run : ` (follows from ${oneLine(follows)})`;
  return `${paint(status, labels[status])} ${oneLine(name)}: ${oneLine(detail)}${end}\n`;
}
