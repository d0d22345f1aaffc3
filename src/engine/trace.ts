// Errors of this program itself. A person reads one line of them; its maintainers ask for the rest.

import { linesOf } from "./lines.ts";

/** The variable of the environment that has the stack of an internal error printed. */
export const debugVariable = "EDOX_DEBUG";

export const traceHint = `hint: set ${debugVariable}=1 to see where in the source this happened`;

/** Returns the stack of an error, indented; "" for what has none. */
export function traceOf(error: unknown): string {
  const lines = error instanceof Error ? linesOf(error.stack ?? "") : [];
  return lines.map((line) => `  ${line}\n`).join("");
}
