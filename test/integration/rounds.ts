// Reproducible random moments: a few rounds among the other checks, and many in `npm run test:soak`.

import { describe, test } from "bun:test";
import { appendFileSync } from "node:fs";
import type { Suite } from "./base.ts";

/** Whether the long form runs. */
export const soak = process.env.EDOX_SOAK === "1";
/** EDOX_SEED=N repeats the moments of an earlier run. The seed is part of the name of each test. */
const seed = process.env.EDOX_SEED ?? "1";

/** Returns the names of the rounds. */
export function rounds(short: number, long: number): string[] {
  return Array.from({ length: soak ? long : short }, (_, index) => `round ${index + 1} of seed ${seed}`);
}

/**
 * Returns a function that defines a test which the short form runs on one suite only, because the other has the same
 * result. The soak runs it on both.
 */
export function testsOn(suite: Suite) {
  return (only: Suite, name: string, act: () => void | Promise<void>): void => {
    if (suite === only || soak) test(name, act);
  };
}

/** The same as {@link testsOn}, for a group of tests. */
export function groupsOn(suite: Suite) {
  return (only: Suite, name: string, act: () => void): void => {
    if (suite === only || soak) describe(name, act);
  };
}

/** Returns a number from 0 up to 1 that depends only on these words and the seed. */
export function chance(...words: string[]): number {
  return Number(Bun.hash(words.join(" ")) % 1_000_000n) / 1_000_000;
}

/**
 * Records a row for the table of `npm run test:soak`: the interruption, its time in the run, and the state that was
 * found.
 */
export function figure(kind: string, suite: string, moment: number, found: string): void {
  const path = process.env.EDOX_FIGURES;
  if (path) appendFileSync(path, `${JSON.stringify({ kind, suite, moment, found })}\n`);
}
