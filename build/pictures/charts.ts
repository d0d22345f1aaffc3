// The charts of docs/bench.md. Each draws the table that follows it on the page.

export interface Chart {
  title: string;
  /** What a bar measures, and which direction is better. */
  measure: string;
  /** Follows each value. */
  unit: string;
  /** The columns of the table that are drawn, the first of which is 1. A single one has no label. */
  series: readonly { column: number; label?: string }[];
  /** The value that the others are compared with. */
  baseline?: { value: number; label: string };
}

const goal = (label: string) => ({ value: 1, label });

export const charts: Readonly<Record<string, Chart>> = {
  "bench-converged": {
    title: "A command on a converged host",
    measure: "milliseconds, less is better",
    unit: "ms",
    series: [{ column: 1 }],
  },
  "bench-deploy": {
    title: "A deploy beside a copy with hard links",
    measure: "ratio of time, less is better",
    unit: "×",
    series: [{ column: 2 }],
    baseline: goal("the copy"),
  },
  "bench-peers": {
    title: "How many times faster a deploy is",
    measure: "ratio of time, more is better",
    unit: "×",
    series: [
      { column: 2, label: "than rsync" },
      { column: 4, label: "than the Python tool's way" },
    ],
    baseline: goal("as fast"),
  },
  "bench-config": {
    title: "An edit of a config.toml with 5,000 runners",
    measure: "ratio of processor time to one parse, less is better",
    unit: "×",
    series: [
      { column: 2, label: "now" },
      { column: 1, label: "before" },
    ],
    baseline: goal("one parse"),
  },
  "bench-release": {
    title: "The size of a release",
    measure: "MB, less is better",
    unit: "MB",
    series: [{ column: 1 }],
  },
  "bench-bundles": {
    title: "Bundles beside apt and openssl",
    measure: "ratio, less is better",
    unit: "×",
    series: [
      { column: 1, label: "time" },
      { column: 2, label: "processor time" },
    ],
    baseline: goal("apt, openssl"),
  },
};

/** Returns the rows of the table that follows the chart on the page. Throws if the chart is not on the page. */
export function rowsAfter(page: string, name: string): string[][] {
  const at = page.indexOf(`public/${name}.svg`);
  const [, table] = /^\|.*\n\|[ :|-]+\n((?:\|.*\n?)+)/m.exec(page.slice(at)) ?? [];
  if (at === -1 || table === undefined) throw new Error(`docs/bench.md has no chart ${name} with a table after it`);
  return table
    .trimEnd()
    .split("\n")
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll("`", "")));
}
