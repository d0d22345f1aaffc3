// The report for a program: one JSON document, or a JSON event per line that ends with this document.

import { documentText, eventOf, problemOf, stepOf, stepsOf } from "../report/json.ts";
import type { RunEvent } from "../report/schema.ts";
import { styleOf } from "../report/style.ts";
import { lineOf, oneLine } from "../text/lines.ts";
import { programWatch } from "./program-watch.ts";
import type { ReporterFor } from "./reporter.ts";

/** The shortest time in milliseconds between two progress events of one phase. */
const progressMs = 500;

export const jsonReporter: ReporterFor = (options, environment) => {
  const { command, console, hint } = environment;
  const isStream = options.json === "lines";
  const style = styleOf({ colour: false, hint });
  /** A closed pipe does not stop a run. It is reported at the end, and nothing more is written to it. */
  let lost: unknown;
  let last = { phase: "", at: 0 };

  return {
    note: warning,
    warning,
    waiting,
    started: ({ id, title }) => void emit({ event: "started", step: { id, title: oneLine(title) } }),
    step: finished,
    operation: finished,
    progress(amount) {
      if (amount.phase === last.phase && Date.now() - last.at < progressMs) return;
      last = { phase: amount.phase, at: Date.now() };
      emit({ event: "progress", ...amount });
    },
    watch: programWatch(options, environment, waiting, null),
    clear: () => {},
    // The document has it.
    printLines: async () => {},
    async end({ outcome, steps, warnings, problem, parts }, exit) {
      const document = {
        ...{ command, outcome, exit, warnings: [...warnings] },
        steps: stepsOf(steps, options.diff, style),
        ...parts,
        ...(problem && { error: problemOf(problem, style) }),
      };
      if (lost !== undefined) throw lost;
      await console.out(documentText(document, isStream ? "lines" : "document"));
    },
  };

  async function emit(event: RunEvent): Promise<void> {
    if (!isStream || lost !== undefined) return;
    await console.out(eventOf(event)).catch((error: unknown) => {
      lost ??= error;
    });
  }

  function finished(result: Parameters<typeof stepOf>[0]): Promise<void> {
    return emit({ event: "finished", step: stepOf(result, options.diff, style) });
  }

  function warning(sentence: string): Promise<void> {
    return emit({ event: "warning", message: oneLine(sentence) });
  }

  function waiting(sentence: string, limitMs?: number): void {
    if (isStream)
      emit({ event: "waiting", message: oneLine(sentence), ...(limitMs !== undefined && { limit_ms: limitMs }) });
    else if (!options.quiet) console.err(lineOf`${sentence}`);
  }
};
