// What a terminal shows at the end of a recipe.

import type { Recipe, StepResult } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import type { ClosingLine } from "../report/closing.ts";
import { durationText } from "../text/time.ts";

/** A recipe with the results of those of its steps that ran. */
export interface AppliedRecipe {
  recipe: Recipe;
  results: readonly StepResult[];
  milliseconds: number;
}

/** Returns what the host is now, and the command to run next. */
export function readyLines({ recipe, results, milliseconds }: AppliedRecipe, reader: HostReader): ClosingLine[] {
  const counted = withoutMarks(recipe, results);
  const changed = counted.filter(({ outcome }) => outcome === "changed").length;
  const unchanged = counted.length - changed;
  const isWhole = results.length === recipe.steps.length;
  const [done, ...others] = sentencesOf(recipe.done);
  const ready = isWhole ? (recipe.closing?.ready ?? done) : `${counted.length} of ${stepCount(recipe)} done`;
  const more = isWhole && recipe.closing === undefined ? others : [];
  const counts = unchanged === 0 ? `${changed} changed` : `${changed} changed, ${unchanged} unchanged`;
  const note = changed === 0 ? " (nothing to change)" : recipe.steps.length === 1 ? "" : ` (${counts})`;
  const text = `${ready} in ${durationText(milliseconds)}${note}`;
  const next = isWhole ? (recipe.closing?.next?.(reader) ?? null) : null;
  return [
    { mark: "done", text },
    ...more.map((each) => ({ text: `${each}.` })),
    ...(next === null ? [] : [{ text: "", next: { label: "Next:", argv: next } }]),
  ];
}

/** Returns how far the run came. `again`: the command that continues it. */
export function failureLines(
  { recipe, results }: AppliedRecipe,
  { id, problem }: StepResult,
  again: readonly string[],
): ClosingLine[] {
  const counted = withoutMarks(recipe, results);
  const applied = counted.filter(({ outcome }) => outcome === "ok" || outcome === "changed").length;
  if (problem?.code === "interrupted") {
    // Of the step itself, packages may be installed already.
    const text = `Stopped in step ${applied + 1} of ${counted.length}.`;
    return [{ mark: "warning", text, next: { label: "Continue with:", argv: again } }];
  }
  const far = `${applied} of ${counted.length} steps applied`;
  return [{ mark: "failed", text: `${recipe.failed} ${id} (${far})` }];
}

function withoutMarks({ steps }: Recipe, results: readonly StepResult[]): StepResult[] {
  return results.filter(({ id }) => !steps.some((step) => step.mark && step.id === id));
}

function stepCount({ steps }: Recipe): string {
  return `${steps.filter(({ mark }) => !mark).length} steps`;
}

/** Returns the sentences of the first line, without the full stop of the last one. */
function sentencesOf(done: string): string[] {
  return (done.split("\n")[0] ?? "").replace(/\.$/, "").split(/\. (?=[A-Z])/);
}
