// Results in, words for a person out.

import type { Finding } from "../doctor/finding.ts";
import { describe } from "../engine/change.ts";
import { linesOf } from "../engine/lines.ts";
import type { Problem, StepResult } from "../engine/step.ts";

/** The last lines of a failed command that are shown. All of it is in the log. */
const shownLines = 10;

const colours = { ok: 32, changed: 33, pending: 36, unknown: 35, failed: 31, skipped: 90, warning: 33, error: 31 };

export type Paint = (status: keyof typeof colours, text: string) => string;

export function paint(colour: boolean): Paint {
  return (status, text) => (colour ? `\u001B[${colours[status]}m${text}\u001B[0m` : text);
}

const width = "packages.install".length + 2;

/** A line a step, and below it what would be done, what could not be seen, and what to know. */
export function stepText(result: StepResult, colour: Paint): string {
  const status = colour(result.outcome, result.outcome.padEnd(8));
  const details = [
    ...(result.outcome === "pending" ? result.changes.map(describe) : []),
    ...result.unseen.map((reason) => `could not be seen: ${reason}`),
    ...result.warnings.map((warning) => `${colour("warning", "warning")}: ${warning}`),
  ];
  return [`${status} ${result.id.padEnd(width)} ${result.title}`, ...details.map((line) => `           ${line}`)]
    .map((line) => `${line}\n`)
    .join("");
}

/** What happened, the last words of the command that failed, and what to type. */
export function problemText(problem: Problem, subject: string | null, colour: Paint): string {
  const where = subject === null ? "" : `${subject}: `;
  return [
    `${colour("error", "error")}: ${where}${problem.message}`,
    ...linesOf(problem.stderr)
      .slice(-shownLines)
      .map((line) => `  ${line}`),
    ...(problem.hint ? [`hint: ${problem.hint}`] : []),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

const labels = { ok: "[OK]", warning: "[WARN]", error: "[FAIL]" };

/** One line a check, whatever a program said. */
export function findingText({ name, status, detail, hint }: Finding, colour: Paint): string {
  const run = hint === undefined ? "" : ` (run: ${hint.join(" ")})`;
  return `${colour(status, labels[status])} ${name}: ${linesOf(detail).join(" ")}${run}\n`;
}
