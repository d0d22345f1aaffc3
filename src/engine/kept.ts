// The end of a run whose steps are kept only if something outside of them agrees: all of them, or none.

import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { throwIfInterrupted } from "../problem/wait.ts";
import { disarmKept } from "./armed.ts";
import type { Options } from "./converge.ts";
import { recoverHint } from "./interrupted.ts";
import { journalDir } from "./paths.ts";
import { recover } from "./recover.ts";
import type { Step, StepResult } from "./step.ts";

/** A step that was changed, and has its journal until it is kept. */
export interface Held {
  step: Step;
  result: StepResult;
}

/**
 * Runs the `keep` of the last of these steps, and then ends their journals. If it throws, all of them are rolled back.
 * Returns their results: unchanged, or failed.
 */
export async function keepTogether(host: Host, held: readonly Held[], options: Options): Promise<StepResult[]> {
  const { stop = () => null, watch } = options;
  try {
    throwIfInterrupted(stop);
    await held.at(-1)?.step.keep?.(host, { record() {}, note() {}, stop, watch });
    for (const { step } of held) host.remove(`${journalDir}/${step.id}`);
  } catch (error) {
    const problem = await rolledBack(host, Problem.of(error));
    return held.map(({ result: { notes: _, ...result } }) => ({ ...result, outcome: "failed", problem }));
  }
  const stays = await disarmKept(host);
  return held.map(({ result }) => ({
    ...result,
    warnings: stays === undefined ? result.warnings : [...result.warnings, stays],
  }));
}

/** Rolls back all steps that have a journal, and returns the problem with the result of that in its message. */
async function rolledBack(host: Host, problem: Problem): Promise<Problem> {
  const results = await recover(host);
  const failures = results.flatMap((each) => each.problem?.message ?? []);
  const notes = failures.length > 0 ? failures : ["the changes were rolled back"];
  const message = [problem.message, ...notes, ...results.flatMap(({ warnings }) => warnings)].join("; ");
  return problem.with({ message, ...(failures.length > 0 && { hint: recoverHint }) });
}
