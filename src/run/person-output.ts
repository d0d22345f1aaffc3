// What both reporters for a person share: the styles, the status line, failed steps, and a stdout that may be closed.

import type { StepResult } from "../engine/step.ts";
import type { Stop } from "../problem/wait.ts";
import { type Progress, progressLine } from "../report/progress.ts";
import type { Style } from "../report/style.ts";
import { problemText } from "../report/text.ts";
import { debugVariable, traceOf } from "../report/trace.ts";
import { sizeText } from "../text/size.ts";
import { type Environment, styleFor } from "./environment.ts";
import type { RunOptions } from "./options.ts";
import type { Amount, Reporter } from "./reporter.ts";

interface PersonOutput {
  style: Style;
  errorStyle: Style;
  /** The status line, or null if stderr is no terminal. */
  line: Progress | null;
  print(text: string): Promise<void>;
  /** Prints a step that ended: its text, with --diff its changes, and its problem. `width`: that of stderr. */
  printStep(text: string, result: StepResult, width?: number): Promise<void>;
  /** Rejects if a part of the report could not be written. */
  printed(): Promise<void>;
  /** The parts of the reporter that do not depend on the form of the report. */
  shared: Pick<Reporter, "operation" | "progress" | "clear">;
}

export function personOutput(options: RunOptions, environment: Environment, stop: Stop): PersonOutput {
  const { quiet, verbose, diff, colour } = options;
  const { console, variable } = environment;
  const [style, errorStyle] = [styleFor(environment, "out", colour), styleFor(environment, "err", colour)];
  const { err, unicode } = console;
  const hasLine = !quiet && !verbose && console.width("err") !== null;
  const line = hasLine
    ? progressLine({ err, unicode, columns: () => console.width("err") ?? 80 }, Date.now, stop)
    : null;
  /** A closed pipe does not stop a run. It is reported at the end. */
  let lost: unknown;

  async function print(text: string): Promise<void> {
    line?.clear();
    if (quiet || text === "") return;
    await console.out(text).catch((error: unknown) => {
      lost ??= error;
    });
  }

  return {
    ...{ style, errorStyle, line, print },
    async printStep(text, { id, changes, problem }, width) {
      await print(text);
      if (diff) await print((await import("../report/diff.ts")).diffsOf(changes, style));
      if (problem === undefined) return;
      console.err(problemText(problem, id, errorStyle, width));
      if (variable(debugVariable)) console.err(traceOf(problem.cause));
    },
    async printed() {
      if (lost !== undefined) throw lost;
    },
    shared: {
      async operation() {
        line?.clear();
      },
      progress: (amount) => line?.say(...amountOf(amount)),
      clear: () => line?.clear(),
    },
  };
}

/** Returns the text and the share of the whole. A deploy reads all files, and then stages them. */
function amountOf({
  phase,
  files = 0,
  total = 0,
  bytes,
  total_bytes = 0,
}: Amount): [text: string, share: number | null] {
  if (phase !== "downloaded") {
    const part = total === 0 ? 0 : files / total / 2;
    return [`${files} of ${total} files ${phase}, ${sizeText(bytes)}`, phase === "staged" ? 0.5 + part : part];
  }
  if (total_bytes === 0) return [sizeText(bytes), null];
  return [`${sizeText(bytes)} of ${sizeText(total_bytes)}`, bytes / total_bytes];
}
