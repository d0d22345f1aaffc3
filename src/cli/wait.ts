import { usage } from "./arguments.ts";

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Returns the milliseconds of "60s", "5m" or "2h". Throws a usage Problem for anything else. */
export function waitOf(flag: string, typed: string): number {
  const [, number = "", unit = ""] = /^(\d{1,4})([smh])$/.exec(typed) ?? [];
  if (number === "") throw usage(`invalid duration '${typed}' for ${flag} (for example 60s, 5m, 2h)`);
  return Number(number) * (units[unit] ?? 0);
}
