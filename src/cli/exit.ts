// Maps results and problems to exit codes.

import type { Problem } from "../problem/problem.ts";
import type { Document } from "../report/schema.ts";
import type { RunResult } from "../run/result.ts";
import { exitCode } from "./context.ts";

/** Returns the exit code of a run. With `check`, pending changes and an unknown state are no success. */
export function exitOf({ outcome, steps }: RunResult, check: boolean): number {
  switch (outcome) {
    case "interrupted":
      return steps.find((step) => step.problem?.code === "interrupted")?.problem?.returncode ?? exitCode.failed;
    case "failed":
      return exitCode.failed;
    case "pending":
      return check ? exitCode.pending : exitCode.done;
    case "unknown":
      return check ? exitCode.failed : exitCode.done;
    default:
      return exitCode.done;
  }
}

const exits: Partial<Record<Problem["code"], number>> = {
  usage: exitCode.usage,
  "not-root": exitCode.usage,
  "not-confirmed": exitCode.usage,
  locked: exitCode.busy,
};

const outcomes: Partial<Record<Problem["code"], Document["outcome"]>> = {
  locked: "busy",
  internal: "failed",
  interrupted: "interrupted",
};

/**
 * Returns the outcome and the exit code of a command that ended with this problem. It is refused only if no step failed
 * or changed something. `steps`: those of the run until then.
 */
export function refusalOf(
  { code, returncode, exit: own }: Problem,
  steps: RunResult["steps"] = [],
): { outcome: Document["outcome"]; exit: number } {
  const exit = code === "interrupted" ? returncode : (own ?? exits[code] ?? exitCode.failed);
  const hasBegun = steps.some(({ outcome }) => outcome === "changed" || outcome === "failed");
  return { outcome: outcomes[code] ?? (hasBegun ? "failed" : "refused"), exit };
}
