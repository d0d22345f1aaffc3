// The report for a person: steps and results on stdout, warnings and errors on stderr.

import { progressLine } from "../report/progress.ts";
import { styleOf } from "../report/style.ts";
import { problemText, stepText } from "../report/text.ts";
import { debugVariable, traceOf } from "../report/trace.ts";
import { lineOf, oneLine } from "../text/lines.ts";
import { programWatch } from "./program-watch.ts";
import type { Amount, ReporterFor } from "./reporter.ts";

export const textReporter: ReporterFor = (options, environment, stop) => {
  const { console, hint, variable } = environment;
  const { quiet } = options;
  const style = styleOf({ colour: options.colour && console.colour("out"), hint });
  const errorStyle = styleOf({ colour: options.colour && console.colour("err"), hint });
  const hasLine = !quiet && !options.verbose && console.width("err") !== null;
  const line = hasLine
    ? progressLine({ err: console.err, columns: () => console.width("err") ?? 80 }, Date.now, stop)
    : null;
  /** A closed pipe does not stop a run. It is reported at the end. */
  let lost: unknown;

  return {
    note: (sentence) => print(`${style.paint("warning", "warning")}: ${oneLine(sentence)}\n`),
    async warning(sentence) {
      line?.clear();
      console.err(lineOf`warning: ${sentence}`);
    },
    waiting,
    started: ({ id }) => line?.begin(oneLine(id)),
    async step(result) {
      await print(stepText(result, style));
      if (options.diff) await print(result.changes.map((await import("../report/diff.ts")).diffOf).join(""));
      if (result.problem === undefined) return;
      console.err(problemText(result.problem, result.id, errorStyle));
      if (variable(debugVariable)) console.err(traceOf(result.problem.cause));
    },
    async operation() {
      line?.clear();
    },
    progress: (amount) => line?.say(amountText(amount)),
    watch: programWatch(options, environment, waiting, line),
    clear: () => line?.clear(),
    async end({ ending, failure }) {
      line?.clear();
      if (failure !== null) console.err(failure);
      await print(ending.join(""));
      if (lost !== undefined) throw lost;
    },
  };

  function waiting(sentence: string, limitMs?: number): void {
    if (quiet) return;
    // The status line shows a wait with a limit until the next action.
    if (line && limitMs !== undefined) line.say(sentence);
    else console.err(lineOf`${sentence}`);
  }

  async function print(text: string): Promise<void> {
    line?.clear();
    if (quiet || text === "") return;
    await console.out(text).catch((error: unknown) => {
      lost ??= error;
    });
  }
};

function amountText({ phase, files = 0, total = 0, bytes, total_bytes = 0 }: Amount): string {
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  if (phase !== "downloaded") {
    return `${Math.floor((100 * files) / total)} %  ${files} of ${total} files ${phase}, ${megabytes(bytes)} MB`;
  }
  if (total_bytes === 0) return `${megabytes(bytes)} MB`;
  return `${Math.floor((100 * bytes) / total_bytes)} %  ${megabytes(bytes)} of ${megabytes(total_bytes)} MB`;
}
