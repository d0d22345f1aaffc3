// Defines the types that recipes are written in.

import type { Host, HostReader } from "../host/host.ts";
import type { Problem } from "../problem/problem.ts";
import type { Requirement, Unmet, Warn } from "../problem/requirement.ts";
import type { Stop, WaitWatch } from "../problem/wait.ts";
import type { Change } from "./change.ts";
import type { Affects } from "./finding.ts";
import type { Inverse } from "./inverse.ts";

/** One piece of desired state. `name` is its check in doctor; `title` describes the state. */
export interface Resource {
  name: string;
  title: string;
  /**
   * Returns the missing changes, or [] if the state is correct. `ahead` contains the changes that earlier resources
   * plan. Throws UnknownStateError if it cannot determine the state, and an Error if the state can never be reached.
   */
  check(reader: HostReader, ahead: readonly Change[], warn: Warn): Change[] | Promise<Change[]>;
  /** A host works without this resource, so doctor only warns if it is missing. */
  optional?: true;
  /** For something optional: doctor checks the resource only where this returns true. */
  isInstalled?(reader: HostReader): boolean;
  /** The doctor checks that it depends on. */
  follows?: readonly string[];
  affects?: Affects;
  /** Returns the command that corrects only this resource, or null. It exists where the step does more than that. */
  repairCommand?(reader: HostReader): string[] | null;
  /**
   * How long the state may take to settle after a change, in milliseconds: a service loads its files asynchronously.
   */
  settleMs?: number;
  /** Returns whether the state can no longer settle, so that the wait ends at once: a service failed. */
  hasFailed?(reader: HostReader): boolean | Promise<boolean>;
  /** Returns why the state is still wrong after all changes, from what the host has recorded since `sinceMs`. */
  explain?(reader: HostReader, sinceMs: number): string | null | Promise<string | null>;
}

/** What the functions of a step use while it is applied. */
export interface StepRun {
  /**
   * Records what undoes something that the function is about to do, and that a kill would leave. In a step with a
   * journal, it is on the disk when this returns.
   */
  record(inverse: Inverse): void;
  /** Reports what the step has established, in addition to its changes: what it proved. */
  note(sentence: string): void;
  /** Returns the reason to end a wait, or null. */
  stop: Stop;
  watch?: WaitWatch | undefined;
}

/** Resources that are changed, and rolled back, together. The ids of steps are part of the contract. */
export interface Step {
  id: string;
  title: string;
  /** What the step does, for the status line: "Installing packages". By default it is the title. */
  action?: string;
  resources: Resource[];
  /** Checked only if there is something to change. */
  requires?: Requirement[];
  /**
   * Returns why the step does not apply to this host, or null. With a reason nothing is changed, and the reason is
   * reported. An Unmet is a fault that the step cannot correct: doctor reports it as an error. Throws
   * UnknownStateError.
   */
  reasonToSkip?(reader: HostReader): string | Unmet | null | Promise<string | Unmet | null>;
  /**
   * Runs before the step's first change, after its requirements. It leaves the host as it is, apart from what it removes
   * again. An exception ends the step. A step without changes does not run it.
   */
  before?(host: Host, run: StepRun): Promise<void>;
  /**
   * Runs after the step's changes, as the last of them. An exception rolls them back. A step without changes does not
   * run it.
   */
  verify?(host: Host, run: StepRun): Promise<void>;
  /**
   * Runs after the last step of the run, if this step has changed something and is armed. Until it returns, the step is
   * armed and has its journal, and an exception rolls it back. The steps of a run that have it are kept together, or not
   * at all: only that of the last one runs.
   */
  keep?(host: Host, run: StepRun): Promise<void>;
  /**
   * A run that was killed in this step is rolled back by the next one, or by `edox-ops recover`, instead of being
   * continued. For changes that may lock the admin out: what undoes each of them is on the disk before it is applied.
   */
  journal?: true;
  /**
   * The step has a journal, and systemd rolls it back if its run was killed: this many milliseconds after the run began
   * it, and after a boot. Where that cannot be ensured, nothing is changed.
   */
  armed?: { withinMs: number };
  /** Resources of other steps that it depends on, for a run that leaves those steps out. */
  needs?: { step: string; resource: Resource }[];
  /**
   * Steps with the same name belong together, and the others do not depend on them: a failure skips only the later steps
   * of its part. The failure of a step without it skips all later steps, and so does an interruption.
   */
  part?: string;
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
  /** Returns that line where it depends on the host after the run. */
  doneOn?(reader: HostReader): string | Promise<string>;
  /** The last line of a failed run, before the step's id. */
  failed: string;
  /** What a terminal shows at the end in place of `done`. */
  closing?: {
    /** What the host is now: "Host ready". */
    ready: string;
    /** Returns the command to run next, or null. */
    next?(reader: HostReader): string[] | null;
  };
}

type StepOutcome = "ok" | "changed" | "pending" | "unknown" | "failed" | "skipped";

/** A child process that ran in a step, with its result. */
export interface ProgramRun {
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
  unknown: string[];
  /** The command that shows the first of them. */
  unknownHint?: readonly string[] | undefined;
  warnings: string[];
  /** What the step has established, in addition to its changes. */
  notes?: string[];
  /** Why the step does not apply to this host. */
  reason?: string;
  ran: ProgramRun[];
  problem?: Problem;
}
