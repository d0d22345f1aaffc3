// The last lines of a command at a terminal: what holds now, what is missing, and the command to run next.

import { oneLine, shellLine } from "../text/lines.ts";
import type { Style } from "./style.ts";
import { wrap } from "./wrap.ts";

export interface ClosingLine {
  mark?: Parameters<Style["glyph"]>[0];
  text: string;
  /** The command that the line ends with, and the words before it: an arrow by default. */
  next?: { label?: string; argv: readonly string[] };
}

const indent = 2;
/** Stands for a space at which no line breaks: between a number and its unit. */
const noBreak = "\u00A0";

const colours = { done: "ok", failed: "failed", warning: "warning", unknown: "unknown" } as const;

/**
 * Returns the lines for a terminal of `width` columns. Texts are wrapped, and a command stays on one line, so that it
 * can be copied.
 */
export function closingText(lines: readonly ClosingLine[], style: Style, width: number): string {
  return lines.map((line) => `${closingLine(line, style, width)}\n`).join("");
}

function closingLine({ mark, text, next }: ClosingLine, { glyph, paint, hint }: Style, width: number): string {
  const lead = mark === undefined ? "" : `${glyph(mark)} `;
  const colour = colours[mark as keyof typeof colours];
  const whole = oneLine(text).replace(/(\d) (?=[a-z%])/gi, `$1${noBreak}`);
  const lines = wrap(whole, width, indent).replaceAll(noBreak, " ").replace(/ +$/gm, "");
  const shown = `${colour === undefined ? lead : paint(colour, lead)}${lines}`;
  if (next === undefined) return shown;
  const command = `${next.label ?? glyph("next")} ${shellLine(hint(next.argv))}`;
  const lastLine = shown.slice(shown.lastIndexOf("\n") + 1);
  const fits = text === "" || Bun.stringWidth(`${lastLine} ${command}`) <= width;
  const gap = text === "" ? "" : fits ? " " : `\n${" ".repeat(lead === "" ? 0 : indent)}`;
  return `${shown}${gap}${command}`;
}
