// Reports the progress and the result of a run: lines for a person, or one JSON document.

import type { Watch } from "../engine/converge.ts";
import type { Recipe, Step, StepResult } from "../engine/step.ts";
import type { Stop } from "../problem/wait.ts";
import { jsonOf, problemOf, stepsOf } from "../report/json.ts";
import { type Progress, progressLine } from "../report/progress.ts";
import type { Document } from "../report/schema.ts";
import { styleOf } from "../report/style.ts";
import { problemText, stepText } from "../report/text.ts";
import { debugVariable, traceOf } from "../report/trace.ts";
import { lineOf, oneLine, shellLine, visible } from "../text/lines.ts";
import type { Values } from "./command.ts";
import { type Console, type Context, exitCode } from "./context.ts";

/** Parts of the document other than the steps of its run. */
export interface ExtraParts extends Pick<Document, "trees"> {
  /** The results of an earlier run of the same command. */
  earlier?: readonly StepResult[];
}

/** The notes of a run's requirements. */
export interface Notes {
  warnings: string[];
  /** Why a requirement could not be checked. */
  unknown: string[];
}

export interface Reporter {
  warning(sentence: string): Promise<void>;
  /** Prints the notes that are not `known`. If a requirement could not be checked, a dry run is not a success. */
  notes(notes: Notes, known?: readonly string[]): Promise<void>;
  started(step: Step): void;
  step(result: StepResult): Promise<void>;
  progress: Pick<Watch, "waiting" | "running" | "lasting" | "ending" | "output" | "status">;
  /** Clears the progress line of a terminal. */
  clear(): void;
  /**
   * Prints the end of the report, and returns the exit code. Rejects if the report could not be written. `done`: the
   * recipe that was applied, absent in a dry run.
   */
  end(results: readonly StepResult[], done?: Recipe, also?: ExtraParts): Promise<number>;
}

/** Returns the progress line of a terminal, or null if there is no terminal or a flag selects another output. */
export function lineFor({ quiet, json, verbose }: Values, console: Console, stop: Stop): Progress | null {
  if (quiet || json || verbose || console.columns() === null) return null;
  return progressLine({ err: console.err, columns: () => console.columns() ?? 80 }, Date.now, stop);
}

/** Returns the reporter of a run. `stop`: the interruption that a terminal shows while a run ends cleanly. */
export function reporter(
  flags: Values,
  { console, command, hint, variable }: Context,
  stop: Stop = () => null,
): Reporter {
  const json = flags.json === true;
  const quiet = flags.quiet === true;
  const voice = styleOf({ colour: flags["no-color"] !== true && console.colour("out"), hint });
  const verbose = flags.verbose === true;
  const line = lineFor(flags, console, stop);
  const warnings: string[] = [];
  /** A closed pipe does not stop a run. It is reported at the end. */
  let lost: unknown;
  let hasUnknown = false;

  async function say(text: string): Promise<void> {
    line?.clear();
    if (quiet || json || text === "") return;
    await console.out(text).catch((error: unknown) => {
      lost ??= error;
    });
  }

  async function warning(sentence: string): Promise<void> {
    warnings.push(sentence);
    await say(`${voice.paint("warning", "warning")}: ${oneLine(sentence)}\n`);
  }

  return {
    warning,
    async notes(notes, known = []) {
      hasUnknown = notes.unknown.length > 0;
      for (const each of notes.warnings) if (!known.includes(each)) await warning(each);
      for (const each of notes.unknown) if (!known.includes(each)) await warning(`could not be seen: ${each}`);
    },
    clear: () => line?.clear(),
    started: ({ id }) => line?.begin(id),
    async step(result) {
      await say(stepText(result, voice));
      if (flags.diff === true) await say(result.changes.map((await import("../report/diff.ts")).diffOf).join(""));
      if (result.problem === undefined || json) return;
      const loud = styleOf({ colour: flags["no-color"] !== true && console.colour("err"), hint });
      console.err(problemText(result.problem, result.id, loud));
      if (variable(debugVariable)) console.err(traceOf(result.problem.cause));
    },
    progress: {
      waiting({ title, waitMs = 0 }, { reason }) {
        const wait = lineOf`waiting at most ${waitMs / 60_000} min until ${title}: ${reason}`;
        if (line) line.say(wait);
        else if (!quiet) console.err(wait);
      },
      // On a terminal the progress line shows the state and the duration.
      ...(!(line || quiet) && {
        lasting: (argv, limitMs) => console.err(lineOf`waiting at most ${limitMs / 60_000} min for ${shortLine(argv)}`),
      }),
      ending(argv, reason, script) {
        if (quiet) return;
        const kill = script && shellLine(hint(["sudo", "kill", String(script.pid)]));
        const what = script === null ? "" : `, which runs ${script.path} (${kill} ends that)`;
        line?.erase();
        console.err(lineOf`${reason}: still waiting for ${shortLine(argv)}${what}`);
      },
      ...(verbose && {
        running: (argv) => console.err(lineOf`$ ${shellLine(argv)}`),
        // A program that redraws its line produces a new line here.
        output: (text) => console.err(visible(text.replace(/\r\n?/g, "\n"))),
      }),
      ...(line && { output: line.output, status: line.status }),
    },
    async end(results, done, { earlier = [], ...also } = {}) {
      line?.clear();
      const { outcome, exit } = verdict(
        [...earlier, ...results],
        flags.check === true,
        hasUnknown && done === undefined,
      );
      const failed = results.find((result) => result.outcome === "failed");
      if (json) {
        const steps = stepsOf([...earlier, ...results], flags.diff === true, voice);
        const error = failed?.problem && { error: problemOf(failed.problem, voice) };
        await console.out(jsonOf({ command, outcome, exit, warnings, steps, ...also, ...error }));
      } else if (done && failed && outcome === "failed") console.err(lineOf`${done.failed} ${failed.id}`);
      // The recipe's message does not apply if only some of its steps ran.
      else if (done && !failed && results.length === done.steps.length) await say(lineOf`${done.done}`);
      if (lost !== undefined) throw lost;
      return exit;
    },
  };
}

/** Returns the program and its words, without options and their values. */
function shortLine(argv: readonly string[]): string {
  return shellLine(argv.filter((word, i) => !(word.startsWith("-") || argv[i - 1] === "-o")));
}

function verdict(
  results: readonly StepResult[],
  check: boolean,
  hasUnknown: boolean,
): { outcome: Document["outcome"]; exit: number } {
  const has = (outcome: StepResult["outcome"]): boolean => results.some((result) => result.outcome === outcome);
  const signal = results.find(({ problem }) => problem?.code === "interrupted")?.problem;
  if (signal) return { outcome: "interrupted", exit: signal.returncode };
  if (has("failed")) return { outcome: "failed", exit: exitCode.failed };
  if (has("pending")) return { outcome: "pending", exit: check ? exitCode.pending : exitCode.done };
  // A state that could not be determined is not a success.
  if (has("unknown") || hasUnknown) return { outcome: "unknown", exit: check ? exitCode.failed : exitCode.done };
  return { outcome: has("changed") ? "changed" : "ok", exit: exitCode.done };
}
