// The charts of the report, as SVG. Their colours are those of the page, so that they follow its theme.

import { sizeText } from "../../text/size.ts";
import { escapeHtml } from "./escape.ts";
import type { FailingCheck, Trend } from "./trend.ts";

const width = 720;
const left = 140;
const right = 12;
const top = 10;
const plotHeight = 160;
const axis = 24;
const row = 20;
const plotWidth = width - left - right;

/** Returns the free space of each file system as lines. */
export function diskChart({ disks, startMs, endMs }: Trend): string {
  const most = Math.max(1, ...disks.flatMap(({ points }) => points.map(({ bytes }) => bytes)));
  const y = (bytes: number): number => top + plotHeight * (1 - bytes / most);
  const lines = disks.map(({ path, points }, index) => {
    const all = points.map(({ ms, bytes }) => `${round(x(ms, startMs, endMs))},${round(y(bytes))}`);
    return `<polyline class="line s${index % 4}" points="${all.join(" ")}"><title>${escapeHtml(path)}</title></polyline>`;
  });
  const marks = [0, 0.5, 1].map((share) => horizontal(y(most * share), sizeText(Math.round(most * share))));
  return chart("Free disk space of the last 30 days", plotHeight, [...marks, ...lines, ...dates(startMs, endMs)]);
}

/** Returns the deploys of each day as stacked bars. */
export function deploysChart({ days, startMs, endMs }: Trend): string {
  const most = Math.max(1, ...days.map(({ changed, unchanged, failed }) => changed + unchanged + failed));
  const barWidth = (plotWidth / days.length) * 0.8;
  const bars = days.flatMap((day) => {
    let y = top + plotHeight;
    return (["changed", "unchanged", "failed"] as const).flatMap((result) => {
      const height = (plotHeight * day[result]) / most;
      y -= height;
      if (height === 0) return [];
      const place = `x="${round(x(day.startMs, startMs, endMs))}" y="${round(y)}" width="${round(barWidth)}"`;
      const title = `${dayText(day.startMs)}: ${day[result]} ${result}`;
      return [`<rect class="${result}" ${place} height="${round(height)}"><title>${title}</title></rect>`];
    });
  });
  const marks = [horizontal(top + plotHeight, "0"), horizontal(top, String(most))];
  return chart("Deploys of each day", plotHeight, [...marks, ...bars, ...dates(startMs, endMs)]);
}

/** Returns when each of these checks failed, a row each. */
export function checksChart(checks: readonly FailingCheck[], { startMs, endMs }: Trend): string {
  const rows = checks.flatMap(({ name, spans }, index) => {
    const y = top + index * row;
    const bars = spans.map(({ startMs: from, endMs: to, level }) => {
      const [start, end] = [x(from, startMs, endMs), x(to, startMs, endMs)];
      const place = `x="${round(start)}" y="${y}" width="${round(Math.max(2, end - start))}" height="${row - 6}"`;
      return `<rect class="${level}" ${place}><title>${escapeHtml(name)}: ${level}</title></rect>`;
    });
    return [label(y + row - 9, short(name)), ...bars];
  });
  return chart("Failing checks of the last 30 days", checks.length * row, [
    ...rows,
    ...dates(startMs, endMs, checks.length * row),
  ]);
}

function chart(title: string, height: number, parts: readonly string[]): string {
  const whole = height + top + axis;
  const open = `<svg viewBox="0 0 ${width} ${whole}" role="img" aria-label="${title}">`;
  return `${open}\n${parts.join("\n")}\n</svg>`;
}

/** Returns the dates below the plot, a week apart. */
function dates(startMs: number, endMs: number, height = plotHeight): string[] {
  const weekMs = 7 * 86_400_000;
  const count = Math.ceil((endMs - startMs) / weekMs);
  return Array.from({ length: count }, (_, index) => {
    const ms = startMs + index * weekMs;
    const at = `x="${round(x(ms, startMs, endMs))}" y="${top + height + 16}"`;
    return `<text ${at}>${dayText(ms)}</text>`;
  });
}

function horizontal(y: number, text: string): string {
  const line = `<line class="grid" x1="${left}" x2="${width - right}" y1="${round(y)}" y2="${round(y)}"/>`;
  return line + label(y + 4, text);
}

function label(y: number, text: string): string {
  return `<text class="label" x="${left - 6}" y="${round(y)}">${escapeHtml(text)}</text>`;
}

function x(ms: number, startMs: number, endMs: number): number {
  return left + (plotWidth * (ms - startMs)) / (endMs - startMs);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The table below the chart has the whole name. */
function short(name: string): string {
  return name.length > 17 ? `${name.slice(0, 16)}…` : name;
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(5, 10);
}
