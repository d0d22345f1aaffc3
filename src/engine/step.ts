// Defines the types that recipes are written in.

import type { HostReader } from "../host/host.ts";
import { LimitError, systemMessage } from "../host/system-error.ts";
import type { Change } from "./change.ts";

/** Takes a sentence for the user, in addition to the result of a check. */
export type Warn = (sentence: string) => void;

/** One piece of desired state. `name` is its check in doctor; `title` describes the state. */
export interface Resource {
  name: string;
  title: string;
  /**
   * Returns the missing changes, or [] if the state is correct. `ahead` contains the changes that earlier resources
   * plan. Throws Unseen if it cannot determine the state, and an Error if the state can never be reached.
   */
  check(see: HostReader, ahead: readonly Change[], warn: Warn): Change[] | Promise<Change[]>;
  /** A host can serve its sites without this file or directory, so doctor only warns if it is missing. */
  optional?: true;
  /** The doctor checks that it depends on. */
  follows?: readonly string[];
  /** Returns the command that corrects only this resource, or null. It exists where the step does more than that. */
  mend?(see: HostReader): string[] | null;
  /**
   * How long the state may take to settle after a change, in milliseconds: a service loads its files asynchronously.
   */
  settleMs?: number;
  /** Returns whether the state can no longer settle, so that the wait ends at once: a service failed. */
  hasFailed?(see: HostReader): boolean | Promise<boolean>;
  /** Returns why the state is still wrong after all changes, from what the host has recorded since `sinceMs`. */
  explain?(see: HostReader, sinceMs: number): string | null | Promise<string | null>;
}

/** A condition that must be true before anything is changed. */
export interface Requirement {
  name: string;
  title: string;
  /** Returns null if it is met. Throws Unseen if it cannot determine that. */
  check(see: HostReader, warn: Warn): Unmet | null | Promise<Unmet | null>;
  /** How long to poll for a condition that can become true by itself, in milliseconds. */
  waitMs?: number;
}

export interface Unmet {
  reason: string;
  /** The command to run. */
  hint?: string[];
}

/** Resources that are changed, and rolled back, together. The ids of steps are part of the contract. */
export interface Step {
  id: string;
  title: string;
  wants: Resource[];
  /** Checked only if there is something to change. */
  requires?: Requirement[];
  /**
   * Returns why the step does not apply to this host, or null. With a reason nothing is changed, and the reason is
   * reported. Throws Unseen.
   */
  unwanted?(see: HostReader): string | null | Promise<string | null>;
  /**
   * Runs after the step's changes, as the last of them. An exception rolls them back. A step without changes does not
   * run it.
   */
  verify?(): Promise<void>;
  /** Resources of other steps that it depends on, for a run that leaves those steps out. */
  needs?: { step: string; resource: Resource }[];
  /** Marks completion and changes nothing. Its outcome is derived from the steps before it. */
  mark?: true;
}

export interface Recipe {
  /** The command as typed: "bootstrap". */
  command: string;
  logPath: string;
  requires: Requirement[];
  steps: Step[];
  /** The last line of a successful run. */
  done: string;
  /** The last line of a failed run, before the step's id. */
  failed: string;
}

/** The stable codes of failures, for scripts that read `--json`. */
export type ProblemCode =
  | "usage"
  | "invalid"
  | "not-root"
  | "not-confirmed"
  | "requirement"
  | "locked"
  | "unseen"
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

export type StepOutcome = "ok" | "changed" | "pending" | "unknown" | "failed" | "skipped";

/** A child process that ran in a step, with its result. */
export interface Ran {
  argv: readonly string[];
  code: number;
  stdout: string;
  stderr: string;
}

export interface StepResult {
  id: string;
  title: string;
  outcome: StepOutcome;
  changes: Change[];
  /** The states that could not be determined, with the reasons. */
  unseen: string[];
  /** The command that shows the first of them. */
  unseenHint?: readonly string[] | undefined;
  warnings: string[];
  /** Why the step does not apply to this host. */
  reason?: string;
  ran: Ran[];
  problem?: Problem;
}
