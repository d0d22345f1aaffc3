// The error that a user sees: a stable code, a message and a hint.

import { LimitError, systemMessage } from "../host/system-error.ts";

/** The stable codes of failures, for scripts that read `--json`. */
export type ProblemCode =
  | "usage"
  | "invalid"
  | "not-root"
  | "not-confirmed"
  | "requirement"
  | "locked"
  | "unknown"
  | "blocked"
  | "state"
  | "command-failed"
  | "still-differs"
  | "failed-on-purpose"
  | "interrupted"
  | "internal";

export class Problem extends Error {
  override name = "Problem";
  /** The exit code of the failed command, or 1. */
  readonly returncode: number;
  /** The stderr of that command. */
  readonly stderr: string;
  /** The command to run. */
  readonly hint: readonly string[] | undefined;

  constructor(
    readonly code: ProblemCode,
    message: string,
    more: { returncode?: number; stderr?: string; hint?: readonly string[] | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.returncode = more.returncode ?? 1;
    this.stderr = more.stderr ?? "";
    this.hint = more.hint;
  }

  /** Returns this problem with another message, hint or cause. */
  with(changes: { message?: string; hint?: readonly string[] | undefined; cause?: unknown }): Problem {
    const { code, message, returncode, stderr, hint, cause } = this;
    return new Problem(code, changes.message ?? message, { returncode, stderr, hint, cause, ...changes });
  }

  /** Returns the error itself if it is a Problem, or else a Problem that describes it. Never throws. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof LimitError) {
      return new Problem("blocked", error.message, { hint: error.hint, cause: error.cause });
    }
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (isBug(error)) return new Problem("internal", `internal error: ${message}`, { cause: error });
    return new Problem("blocked", systemMessage(message), { cause: error });
  }
}

/**
 * Returns whether the error is a bug. The runtime throws these types for programming errors, while a plain Error is
 * thrown deliberately with a message for the user.
 */
function isBug(error: unknown): boolean {
  const kinds = [TypeError, RangeError, ReferenceError, SyntaxError];
  return !(error instanceof Error) || kinds.some((kind) => error instanceof kind);
}
