// Tables for a terminal.

import { oneLine } from "../text/lines.ts";

/** The columns between two cells. */
const gap = "  ";

/**
 * Returns a table with a header. Cells are reduced to one line, and columns are as wide as their widest cell. If the
 * terminal is narrower than the table, each row is a block of `HEADER: cell` lines, so that nothing is cut.
 */
export function table(headers: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const cells = rows.map((row) => row.map(oneLine));
  const widths = headers.map((header, i) => {
    return Math.max(...[header, ...cells.map((row) => row[i] ?? "")].map((cell) => Bun.stringWidth(cell)));
  });
  const total = widths.reduce((sum, each) => sum + each, 0) + gap.length * (headers.length - 1);
  if (total > width) return blocks(headers, cells);
  return [headers, ...cells].map((row) => `${padded(row, widths).trimEnd()}\n`).join("");
}

function padded(row: readonly string[], widths: readonly number[]): string {
  return row.map((cell, i) => cell + " ".repeat(Math.max(0, (widths[i] ?? 0) - Bun.stringWidth(cell)))).join(gap);
}

function blocks(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widest = Math.max(...headers.map((header) => header.length));
  return rows
    .map((row) => headers.map((header, i) => `${header.padEnd(widest)}${gap}${row[i] ?? ""}`.trimEnd()).join("\n"))
    .map((block) => `${block}\n`)
    .join("\n");
}
