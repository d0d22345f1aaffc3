// Reports a run while it works and at its end: lines for a person, one JSON document, or a JSON event per line.

import type { Watch } from "../engine/converge.ts";
import type { Step, StepResult } from "../engine/step.ts";
import type { Stop } from "../problem/wait.ts";
import type { RunEvent } from "../report/schema.ts";
import type { Place } from "../report/status-line.ts";
import type { Environment } from "./environment.ts";
import type { RunOptions } from "./options.ts";
import type { EndingPart, RunResult } from "./result.ts";

/** How far an operation has come. */
export type Amount = Omit<Extract<RunEvent, { event: "progress" }>, "event">;

export interface Reporter {
  /** Reports what a requirement noticed. */
  note(sentence: string): Promise<void>;
  /** Reports a warning that is printed with --quiet too. */
  warning(sentence: string): Promise<void>;
  /** Reports what the run waits for, once. `limitMs`: the longest wait in milliseconds. */
  waiting(sentence: string, limitMs?: number): void;
  /** Reports an action that began. `place`: its position among the steps of a recipe. */
  started(step: Pick<Step, "id" | "title" | "action">, place?: Place): void;
  /** Reports a step of a recipe that ended. `isBrief`: the end of the report describes it. */
  step(result: StepResult, isBrief?: boolean): Promise<void>;
  /** Reports an operation that ended. For a person the ending of the report describes it. */
  operation(result: StepResult): Promise<void>;
  progress(amount: Amount): void;
  /** Reports the programs of a step. */
  watch: Pick<Watch, "waiting" | "running" | "ran" | "lasting" | "ending" | "output" | "status">;
  /** Clears the status line of a terminal. */
  clear(): void;
  /** Prints lines for a person: the end of a report, or what was done before an error that ends the run. */
  printLines(lines: readonly EndingPart[]): Promise<void>;
  /** Prints the end of the report. Rejects if a part of the report could not be written. */
  end(result: RunResult, exit: number): Promise<void>;
}

/** `stop`: the interruption that a terminal shows while a run ends cleanly. */
export type ReporterFor = (options: RunOptions, environment: Environment, stop: Stop) => Reporter;

/** Loads the one reporter that the options and the terminal select. */
export async function reporterFor(
  { json, quiet, verbose }: RunOptions,
  { console, reporter }: Pick<Environment, "console" | "reporter">,
): Promise<ReporterFor> {
  if (reporter) return reporter;
  if (json) return (await import("./json-reporter.ts")).jsonReporter;
  const isTerminal = !quiet && !verbose && console.width("out") !== null;
  if (isTerminal) return (await import("./terminal-reporter.ts")).terminalReporter;
  return (await import("./text-reporter.ts")).textReporter;
}
