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
  const indent = Bun.stringWidth(lead);
  const colour = colours[mark as keyof typeof colours];
  const shown = `${colour === undefined ? lead : paint(colour, lead)}${wrap(oneLine(text), width, indent)}`;
  if (next === undefined) return shown;
  const command = `${next.label ?? glyph("next")} ${shellLine(hint(next.argv))}`;
  const lastLine = shown.slice(shown.lastIndexOf("\n") + 1);
  const fits = text === "" || Bun.stringWidth(`${lastLine} ${command}`) <= width;
  return `${shown}${fits ? (text === "" ? "" : " ") : `\n${" ".repeat(indent)}`}${command}`;
}
