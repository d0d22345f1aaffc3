// One run of a command: its locks, its signals and its report. Recipes and operations add their results to it.

import type { AppliedBundle } from "../bundle/applied.ts";
import type { Step, StepResult } from "../engine/step.ts";
import type { Host, Signal } from "../host/host.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import type { Stop } from "../problem/wait.ts";
import { runLog } from "../report/run-log.ts";
import type { Environment } from "./environment.ts";
import { type LockName, Locks } from "./locks.ts";
import type { RunOptions } from "./options.ts";
import { type Reporter, reporterFor } from "./reporter.ts";
import type { Notes } from "./requirements.ts";
import { type EndingPart, outcomeOf, type ResultParts, type RunResult } from "./result.ts";

/** Identifies a step in the log and in the report. */
export type StepName = Pick<Step, "id" | "title" | "action">;

interface Opening {
  host: Host;
  options: RunOptions;
  environment: Environment;
  /** The bundle that the run installs from. It takes the place of the network of `host`. */
  bundle?: AppliedBundle | null;
  /** The command that repeats this run, if it differs from the typed one. */
  again?: readonly string[] | undefined;
}

export class Session {
  readonly host: Host;
  readonly options: RunOptions;
  readonly environment: Environment;
  readonly reporter: Reporter;
  /** The bundle of --bundle, or null. */
  readonly bundle: AppliedBundle | null;
  /** The command that repeats this run. */
  readonly again: readonly string[];
  readonly #locks: Locks;
  readonly #steps: StepResult[] = [];
  readonly #warnings: string[] = [];
  readonly #parts: ResultParts = {};
  readonly #ending: EndingPart[] = [];
  #done: EndingPart | null = null;
  #failure: EndingPart | null = null;
  #plan: EndingPart | null = null;
  #hasUnknown = false;
  #signal: (() => Signal | null) | undefined;
  #kept: string | null = null;

