// The number of generated inputs of a property: some in the usual tests, many in `npm run test:soak`.

import { soak } from "./integration/rounds.ts";

/** Returns the first number in the usual tests, and the second one in the soak. */
export function runs(short: number, long: number): number {
  return soak ? long : short;
}
