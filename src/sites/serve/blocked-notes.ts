// Warnings about foreign origins that the Content-Security-Policy of a site blocks.

import * as v from "valibot";
import { shellLine } from "../../text/lines.ts";
import { csp } from "../project.ts";
import type { Kind, Policy } from "./csp.ts";

const mostListed = 10;
/** The output truncates a longer line. */
const longestLine = 950;

export interface BlockedAddress {
  /** The kinds of loads from this origin, each with the sources that a policy needs to allow it. */
  kinds: Map<string, [Kind, string][]>;
  /** The first page that loads from this origin. */
  page: string;
}

export const notWhole =
  "not every page was checked against the content policy: there are too many pages, or too large ones";

/** Returns a sentence that names the first of these origins. */
export function blockedList(all: readonly [string, BlockedAddress][]): string {
  const origins = all.map(([origin, { kinds, page }]) => `${origin} (${[...kinds.keys()].join(", ")} of ${page})`);
  const more = origins.length - mostListed;
  return `the content policy blocks ${origins.slice(0, mostListed).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * Returns a sentence with a command that allows these origins: as many as fit into one policy and one line. `update` is
 * the command up to the policy.
 */
export function lineThatAllows(
  all: readonly [string, BlockedAddress][],
  policy: Policy,
  update: readonly string[],
): string {
  for (let count = all.length; count > 0; count--) {
    const wider = policy.with(all.slice(0, count).flatMap(([, { kinds }]) => [...kinds.values()].flat()));
    const line = `${shellLine(update)} ${quoted(wider)}`;
    if (line.length > longestLine || !v.is(csp, wider)) continue;
    const what = count < all.length ? `the first ${count} of them` : "all of that";
    return `to allow ${what}, if you trust it: ${line}`;
  }
  return "a policy that allows them would be too long: serve these files from the site itself";
}

/** Uses double quotes where possible, since a policy contains many single quotes. */
function quoted(policy: string): string {
  return /[`!]/.test(policy) ? shellLine([policy]) : `"${policy}"`;
}
