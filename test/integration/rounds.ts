// Chance that can be repeated: few rounds among the other checks, many in `npm run test:soak`.

import { appendFileSync } from "node:fs";

/** The long form. */
export const soak = process.env.EDOX_SOAK === "1";
/** EDOX_SEED=N gives the moments of that run again. It stands in the name of each test. */
const seed = process.env.EDOX_SEED ?? "1";

/** The names of so many rounds. */
export function rounds(short: number, long: number): string[] {
  return Array.from({ length: soak ? long : short }, (_, index) => `round ${index + 1} of seed ${seed}`);
}

/** From 0 up to 1, always the same for the same words. */
export function chance(...words: string[]): number {
  return Number(Bun.hash(words.join(" ")) % 1_000_000n) / 1_000_000;
}

/** For the table of `npm run test:soak`: what was done to a host, when in its run, and what it was found in. */
export function figure(kind: string, suite: string, moment: number, found: string): void {
  const path = process.env.EDOX_FIGURES;
  if (path) appendFileSync(path, `${JSON.stringify({ kind, suite, moment, found })}\n`);
}
