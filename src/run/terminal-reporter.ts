// The report at a terminal: only what changed or needs attention, and what the host is at the end.

import type { StepResult } from "../engine/step.ts";
import { type ClosingLine, closingText } from "../report/closing.ts";
import { stepLines } from "../report/terminal.ts";
import { problemText } from "../report/text.ts";
import { debugVariable, traceOf } from "../report/trace.ts";
import { personOutput } from "./person-output.ts";
import { programWatch } from "./program-watch.ts";
import type { ReporterFor } from "./reporter.ts";
import type { EndingPart } from "./result.ts";

export const terminalReporter: ReporterFor = (options, environment, stop) => {
  const { console, variable } = environment;
  const { style, errorStyle, line, print, progress, printed } = personOutput(options, environment, stop);
  const width = (stream: "out" | "err"): number => console.width(stream) ?? Number.POSITIVE_INFINITY;
  let since = performance.now();

  return {
    note: (sentence) => print(closingText([{ mark: "warning", text: sentence }], style, width("out"))),
    async warning(sentence) {
      error({ mark: "warning", text: sentence });
    },
    waiting,
    started({ title, action }, place) {
      since = performance.now();
      line?.begin(action ?? title, place);
    },
    async step(result, isBrief = false) {
      await print(stepLines(result, { milliseconds: performance.now() - since, isBrief }, style, width("out")));
      if (options.diff) await print((await import("../report/diff.ts")).diffsOf(result.changes, style));
      failed(result);
    },
    async operation() {
      line?.clear();
    },
    progress,
    watch: programWatch(options, environment, waiting, line),
    clear: () => line?.clear(),
    async end({ ending, failure }) {
      line?.clear();
      for (const part of ending) await print(await shown(part, "out"));
      if (failure !== null) console.err(await shown(failure, "err"));
      await printed();
    },
  };

  /** An interruption is reported at the end, with the command that continues. */
  function failed({ id, problem }: StepResult): void {
    if (problem === undefined || problem.code === "interrupted") return;
    line?.clear();
    console.err(problemText(problem, id, errorStyle, width("err")));
    if (variable(debugVariable)) console.err(traceOf(problem.cause));
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
