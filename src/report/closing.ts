// The last lines of a command at a terminal: what holds now, what is missing, and the command to run next.

import { oneLine, shellLine } from "../text/lines.ts";
import type { Style } from "./style.ts";
import { wrap } from "./wrap.ts";

export interface ClosingLine {
  mark?: Parameters<Style["glyph"]>[0];
  text: string;
  /** The command that the line ends with. */
  next?: NextCommand;
}

interface NextCommand {
  /** The words before the command; an arrow by default. */
  label?: string;
  argv: readonly string[];
}

const indent = 2;
/** The spaces at which a line may break: not between a number and its unit. */
const breaks = /(?<!\d) | (?![a-z%])/i;

const colours = { done: "ok", failed: "failed", warning: "warning", unknown: "unknown" } as const;

/**
 * Returns the lines for a terminal of `width` columns. Texts are wrapped, and a command stays on one line, so that it
 * can be copied.
 */
export function closingText(lines: readonly ClosingLine[], style: Style, width: number): string {
  return lines.map((line) => `${closingLine(line, style, width)}\n`).join("");
}

/** Returns the command that follows, as it has to be typed on this host. It is never wrapped, so that it can be copied. */
export function nextText({ label, argv }: NextCommand, { glyph, hint }: Style): string {
  return `${label ?? glyph("next")} ${shellLine(hint(argv))}`;
}

function closingLine({ mark, text, next }: ClosingLine, style: Style, width: number): string {
  const { glyph, paint } = style;
  const lead = mark === undefined ? "" : `${glyph(mark)} `;
  const colour = colours[mark as keyof typeof colours];
  const lines = wrap(oneLine(text).split(breaks), width, indent);
  const shown = `${colour === undefined ? lead : paint(colour, lead)}${lines}`;
  if (next === undefined) return shown;
  const command = nextText(next, style);
  const lastLine = shown.slice(shown.lastIndexOf("\n") + 1);
  const fits = text === "" || Bun.stringWidth(`${lastLine} ${command}`) <= width;
  const gap = text === "" ? "" : fits ? " " : `\n${" ".repeat(lead === "" ? 0 : indent)}`;
  return `${shown}${gap}${command}`;
}
