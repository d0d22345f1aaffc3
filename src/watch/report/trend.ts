// What the report shows of the history.

import type { Sample } from "../history.ts";

const dayMs = 86_400_000;
export const reportDays = 30;
/** Two samples that are further apart have a gap between them: the host was off. */
const gapMs = 3 * 3_600_000;

export interface Trend {
  /** Unix milliseconds of the first day's begin in UTC, and of the end. */
  startMs: number;
  endMs: number;
  disks: Disk[];
  /** One for each day, oldest first. */
  days: Day[];
  /** The checks that failed for the longest time first. */
  checks: FailingCheck[];
}

/** The free bytes of a file system. */
interface Disk {
  path: string;
  points: { ms: number; bytes: number }[];
}

interface Day {
  startMs: number;
  changed: number;
  unchanged: number;
  failed: number;
}

export interface FailingCheck {
  name: string;
  /** Whether it fails in the last sample. */
  isFailing: boolean;
  milliseconds: number;
  spans: { startMs: number; endMs: number; level: "warning" | "error" }[];
}

/** Returns the trend of the last days. Samples from the future, which a clock that was wrong left, are left out. */
export function trendOf(samples: readonly Sample[], nowMs: number): Trend {
  const startMs = (Math.floor(nowMs / dayMs) - reportDays + 1) * dayMs;
  const all = samples
    .map((sample) => ({ ...sample, ms: Date.parse(sample.at) }))
    .filter(({ ms }) => ms >= startMs && ms <= nowMs)
    .sort((one, other) => one.ms - other.ms);
  const paths = [...new Set(all.flatMap(({ free }) => Object.keys(free)))].sort();
  const days = Array.from({ length: reportDays }, (_, index): Day => {
    const dayStartMs = startMs + index * dayMs;
    const own = all.filter(({ ms }) => ms >= dayStartMs && ms < dayStartMs + dayMs).map(({ deploys }) => deploys);
    const sum = (key: "changed" | "unchanged" | "failed"): number => own.reduce((total, each) => total + each[key], 0);
    return { startMs: dayStartMs, changed: sum("changed"), unchanged: sum("unchanged"), failed: sum("failed") };
  });
  return {
    ...{ startMs, endMs: startMs + reportDays * dayMs, days },
    disks: paths.map((path) => ({
      path,
      points: all.flatMap(({ ms, free }) => (free[path] === undefined ? [] : [{ ms, bytes: free[path] }])),
    })),
    checks: failingChecks(all, nowMs),
  };
}

function failingChecks(samples: readonly (Sample & { ms: number })[], nowMs: number): FailingCheck[] {
  const checks = new Map<string, FailingCheck>();
  for (const [index, { ms, checks: failing }] of samples.entries()) {
    // A sample stands for the time until the next one.
    const next = samples[index + 1]?.ms ?? nowMs;
    const endMs = Math.min(next, ms + gapMs);
    for (const [name, level] of Object.entries(failing)) {
      const check = checks.get(name) ?? { name, isFailing: false, milliseconds: 0, spans: [] };
      checks.set(name, check);
      const last = check.spans.at(-1);
      if (last?.level === level && last.endMs === ms) last.endMs = endMs;
      else check.spans.push({ startMs: ms, endMs, level });
      check.milliseconds += endMs - ms;
      check.isFailing = index === samples.length - 1;
    }
  }
  return [...checks.values()].sort((one, other) => other.milliseconds - one.milliseconds);
}