  private constructor(
    { host, bundle = null, options, environment, again }: Opening,
    reporterOf: (stop: Stop) => Reporter,
  ) {
    this.host = bundle?.host ?? host;
    this.bundle = bundle;
    this.options = options;
    this.environment = environment;
    this.again = again ?? ["sudo", "edox-ops", ...environment.typed];
    this.#locks = new Locks(host);
    const stop: Stop = options.dryRun ? () => null : () => this.stop();
    this.reporter = reporterOf(stop);
    // A bundle is verified before the question of `confirm` as well, at which a signal ends this process.
    bundle?.attach({ stop: () => (this.#signal === undefined ? null : stop()), waiting: this.reporter.waiting });
  }

  static async open(opening: Opening): Promise<Session> {
    const { options, environment } = opening;
    const make = await reporterFor(options, environment);
    return new Session(opening, (stop) => make(options, environment, stop));
  }

  /**
   * Returns the reason to start nothing more, or null. Until the first call a signal ends this process at once, because
   * nothing is partially changed.
   */
  readonly stop: Stop = () => {
    const signal = this.catchSignals()();
    if (signal === null) return null;
    const { name, number } = signal;
    const message = [`interrupted by ${name}`, this.#kept ?? []].flat().join("; ");
    return new Problem("interrupted", message, { returncode: 128 + number, hint: this.again });
  };

  /** Sets what an interruption from now on keeps, as a clause of its message. Without it, a message claims nothing. */
  keeps(clause: string): void {
    this.#kept = clause;
  }

  /** Catches signals from now on, so that the run ends in order: a wait for a lock ends then, too. */
  catchSignals(): () => Signal | null {
    this.#signal ??= this.host.catchSignals();
    return this.#signal;
  }

  /** Throws a Problem if this user may not change the host. */
  demandRoot(): void {
    if (this.host.uid === 0) return;
    const { command, typed } = this.environment;
    const hint = ["sudo", "edox-ops", ...typed];
    throw new Problem("not-root", `${command} changes this host, which only root may`, { hint });
  }

  /**
   * Takes a lock until the end of the run, or until the returned function is called. Throws a Problem that names the
   * holder if it is not released within `waitMs` milliseconds.
   */
  async lock(name: LockName, path: string, waitMs = 0): Promise<() => void> {
    const stop = this.#signal && this.stop;
    const release = await this.#locks.take({ name, path, waitMs, again: this.again, ...(stop && { stop }) });
    if (name === "project") this.environment.admit?.();
    return release;
  }

  /** Opens the log at this path. A log that cannot be written is reported once, and does not stop the run. */
  log(path: string): ReturnType<typeof runLog> {
    return runLog(path, this.host, (sentence) => void this.#warn(sentence, "note"));
  }

  /**
   * Runs something that is not a recipe as one step. `outcomeOf` returns its outcome, and its warnings, which are those
   * of the run. An error is reported and thrown.
   */
  async operation<T>(
    { id, title, action }: StepName,
    run: () => T | Promise<T>,
    outcomeOf: (done: T) => Pick<StepResult, "outcome" | "warnings">,
  ): Promise<T> {
    const result = { id, title, changes: [], unknown: [], warnings: [], ran: [] };
    this.reporter.started({ id, title, ...(action !== undefined && { action }) });
    try {
      const done = await run();
      const { outcome, warnings } = outcomeOf(done);
      this.add({ ...result, outcome });
      await this.reporter.operation({ ...result, outcome });
      for (const sentence of warnings) await this.warn(sentence);
      return done;
    } catch (error) {
      const plain = Problem.of(error);
      // An operation that explains its errors throws a Problem.
      const problem = plain === error ? plain : withDiskFault(this.host, plain);
      const failed = { ...result, outcome: "failed" as const, problem };
      this.add(failed);
      await this.reporter.operation(failed);
      throw problem === plain ? error : problem;
    }
  }

  /** Reports a warning, with --quiet too. */
  warn(sentence: string): Promise<void> {
    return this.#warn(sentence, "warning");
  }

  /** Reports the notes of requirements, except those that are known. */
  async note({ warnings, unknown }: Notes, known: readonly string[] = []): Promise<void> {
    this.#hasUnknown ||= this.options.dryRun && unknown.length > 0;
    for (const each of warnings) if (!known.includes(each)) await this.#warn(each, "note");
    for (const each of unknown) if (!known.includes(each)) await this.#warn(`could not be determined: ${each}`, "note");
  }

  /** Adds the results of steps. */
  add(...steps: readonly StepResult[]): void {
    this.#steps.push(...steps);
  }

  /** Adds parts to the document. */
  include(parts: ResultParts): void {
    Object.assign(this.#parts, parts);
  }

  /** Adds lines for a person to the end of the report. */
  say(...lines: readonly (string | EndingPart)[]): void {
    this.#ending.push(...lines.map((line) => (typeof line === "string" ? { text: line } : line)));
  }

  /** Sets the sentences of the last recipe: `done` on stdout, `failure` on stderr. */
  conclude(done: EndingPart | null, failure: EndingPart | null): void {
    this.#done = done;
    this.#failure = failure;
  }

  /** Sets the summary of a plan, with which the report at a terminal ends. */
  summarize(closing: NonNullable<EndingPart["closing"]>): void {
    this.#plan = { text: "", closing };
  }

  /** Prints the lines of {@link say} before an error ends a run that has done something, so that the error does not hide it. */
  async printEnding(): Promise<void> {
    const { steps, parts } = this.result();
    const hasDone = steps.some(({ outcome }) => outcome === "changed") || Object.keys(parts).length > 0;
    if (hasDone) await this.reporter.printLines(this.#ending);
  }

  result(): RunResult {
    return {
      outcome: outcomeOf(this.#steps, this.#hasUnknown),
      steps: this.#steps,
      warnings: this.#warnings,
      problem: this.#steps.find(({ outcome }) => outcome === "failed")?.problem,
      parts: this.#parts,
      ending: [this.#done, ...this.#ending, this.#plan].filter((part) => part !== null),
      failure: this.#failure,
    };
  }

  /** Clears the status line of a terminal, and releases all locks. */
  close(): void {
    this.reporter.clear();
    this.#locks.releaseAll();
  }

  #warn(sentence: string, kind: "note" | "warning"): Promise<void> {
    this.#warnings.push(sentence);
    return this.reporter[kind](sentence);
  }
}
