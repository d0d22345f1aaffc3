// The error that a user sees: a stable code, a message and a hint.

import { UnknownStateError } from "../host/host.ts";
import { LimitError, systemCode, systemMessage } from "../host/system-error.ts";
import { RejectedArchive } from "../host/trees.ts";
import type { ProblemCode } from "./codes.ts";

/** The codes of system errors. Any other one is an io-error. */
const systemCodes: Record<string, ProblemCode> = {
  ENOSPC: "no-space",
  EDQUOT: "no-space",
  EROFS: "read-only-file-system",
  EACCES: "permission-denied",
  EPERM: "permission-denied",
  EBUSY: "in-use",
  ETXTBSY: "in-use",
  ENOENT: "not-found",
  EEXIST: "already-exists",
  ENOTDIR: "conflict",
  EISDIR: "conflict",
  ENOTEMPTY: "conflict",
  ELOOP: "conflict",
  EFBIG: "limit-exceeded",
  EMFILE: "limit-exceeded",
  ENFILE: "limit-exceeded",
  EMLINK: "limit-exceeded",
  ENAMETOOLONG: "limit-exceeded",
};

export class Problem extends Error {
  override name = "Problem";
  /** The exit code of the failed command, or 1. */
  readonly returncode: number;
  /** The stderr of that command. */
  readonly stderr: string;
  /** The command to run. */
  readonly hint: readonly string[] | undefined;
  /** The exit code of this process, if it is not that of the code. */
  readonly exit: number | undefined;

  constructor(
    readonly code: ProblemCode,
    message: string,
    more: {
      returncode?: number;
      stderr?: string;
      hint?: readonly string[] | undefined;
      exit?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.returncode = more.returncode ?? 1;
    this.stderr = more.stderr ?? "";
    this.hint = more.hint;
    this.exit = more.exit;
  }

  /** Returns this problem with another code, message, hint or cause. */
  with(changes: {
    code?: ProblemCode;
    message?: string;
    hint?: readonly string[] | undefined;
    cause?: unknown;
  }): Problem {
    const { code, message, returncode, stderr, hint, exit, cause } = this;
    const more = { returncode, stderr, hint, exit, cause, ...changes };
    return new Problem(changes.code ?? code, changes.message ?? message, more);
  }

  /** Returns the error itself if it is a Problem, or else a Problem that describes it. Never throws. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof LimitError) {
      return new Problem("limit-exceeded", error.message, { hint: error.hint, cause: error.cause });
    }
    if (error instanceof UnknownStateError) {
      return new Problem("unknown-state", error.message, { hint: error.hint, cause: error });
    }
    if (error instanceof RejectedArchive) return new Problem(codeOf(error), error.message, { cause: error });
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (isBug(error)) return new Problem("internal", `internal error: ${message}`, { cause: error });
    return new Problem(systemCodes[systemCode(error)] ?? "io-error", systemMessage(message), { cause: error });
  }
}

function codeOf({ limit }: RejectedArchive): ProblemCode {
  if (limit === "unchanged") return "concurrent-change";
  return limit === undefined ? "invalid-source" : "limit-exceeded";
}

/**
 * Returns whether the error is a bug. The runtime throws these types for programming errors, while a plain Error is
 * thrown deliberately with a message for the user.
 */
function isBug(error: unknown): boolean {
  const kinds = [TypeError, RangeError, ReferenceError, SyntaxError];
  return !(error instanceof Error) || kinds.some((kind) => error instanceof kind);
}
