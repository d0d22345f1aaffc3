// Formats internal errors. Users see one line of them, and maintainers need the stack.

import { linesOf } from "../text/lines.ts";

/** The environment variable that enables the stack trace of an internal error. */
export const debugVariable = "EDOX_DEBUG";

export const traceHint = `hint: set ${debugVariable}=1 to see where in the source this happened`;

/** Returns the indented stack of an error, or "" if it has none. */
export function traceOf(error: unknown): string {
  const lines = error instanceof Error ? linesOf(error.stack ?? "") : [];
  return lines.map((line) => `  ${line}\n`).join("");
}
