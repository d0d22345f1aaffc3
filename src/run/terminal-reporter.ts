// The report at a terminal: only what changed or needs attention, and what the host is at the end.

import { type ClosingLine, closingText } from "../report/closing.ts";
import { stepAtTerminal } from "../report/steps-at-terminal.ts";
import { personOutput } from "./person-output.ts";
import { programWatch } from "./program-watch.ts";
import type { ReporterFor } from "./reporter.ts";
import type { EndingPart } from "./result.ts";

export const terminalReporter: ReporterFor = (options, environment, stop) => {
  const { console } = environment;
  const { style, errorStyle, line, print, printStep, printed, shared } = personOutput(options, environment, stop);
  const width = (stream: "out" | "err"): number => console.width(stream) ?? Number.POSITIVE_INFINITY;
  let since = performance.now();

  return {
    ...shared,
    note: (sentence) => print(closingText([{ mark: "warning", text: sentence }], style, width("out"))),
    async warning(sentence) {
      error({ mark: "warning", text: sentence });
    },
    waiting,
    started({ title, action }, place) {
      since = performance.now();
      line?.begin(action ?? title, place);
    },
    step({ problem, ...result }, isBrief = false) {
      const text = stepAtTerminal(result, { milliseconds: performance.now() - since, isBrief }, style, width("out"));
      // An interruption is reported at the end, with the command that continues.
      const isReported = problem !== undefined && problem.code !== "interrupted";
      return printStep(text, isReported ? { ...result, problem } : result, width("err"));
    },
    watch: programWatch(options, environment, waiting, line),
    printLines,
    async end({ ending, failure }) {
      line?.clear();
      await printLines(ending);
      if (failure !== null) console.err(await shown(failure, "err"));
      await printed();
    },
  };

  async function printLines(lines: readonly EndingPart[]): Promise<void> {
    for (const part of lines) await print(await shown(part, "out"));
  }

  function waiting(sentence: string, limitMs?: number): void {
    error({ text: sentence });
    if (limitMs !== undefined) line?.say("waiting");
  }

  function error(remark: ClosingLine): void {
    line?.erase();
    console.err(closingText([remark], errorStyle, width("err")));
  }

  async function shown({ text, closing }: EndingPart, stream: "out" | "err"): Promise<string> {
    return closing ? closingText(await closing(), stream === "out" ? style : errorStyle, width(stream)) : text;
  }
};
