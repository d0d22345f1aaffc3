// Reports a problem that ended a command, as text or JSON.

import type { Problem } from "../problem/problem.ts";
import { debugVariable, traceOf } from "../report/trace.ts";
import { Declined } from "../run/confirmation.ts";
import { styleFor } from "../run/environment.ts";
import type { RunResult } from "../run/result.ts";
import type { Context } from "./context.ts";
import { refusalOf } from "./exit.ts";

interface Refusal {
  /** The result of the run until then. */
  result: RunResult | undefined;
  json: "lines" | "document" | null;
  /** Whether stderr gets the text as well, if stdout gets JSON. */
  both?: true;
}

/** Reports the problem and returns the exit code. */
export async function refuse(problem: Problem, context: Context, { result, json, both }: Refusal): Promise<number> {
  const { command, typed, console, variable } = context;
  const { outcome, exit } = refusalOf(problem, result?.steps);
  const style = styleFor(context, "err", !typed.includes("--no-color"));
  const { problemText } = await import("../report/text.ts");
  const width = console.width("err");
  const stopped = width === null || problem.code !== "interrupted" ? null : await import("../report/closing.ts");
  const words = (): void => {
    const again = problem.hint && { next: { label: "Continue with:", argv: problem.hint } };
    // The message says what was rolled back, and what is kept.
    const line = { mark: "warning", text: `Stopped: ${problem.message}.`, ...again } as const;
    console.err(
      stopped?.closingText([line], style, width ?? 80) ?? problemText(problem, null, style, width ?? undefined),
    );
  };
  if (json) {
    const { documentText, problemOf, stepsOf } = await import("../report/json.ts");
    const document = {
      ...{ command, outcome, exit },
      ...(result && {
        warnings: [...result.warnings],
        steps: stepsOf(result.steps, typed.includes("--diff"), style),
        // What was done before the error, such as the projects that a restore has restored.
        ...result.parts,
      }),
      error: problemOf(problem, style),
    };
    if (both) words();
    // If stdout cannot be written, stderr may still be.
    await console.out(documentText(document, json)).catch(() => both || words());
  } else if (problem instanceof Declined) await console.out("Nothing was changed.\n");
  else words();
  if (variable(debugVariable)) console.err(traceOf(problem.cause));
  return exit;
}
