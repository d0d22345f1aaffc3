// The steps of a run at a terminal: what was changed, what needs attention, and what a plan would change.

import { describe } from "../engine/change.ts";
import type { StepResult } from "../engine/step.ts";
import { oneLine } from "../text/lines.ts";
import { durationText } from "../text/time.ts";
import { type ClosingLine, closingText } from "./closing.ts";
import type { Style } from "./style.ts";
import { wrap } from "./wrap.ts";

interface StepTiming {
  milliseconds: number;
  /** Whether the end of the run describes it. */
  isBrief: boolean;
}

/**
 * Returns the lines about a step: one if it changed something, its planned changes, and one for each thing to know.
 * A step that was satisfied has none.
 */
export function stepAtTerminal(result: StepResult, timing: StepTiming, style: Style, width: number): string {
  return [
    ...(result.outcome === "pending" ? plannedLines(result, style, width) : []),
    closingText([...doneLines(result, timing), ...remarks(result)], style, width),
  ].join("");
}

/** Returns no line for a mark, which is derived from the steps before it. */
function doneLines({ outcome, changes, title }: StepResult, { milliseconds, isBrief }: StepTiming): ClosingLine[] {
  if (outcome !== "changed" || changes.length === 0 || isBrief) return [];
  return [{ mark: "done", text: `${title}  ${durationText(milliseconds)}` }];
}

function plannedLines({ changes, ...step }: StepResult, { paint }: Style, width: number): string[] {
  if (changes.length === 0) return [];
  const id = oneLine(step.id);
  const heading = wrap(`${id}  ${oneLine(step.title)}`, width, 2).slice(id.length);
  return [
    `${paint("bold", id)}${heading}\n`,
    ...changes.map((change) => `  ${wrap(oneLine(describe(change)), width, 4)}\n`),
  ];
}

function remarks({ id, reason, unknown, unknownHint, warnings, notes = [] }: StepResult): ClosingLine[] {
  return [
    ...notes.map((text): ClosingLine => ({ text })),
    ...(reason === undefined ? [] : [{ mark: "absent" as const, text: `${id} is skipped: ${reason}` }]),
    ...unknown.map((each, i): ClosingLine => {
      const next = i === 0 && unknownHint ? { next: { argv: unknownHint } } : {};
      return { mark: "unknown", text: `${id}: could not be determined: ${each}`, ...next };
    }),
    ...warnings.map((each): ClosingLine => ({ mark: "warning", text: `${id}: ${each}` })),
  ];
}
