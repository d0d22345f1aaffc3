import { usage } from "../arguments.ts";

const units: Record<string, number> = {
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};
const leastBytes = 1024 ** 2;

/** Parses a size with the units of `split --bytes`: M is 1024 * 1024, MB is 1000 * 1000. Throws a usage Problem. */
export function sizeOf(flag: string, typed: string): number {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,11})([KMGT]B?)$/.exec(typed) ?? [];
  const bytes = Number(digits) * (units[unit] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes >= leastBytes) return bytes;
  throw usage(`invalid size '${typed}' for ${flag} (for example 4000M, 4GB; at least 1M)`);
}
