// Draws a chart of horizontal bars.

import type { Chart } from "./charts.ts";
import { type Layouts, widths } from "./picture.ts";
import { escaped, rounded, svgOf } from "./svg.ts";
import { balanced, lineHeight, widthOf } from "./text.ts";

const margin = { wide: 22, narrow: 14 };
const bar = { height: 14, gap: 4 };
const rowGap = 12;
/** Between a label and the bars below it. */
const labelGap = 3;
const shortestBar = 2;

interface Bar {
  value: number;
  text: string;
  kind: string;
}

/** `rows`: cells of text, the first of which is the label. */
export function bars(chart: Chart, rows: readonly (readonly string[])[], layout: keyof Layouts): string {
  const width = widths[layout];
  const side = margin[layout];
  const isNarrow = layout === "narrow";
  const values = rows.map((cells) => chart.series.map((series, at) => barOf(cells, series.column, at)));
  const valueWidth = Math.max(...values.flat().map(({ text }) => widthOf(text, "text"))) + 8;
  const labels = rows.map(([label = ""]) => label);
  const longest = Math.max(...labels.map((label) => widthOf(label, "text")));
  const labelWidth = isNarrow ? width - 2 * side : Math.min(longest, 260) + 1;
  const left = isNarrow ? side : side + labelWidth + 12;
  const scale =
    (width - side - valueWidth - left) /
    Math.max(chart.baseline?.value ?? 0, ...values.flat().map(({ value }) => value));

  const body: string[] = [];
  let y = side + 4;
  const line = (text: string, kind: string, height: number, x = side): void => {
    body.push(`<text class="${kind}" x="${rounded(x)}" y="${rounded(y + height / 2 + 4.5)}">${escaped(text)}</text>`);
    y += height;
  };
  for (const text of balanced(chart.title, "title", width - 2 * side)) line(text, "title", lineHeight.title);
  for (const text of balanced(chart.measure, "text", width - 2 * side)) line(text, "text", lineHeight.text);
  legend();
  y += chart.baseline === undefined ? rowGap : rowGap + lineHeight.text;
  const top = y;
  for (const [at, label] of labels.entries()) row(balanced(label, "text", labelWidth), values[at] ?? []);
  const bottom = y - rowGap;
  if (chart.baseline !== undefined) {
    const x = left + chart.baseline.value * scale;
    const text = widthOf(chart.baseline.label, "text") / 2;
    const middle = Math.min(Math.max(x, side + text), width - side - text);
    body.push(
      `<text class="text middle" x="${rounded(middle)}" y="${rounded(top - 9)}">${escaped(chart.baseline.label)}</text>`,
    );
  }
  const description = rows.map((_, at) => `${labels[at]}: ${values[at]?.map(({ text }) => text).join(", ")}.`);
  const names = chart.series.flatMap(({ label }) => label ?? []).join(", ");
  return svgOf({
    title: chart.title,
    description: `${[chart.measure, names].filter(Boolean).join("; ")}. ${description.join(" ")}`,
    width,
    height: Math.ceil(bottom + side),
    body,
  });

  function barOf(cells: readonly string[], column: number, at: number): Bar {
    const [label = ""] = cells;
    const text = cells[column] ?? "";
    if (!/^[\d.]+$/.test(text)) throw new Error(`'${text}' of '${label}' is no number`);
    const isOwn = chart.series.length > 1 ? at === 0 : chart.baseline !== undefined || label.startsWith("edox-ops");
    return { value: Number(text), text: `${text} ${chart.unit}`, kind: isOwn ? "bar own" : "bar" };
  }

  /** Returns where a value stands, so that the line of the baseline does not cross it. */
  function pastBaseline(x: number, length: number): number {
    const line = chart.baseline === undefined ? Number.NEGATIVE_INFINITY : left + chart.baseline.value * scale;
    return x - 3 < line && line < x + length + 3 ? line + 6 : x;
  }

  function legend(): void {
    if (chart.series.length < 2) return;
    y += 6;
    let x = side;
    for (const [at, { label = "" }] of chart.series.entries()) {
      const needed = 18 + widthOf(label, "text") + 18;
      if (x > side && x + needed - 18 > width - side) {
        x = side;
        y += lineHeight.text;
      }
      body.push(
        `<rect class="${at === 0 ? "bar own" : "bar"}" x="${rounded(x)}" y="${rounded(y + 3)}" width="12" height="12" rx="3"/>`,
      );
      body.push(`<text class="text" x="${rounded(x + 18)}" y="${rounded(y + 13.5)}">${escaped(label)}</text>`);
      x += needed;
    }
    y += lineHeight.text;
  }

  function row(label: readonly string[], each: readonly Bar[]): void {
    const barsHeight = each.length * (bar.height + bar.gap) - bar.gap;
    const labelHeight = label.length * lineHeight.text;
    const height = isNarrow ? labelHeight + barsHeight + labelGap : Math.max(labelHeight, barsHeight);
    const start = isNarrow ? y : y + (height - labelHeight) / 2;
    for (const [at, text] of label.entries()) {
      const x = isNarrow ? side : left - 12;
      const baseline = start + at * lineHeight.text + lineHeight.text / 2 + 4.5;
      body.push(
        `<text class="text${isNarrow ? "" : " end"}" x="${rounded(x)}" y="${rounded(baseline)}">${escaped(text)}</text>`,
      );
    }
    const first = isNarrow ? y + labelHeight + labelGap : y + (height - barsHeight) / 2;
    if (chart.baseline !== undefined) {
      const x = rounded(left + chart.baseline.value * scale);
      body.push(
        `<path class="rule" d="M${x} ${rounded(isNarrow ? first : first - 4)}V${rounded(first + barsHeight + 4)}"/>`,
      );
    }
    for (const [at, { value, text, kind }] of each.entries()) {
      const from = first + at * (bar.height + bar.gap);
      const length = Math.max(value * scale, shortestBar);
      const after = pastBaseline(left + length + 6, widthOf(text, "text"));
      body.push(
        `<rect class="${kind}" x="${rounded(left)}" y="${rounded(from)}" width="${rounded(length)}" height="${bar.height}" rx="2"/>`,
        `<text class="text" x="${rounded(after)}" y="${rounded(from + bar.height / 2 + 4.5)}">${escaped(text)}</text>`,
      );
    }
    y += height + rowGap;
  }
}
