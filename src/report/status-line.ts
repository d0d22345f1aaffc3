// The text of the status line, fitted into the width of the terminal.

import { oneLine } from "../text/lines.ts";

/** The position of a step among those of the run. */
export interface Place {
  step: number;
  of: number;
}

interface Status {
  label: string;
  place?: Place | undefined;
  /** How much is done, from 0 to 1; null if it is unknown. */
  share: number | null;
  /** What happens now. */
  what: string;
  seconds: number;
}

/** A narrower terminal shows no bar. */
const narrowest = 50;
const barWidths = { least: 7, most: 20 };
/** Fewer columns than this say nothing about what happens now. */
const leastText = 8;

/** Returns one line that is at most `width` columns wide. The elapsed time and the percentage are never cut. */
export function statusText(status: Status, width: number, unicode: boolean): string {
  const { place, share, seconds } = status;
  const [label, what] = status.label === "" ? [status.what, ""] : [status.label, status.what];
  const start = place === undefined ? "" : `[${place.step}/${place.of}] `;
  const percent = share === null ? "" : ` ${Math.floor(share * 100)} %`;
  const [separator, end] = separated(unicode, `${seconds} s`);
  let room = width - widthOf(start) - widthOf(percent) - widthOf(end);
  // A long title leaves room for what happens now, if there is any.
  const most = what !== "" && width >= narrowest ? Math.floor(room / 2) : room;
  const shown = fit(oneLine(label), most, unicode);
  room -= widthOf(shown);
  const size = Math.min(Math.max(Math.floor(width / 8), barWidths.least), barWidths.most);
  const bar = share === null || width < narrowest || room <= size ? "" : ` ${barText(share, size, unicode)}`;
  room -= widthOf(bar) + separator.length;
  const text = what !== "" && room >= leastText ? `${separator}${fit(oneLine(what), room, unicode)}` : "";
  return fit(`${start}${shown}${bar}${percent}${text}${end}`.trimStart(), width, unicode);
}

function separated(unicode: boolean, text: string): [separator: string, text: string] {
  const separator = unicode ? " · " : " - ";
  return [separator, `${separator}${text}`];
}

/** Returns a bar such as ━━━━╺── or ====>--. */
function barText(share: number, size: number, unicode: boolean): string {
  const done = Math.floor(share * size);
  const [full, edge, rest] = unicode ? ["━", "╺", "─"] : ["=", ">", "-"];
  if (done >= size) return full.repeat(size);
  return `${full.repeat(done)}${edge}${rest.repeat(size - done - 1)}`;
}

/** Returns the beginning of the text that fits, with an ellipsis if the rest is left out. */
function fit(text: string, width: number, unicode: boolean): string {
  if (widthOf(text) <= width) return text;
  const end = (unicode ? "…" : "...").slice(0, Math.max(width, 0));
  let shown = "";
  for (const letter of text) {
    if (widthOf(shown + letter) > width - widthOf(end)) break;
    shown += letter;
  }
  return `${shown.trimEnd()}${end}`;
}

function widthOf(text: string): number {
  return Bun.stringWidth(text);
}
