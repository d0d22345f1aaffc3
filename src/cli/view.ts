// What commands that only read print.

import { type ClosingLine, closingText } from "../report/closing.ts";
import type { Document } from "../report/schema.ts";
import type { Style } from "../report/style.ts";
import { styleFor } from "../run/environment.ts";
import { type Context, exitCode } from "./context.ts";

/** The style and the width of stdout, if it is a terminal. */
export interface View extends Style {
  /** In columns. */
  width: number;
}

/** What a command found, in each of its forms. Only one of them is called. */
interface Found {
  /** The content of the document. */
  document: Omit<Document, "schema" | "command" | "outcome" | "exit">;
  /** "ok" by default. */
  outcome?: Document["outcome"];
  /** 0 by default. */
  exit?: number;
  /** Returns the text for a terminal. */
  view(view: View): string | Promise<string>;
  /** Returns the text for a pipe, which scripts read. */
  text(): string | Promise<string>;
}

/** Prints what a command that only reads found: the document with `json`, or text. Returns the exit code. */
export async function printFound(context: Context, json: unknown, found: Found): Promise<number> {
  const { command, console } = context;
  const { document, outcome = "ok", exit = exitCode.done } = found;
  const width = console.width("out");
  if (json) {
    const { jsonOf } = await import("../report/json.ts");
    await console.out(jsonOf({ command, outcome, exit, ...document }));
  } else if (width === null) {
    await console.out(await found.text());
  } else {
    await console.out(await found.view({ ...styleFor(context, "out"), width }));
  }
  return exit;
}

/** Returns lines for a terminal, each with the command to run next, if there is one. */
export function linesText(view: View, ...lines: readonly ClosingLine[]): string {
  return closingText(lines, view, view.width);
}

/** Returns the words of a command of edox-ops that needs root. No word of it may contain a blank. */
export function rootCommand(words: string): string[] {
  return ["sudo", "edox-ops", ...words.split(" ")];
}
