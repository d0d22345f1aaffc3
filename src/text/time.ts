// Times and durations for people.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Returns a time in Unix milliseconds to the minute: "2026-11-29 06:40 UTC". */
export function utcText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Returns a duration in milliseconds: "40 ms", "9.6 s", "2 min 5 s", "3 h 20 min", "10 min". */
export function durationText(ms: number): string {
  if (ms < 99.5) return `${Math.round(ms)} ms`;
  if (ms < minute - 50) return `${(ms / second).toFixed(1)} s`;
  const seconds = Math.round(ms / second);
  if (ms < hour - second / 2) return inTwo(seconds, "min", "s");
  const minutes = Math.round(ms / minute);
  return inTwo(minutes, "h", "min");
}

function inTwo(count: number, unit: string, smaller: string): string {
  const rest = count % 60;
  return `${Math.floor(count / 60)} ${unit}${rest === 0 ? "" : ` ${rest} ${smaller}`}`;
}

/** Returns how long ago a time was, in the largest unit: "just now", "5 minutes ago", "1 day ago". Never negative. */
export function ageText(thenMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - thenMs);
  if (ms < minute) return "just now";
  const [count, unit] = ms < hour ? [ms / minute, "minute"] : ms < day ? [ms / hour, "hour"] : [ms / day, "day"];
  const whole = Math.floor(count as number);
  return `${whole} ${unit}${whole === 1 ? "" : "s"} ago`;
}

/** Returns whether a past time in Unix milliseconds is that of a clock that was wrong: it is more than an hour ahead. */
export function isAhead(thenMs: number, nowMs: number): boolean {
  return thenMs - nowMs > hour;
}

/** Returns why the age of something is unknown whose time {@link isAhead}. */
export function aheadText(what: string, thenMs: number): string {
  return `${what} has a time in the future, ${utcText(thenMs)}: the clock was wrong then, or is now`;
}
