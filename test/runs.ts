// How much of a generated input is tried: some among the other checks, much in `npm run test:soak`.

import { soak } from "./integration/rounds.ts";

/** Returns the first number among the other checks, and the second one in the soak. */
export function runs(short: number, long: number): number {
  return soak ? long : short;
}
