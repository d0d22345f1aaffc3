// Formats measurements as a Markdown table.

import type { Measured } from "./inside.ts";

/** A target value. It is only shown, and missing it is not a failure. */
export interface Goal {
  text: string;
  met: boolean;
}

/** One row of the table, with its cells as text. */
export type Row = readonly string[];

/** Returns the median, or NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle) - 1] ?? Number.NaN)) / 2;
}

/** Returns the ratio of two medians. */
export function ratio(one: Measured | undefined, other: Measured | undefined): number {
  return median(one?.times ?? []) / median(other?.times ?? []);
}

/** Returns a goal that is met up to the limit. */
export function atMost(text: string, found: number, limit: number): Goal {
  return { text: `at most ${limit} ${text}`, met: found <= limit };
}

/** Returns a goal that is met from the limit on. */
export function atLeast(text: string, found: number, limit: number): Goal {
  return { text: `at least ${limit} ${text}`, met: found >= limit };
}

/** Returns the first row of a table. `to`: the titles of the ratio columns. */
export function head(to: readonly string[]): Row {
  return ["", "runs", "median ms", "min to max", ...to, "children", "peak MB", "goal"];
}

/** Returns a row. `to`: the measurements that the median is compared with. */
export function row(measured: Measured, to: readonly (Measured | undefined)[], goals: readonly Goal[] = []): Row {
  const { name, times, children, peak } = measured;
  const watched = children >= 0;
  return [
    name,
    String(times.length),
    short(median(times)),
    `${short(Math.min(...times))} to ${short(Math.max(...times))}`,
    ...to.map((other) => (other === undefined ? "" : ratio(measured, other).toFixed(2))),
    watched ? String(children) : "",
    watched ? peak.toFixed(0) : "",
    goals.map(({ text, met }) => `${text}: ${met ? "met" : "missed"}`).join("; "),
  ];
}

function short(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0);
}

/** Returns a Markdown table. The first and the last column are left-aligned, all others right-aligned. */
export function table(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((each) => each[column]?.length ?? 0)));
  const isLeft = (column: number): boolean => column === 0 || column === widths.length - 1;
  const pad = (text: string, column: number): string =>
    isLeft(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  const rule = widths.map((width, column) => (isLeft(column) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const [first = [], ...rest] = rows.map((each) => each.map(pad));
  return [first, rule, ...rest].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
