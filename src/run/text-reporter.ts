// The report as text: steps and results on stdout, warnings and errors on stderr. Scripts read its lines.

import { stepText } from "../report/text.ts";
import { lineOf, oneLine } from "../text/lines.ts";
import { personOutput } from "./person-output.ts";
import { programWatch } from "./program-watch.ts";
import type { ReporterFor } from "./reporter.ts";
import type { EndingPart } from "./result.ts";

export const textReporter: ReporterFor = (options, environment, stop) => {
  const { console } = environment;
  const { style, line, print, printStep, printed, shared } = personOutput(options, environment, stop);

  return {
    ...shared,
    note: (sentence) => print(`${style.paint("warning", "warning")}: ${oneLine(sentence)}\n`),
    async warning(sentence) {
      line?.clear();
      console.err(lineOf`warning: ${sentence}`);
    },
    waiting,
    started: ({ title, action }, place) => line?.begin(action ?? title, place),
    step: (result) => printStep(stepText(result, style), result),
    watch: programWatch(options, environment, waiting, line),
    printLines,
    async end({ ending, failure }) {
      line?.clear();
      if (failure !== null && failure.text !== "") console.err(failure.text);
      await printLines(ending);
      await printed();
    },
  };

  function printLines(lines: readonly EndingPart[]): Promise<void> {
    return print(lines.map(({ text }) => text).join(""));
  }

  function waiting(sentence: string, limitMs?: number): void {
    if (options.quiet) return;
    // The status line shows a wait with a limit until the next action.
    if (line && limitMs !== undefined) line.say(sentence);
    else console.err(lineOf`${sentence}`);
  }
};
