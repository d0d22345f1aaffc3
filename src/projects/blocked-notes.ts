// Warnings of foreign origins that the content policy of a site blocks.

import * as v from "valibot";
import { shellLine } from "../engine/lines.ts";
import type { Kind, Policy } from "./csp.ts";
import { csp } from "./project.ts";

const mostListed = 10;
/** A longer line is cut where it is printed. */
const longestLine = 950;

export interface Blocked {
  /** What is loaded from there, and what a policy needs for it. */
  kinds: Map<string, [Kind, string][]>;
  /** The first page that loads from there. */
  page: string;
}

export const notWhole =
  "not every page was searched for what the content policy blocks: there are too many, or too large ones";

/** Returns a sentence with the first of these origins. */
export function listed(all: readonly [string, Blocked][]): string {
  const origins = all.map(([origin, { kinds, page }]) => `${origin} (${[...kinds.keys()].join(", ")} of ${page})`);
  const more = origins.length - mostListed;
  return `the content policy blocks ${origins.slice(0, mostListed).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Returns a sentence with the line to type, for as many origins as fit into one. `update`: the line up to the policy. */
export function lineThatAllows(all: readonly [string, Blocked][], policy: Policy, update: readonly string[]): string {
  for (let count = all.length; count > 0; count--) {
    const wider = policy.with(all.slice(0, count).flatMap(([, { kinds }]) => [...kinds.values()].flat()));
    const line = `${shellLine(update)} ${quoted(wider)}`;
    if (line.length > longestLine || !v.is(csp, wider)) continue;
    const what = count < all.length ? `the first ${count} of them` : "all of that";
    return `to allow ${what}, if you trust it: ${line}`;
  }
  return "no policy that allows them is short enough: serve these files from the site itself";
}

/** Double quotes, since a policy is full of single ones. */
function quoted(policy: string): string {
  return /[`!]/.test(policy) ? shellLine([policy]) : `"${policy}"`;
}
