// When a preview expires.

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export const defaultExpiry = "14d";
const longestMs = 365 * dayMs;

/** Returns the lifetime in milliseconds, null for "never", or undefined for an invalid one. */
export function lifetimeOf(typed: string): number | null | undefined {
  if (typed === "never") return null;
  const [, number = "", unit] = /^([1-9]\d{0,3})([hd])$/.exec(typed) ?? [];
  const ms = Number(number) * (unit === "h" ? hourMs : dayMs);
  return number === "" || ms > longestMs ? undefined : ms;
}

/** Returns how long a preview is still kept: "in 13 days", "in 2 hours", "now" or "never". */
export function expiryText(expiresMs: number | null, nowMs: number): string {
  if (expiresMs === null) return "never";
  const ms = expiresMs - nowMs;
  if (ms <= 0) return "now";
  const [count, unit] = ms >= dayMs ? [Math.round(ms / dayMs), "day"] : [Math.ceil(ms / hourMs), "hour"];
  return `in ${count} ${unit}${count === 1 ? "" : "s"}`;
}
