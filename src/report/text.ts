// Converts results into text for the terminal.

import { describe } from "../engine/change.ts";
import type { StepResult } from "../engine/step.ts";
import type { Problem } from "../problem/problem.ts";
import { linesOf, oneLine, shellLine } from "../text/lines.ts";
import type { Style } from "./style.ts";
import { traceHint } from "./trace.ts";
import { wrap } from "./wrap.ts";

/** The number of last lines shown of a failed command. The log contains all of its output. */
const shownLines = 10;

/** The width of the longest step ID. */
const width = "prepare-ci-host.complete".length + 1;

/** Returns one line for the step, and below it the planned changes, the unknown facts and the warnings. */
export function stepText(result: StepResult, { paint }: Style): string {
  const status = paint(result.outcome, result.outcome.padEnd(8));
  const details = [
    ...(result.outcome === "pending" ? result.changes.map((change) => oneLine(describe(change))) : []),
    ...result.unknown.map((reason) => `could not be determined: ${oneLine(reason)}`),
    ...(result.reason === undefined ? [] : [`skipped: ${oneLine(result.reason)}`]),
    ...(result.notes ?? []).map(oneLine),
    ...result.warnings.map((warning) => `${paint("warning", "warning")}: ${oneLine(warning)}`),
  ];
  return [
    `${status} ${oneLine(result.id).padEnd(width)} ${oneLine(result.title)}`,
    ...details.map((line) => `           ${line}`),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * Returns the error, the last output of the failed command, and the hint, which is one line that can be copied. `width`:
 * the columns of a terminal that the texts are wrapped to.
 */
export function problemText(
  problem: Problem,
  subject: string | null,
  { paint, hint }: Style,
  width = Number.POSITIVE_INFINITY,
): string {
  const where = subject === null ? "" : `${oneLine(subject)}: `;
  const isBug = problem.code === "internal" && problem.cause !== undefined;
  return [
    wrap(`error: ${where}${oneLine(problem.message)}`, width, 2).replace(/^error/, paint("error", "error")),
    ...linesOf(problem.stderr)
      .slice(-shownLines)
      .map((line) => `  ${wrap(line, width, 2)}`),
    ...(problem.hint ? [`hint: ${shellLine(hint(problem.hint))}`] : []),
    ...(isBug && !problem.hint ? [traceHint] : []),
  ]
    .map((line) => `${line}\n`)
    .join("");
}
