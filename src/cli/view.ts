// What commands that only read print at a terminal. A pipe gets the lines that scripts read.

import { type Style, styleOf } from "../report/style.ts";
import { wrap } from "../report/wrap.ts";
import { oneLine, shellLine } from "../text/lines.ts";
import type { Context } from "./context.ts";

export interface View extends Style {
  /** In columns. */
  width: number;
}

/** Returns the view of stdout, or null if stdout is not a terminal. */
export function viewOf({ console, hint }: Context): View | null {
  const width = console.width("out");
  if (width === null) return null;
  return { width, ...styleOf({ colour: console.colour("out"), unicode: console.unicode(), hint }) };
}

/** Returns the sentence, and below it the next command. The command is never broken, so that it can be copied. */
export function nextText({ width, glyph, hint }: View, sentence: string, next: readonly string[]): string {
  return `${wrap(oneLine(sentence), width, 2).replace(/^ +/, "")}\n${glyph("next")} ${shellLine(hint(next))}\n`;
}

/** Returns the words of a command of edox-ops that needs root. No word of it may contain a blank. */
export function rootCommand(words: string): string[] {
  return ["sudo", "edox-ops", ...words.split(" ")];
}
