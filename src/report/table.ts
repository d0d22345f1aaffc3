// Tables and lists of values for a terminal.

import { oneLine } from "../text/lines.ts";
import { wrap } from "./wrap.ts";

/** The columns between two cells. */
const gap = "  ";

/** A cell, or one that is coloured: `paint` must not change its width. */
export type Cell = string | { text: string; paint(text: string): string };

/**
 * Returns a table with a header. Cells are reduced to one line, and columns are as wide as their widest cell. If the
 * terminal is narrower than the table, each row is a block of `HEADER  cell` lines, so that nothing is cut.
 */
export function table(headers: readonly string[], rows: readonly (readonly Cell[])[], width: number): string {
  const widths = headers.map((header, i) => {
    return Math.max(...[header, ...rows.map((row) => textOf(row[i]))].map((cell) => Bun.stringWidth(cell)));
  });
  const total = widths.reduce((sum, each) => sum + each, 0) + gap.length * (headers.length - 1);
  if (total > width) {
    return rows.map((row) => details(headers, row, width)).join("\n");
  }
  return [headers, ...rows].map((row) => `${padded(row, widths)}\n`).join("");
}

/** Returns a line for each value that is not empty, with its label. A value that is too wide is wrapped. */
export function details(labels: readonly string[], values: readonly Cell[], width: number): string {
  const widest = Math.max(...labels.map((label) => Bun.stringWidth(label)));
  const lines = labels.map((label, i) => {
    const text = wrap(textOf(values[i]), width, widest + gap.length);
    return text === ""
      ? ""
      : `${label}${" ".repeat(widest - Bun.stringWidth(label))}${gap}${painted(values[i], text)}\n`;
  });
  return lines.join("");
}

function textOf(cell: Cell = ""): string {
  return oneLine(typeof cell === "string" ? cell : cell.text);
}

function painted(cell: Cell = "", text = textOf(cell)): string {
  return typeof cell === "string" ? text : cell.paint(text);
}

/** Returns the cells with spaces after each one except the last. */
function padded(row: readonly Cell[], widths: readonly number[]): string {
  const texts = row.map(textOf);
  const last = texts.findLastIndex((text) => text !== "");
  const cells = row.slice(0, last + 1).map((cell, i) => {
    return (
      painted(cell) + (i === last ? "" : " ".repeat(Math.max(0, (widths[i] ?? 0) - Bun.stringWidth(texts[i] ?? ""))))
    );
  });
  return cells.join(gap);
}
