// Replays a recording at a terminal without a window, and returns what its screen shows over time.

import { type IBufferCell, type IBufferLine, Terminal } from "@xterm/headless";
import type { Cast } from "./cast.ts";

/** Text of one style at a column. */
export interface Run {
  column: number;
  text: string;
  /** The names of the style: "bold", "dim", and the number of the colour in the terminal's palette as "c2". */
  style: string;
}

/** The screen from this time until the next one. */
export interface Screen {
  seconds: number;
  rows: Run[][];
  cursor: { row: number; column: number };
}

export interface Replay {
  screens: Screen[];
  /** All lines that were printed, as they are at the end. Those that were erased are missing. */
  transcript: string[];
}

/** Changes within this time are one screen: a display has shown no more of them. */
const stepSeconds = 0.08;
/** A longer silence is shortened. */
const longestSilence = 1;
/** How many times faster a status line is replayed, which is drawn again for as long as a command waits. */
const statusSpeed = 4;

export async function replay({ columns, rows, output }: Cast): Promise<Replay> {
  const terminal = new Terminal({ cols: columns, rows, scrollback: 10_000, allowProposedApi: true });
  const screens: Screen[] = [];
  let shown = 0;
  let before = 0;
  for (const [seconds, text] of output) {
    const silence = Math.min(seconds - before, longestSilence);
    shown += text.startsWith("\r\u001B") ? silence / statusSpeed : silence;
    before = seconds;
    await new Promise<void>((written) => terminal.write(text, written));
    const screen = screenOf(terminal);
    const last = screens.at(-1);
    if (last !== undefined && Bun.deepEquals(screen, { rows: last.rows, cursor: last.cursor })) continue;
    if (last !== undefined && shown - last.seconds < stepSeconds) Object.assign(last, screen);
    else screens.push({ seconds: shown, ...screen });
  }
  const { active } = terminal.buffer;
  const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at));
  const transcript = unwrapped(lines.flatMap((line) => line ?? []));
  terminal.dispose();
  return { screens, transcript };
}

function screenOf(terminal: Terminal): Omit<Screen, "seconds"> {
  const { active } = terminal.buffer;
  const rows = Array.from({ length: terminal.rows }, (_, row) => {
    const line = active.getLine(active.viewportY + row);
    return line === undefined ? [] : runsOf(line);
  });
  // After the last column the cursor is not on the next line yet.
  return { rows, cursor: { row: active.cursorY, column: Math.min(active.cursorX, terminal.cols - 1) } };
}

/** Splits a line where the style changes, and at each gap of two spaces, so that no run has more than one in a row. */
function runsOf(line: IBufferLine): Run[] {
  const runs: Run[] = [];
  for (let column = 0; column < line.length; column += 1) {
    const cell = line.getCell(column);
    const letters = cell?.getChars() ?? "";
    if (cell === undefined || letters.trim() === "") continue;
    const style = styleOf(cell);
    const last = runs.at(-1);
    const gap = last === undefined ? Number.NaN : column - last.column - Bun.stringWidth(last.text);
    if (last?.style === style && gap <= 1) last.text += " ".repeat(gap) + letters;
    else runs.push({ column, text: letters, style });
  }
  return runs;
}

function styleOf(cell: IBufferCell): string {
  const colour = cell.isFgPalette() ? `c${cell.getFgColor()}` : "";
  return [cell.isBold() ? "bold" : "", cell.isDim() ? "dim" : "", colour].filter(Boolean).join(" ");
}

/** Joins the lines that the terminal wrapped, and drops the empty ones at the end. */
function unwrapped(lines: readonly IBufferLine[]): string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const text = line.translateToString(true);
    if (line.isWrapped) texts.push((texts.pop() ?? "") + text);
    else texts.push(text);
  }
  return texts.slice(0, texts.findLastIndex((text) => text.trim() !== "") + 1);
}
