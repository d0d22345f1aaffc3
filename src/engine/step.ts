// The shapes that recipes are written in.

import type { HostReader } from "../host/host.ts";
import { LimitError, systemMessage } from "../host/system-error.ts";
import type { Change } from "./change.ts";

/** Takes a sentence that a person should know, whether what was looked at holds or not. */
export type Warn = (sentence: string) => void;

/** One thing that must hold. Its name is its line in doctor; its title says what holds. */
export interface Resource {
  name: string;
  title: string;
  /**
   * What is missing, [] when it holds. `ahead`: what earlier resources are about to change.
   * Throws Unseen where it cannot tell, and an Error where it can never hold.
   */
  check(see: HostReader, ahead: readonly Change[], warn: Warn): Change[] | Promise<Change[]>;
  /** A host serves its sites without this file or directory: doctor warns where it is missing. */
  optional?: true;
  /** Checks of doctor that it cannot hold without. */
  follows?: readonly string[];
  /** Returns the command that makes it hold where its step does more than that, or null. */
  mend?(see: HostReader): string[] | null;
  /** How long, in milliseconds, it may take to hold after a change: a service takes its files in its own time. */
  settleMs?: number;
  /** Why it does not hold though all was done, from what the host recorded since then. */
  explain?(see: HostReader, sinceMs: number): string | null | Promise<string | null>;
}

/** What must be true before anything is changed. */
export interface Requirement {
  name: string;
  title: string;
  /** null when met. Throws Unseen where it cannot tell. */
  check(see: HostReader, warn: Warn): Unmet | null | Promise<Unmet | null>;
  /** It may come true by itself: it is asked again for so many milliseconds. */
  waitMs?: number;
}

export interface Unmet {
  reason: string;
  /** The command to type. */
  hint?: string[];
}

/** What the contract calls a step: resources that are changed, and put back, together. */
export interface Step {
  id: string;
  title: string;
  wants: Resource[];
  /** Asked only when there is something to change. */
  requires?: Requirement[];
  /** Why this host does not want it, or null: it is passed over then, and this is told. Throws Unseen. */
  unwanted?(see: HostReader): string | null | Promise<string | null>;
  /** Runs after its changes, as the last of them: what it throws rolls them back. A step without changes does not run it. */
  verify?(): Promise<void>;
  /** What it needs of another step, for a run that leaves that one out. */
  needs?: { step: string; resource: Resource }[];
  /** Changes nothing: it is done when any step before it changed something. */
  mark?: true;
}

export interface Recipe {
  /** As it is typed: "bootstrap". */
  command: string;
  logPath: string;
  requires: Requirement[];
  steps: Step[];
  /** The last line of a run that ended well. */
  done: string;
  /** The last line of a failed run, before the step's id. */
  failed: string;
}

/** One stable code a kind of failure, for scripts that read `--json`. */
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
  /** The exit code of the command that failed, where one did. */
  readonly returncode: number;
  /** The last words of that command. */
  readonly stderr: string;
  /** The command to type. */
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

  /** Returns the problem that it is, or that an error of the system or of this program makes. Never throws. */
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

/** What the runtime throws where a program is wrong. A plain Error is thrown on purpose, with words for a person. */
function isBug(error: unknown): boolean {
  const kinds = [TypeError, RangeError, ReferenceError, SyntaxError];
  return !(error instanceof Error) || kinds.some((kind) => error instanceof kind);
}

export type StepOutcome = "ok" | "changed" | "pending" | "unknown" | "failed" | "skipped";

/** A child that ran in a step, as it ended. */
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
  /** What could not be seen, and why. */
  unseen: string[];
  /** What to type to see the first of it. */
  unseenHint?: readonly string[] | undefined;
  warnings: string[];
  /** Why it was passed over. */
  reason?: string;
  ran: Ran[];
  problem?: Problem;
}
