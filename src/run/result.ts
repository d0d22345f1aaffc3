import type { StepResult } from "../engine/step.ts";
import type { Problem } from "../problem/problem.ts";
import type { ClosingLine } from "../report/closing.ts";
import type { Document } from "../report/schema.ts";

/** Parts of the document that only some commands have. */
export type ResultParts = Pick<
  Document,
  | "alerts"
  | "assets"
  | "backup"
  | "backups"
  | "cleanup"
  | "deploy"
  | "deploy_keys"
  | "packages"
  | "plan"
  | "previews"
  | "private_key"
  | "renewals"
  | "restored"
  | "selftest"
  | "trees"
  | "update"
  | "would_restore"
>;

/** Lines for a person at the end of a run. */
export interface EndingPart {
  text: string;
  /** Returns what a terminal shows in place of the text. It is called at the end of the run. */
  closing?: () => ClosingLine[] | Promise<ClosingLine[]>;
}

/** The result of a run, as data. */
export interface RunResult {
  outcome: Extract<Document["outcome"], "ok" | "changed" | "pending" | "unknown" | "failed" | "interrupted">;
  /** The steps of all recipes and operations, in the order in which they ended. */
  steps: readonly StepResult[];
  warnings: readonly string[];
  /** The error of the failed step. */
  problem?: Problem | undefined;
  parts: ResultParts;
  /** The last lines for a person, on stdout. */
  ending: readonly EndingPart[];
  /** The last line for a person if a step failed, on stderr. */
  failure: EndingPart | null;
}

/**
 * Returns the outcome of a run from the outcomes of its steps. `hasUnknown`: something other than a step could not be
 * determined, which is not a success either.
 */
export function outcomeOf(steps: readonly StepResult[], hasUnknown: boolean): RunResult["outcome"] {
  const has = (outcome: StepResult["outcome"]): boolean => steps.some((step) => step.outcome === outcome);
  if (steps.some(({ problem }) => problem?.code === "interrupted")) return "interrupted";
  if (has("failed")) return "failed";
  if (has("pending")) return "pending";
  if (has("unknown") || hasUnknown) return "unknown";
  return has("changed") ? "changed" : "ok";
}

/** Thrown for an error that ended a run, with the result until then. */
export class UnfinishedRun extends Error {
  constructor(
    override readonly cause: unknown,
    readonly result: RunResult,
  ) {
    super("the run was ended by an error", { cause });
  }
}
