// Reports the addresses that a deploy would remove, and refuses the deploy where that is wanted.

import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import type { DeployRequest, Plan } from "../deploy/plan.ts";
import { answeredElsewhere } from "./elsewhere.ts";
import { type VanishedAddress, vanishedAddresses } from "./vanished.ts";

/** Enough addresses to recognise what happened. */
const mostShown = 5;

/**
 * Returns the addresses that would vanish without a redirect. Throws a Problem if there are any and the request does not
 * allow that. A restore is not asked: its addresses were those of the site before.
 */
export async function guardAddresses(trees: Trees, request: DeployRequest, planned: Plan): Promise<VanishedAddress[]> {
  const { target, project } = request;
  // A new target has no addresses before, only a tree that it shares files with. No reader knows those of a preview.
  const isKnown = !planned.isNew && target.kind !== "preview";
  if (request.of === "release" || !isKnown) return [];
  const vanished = await vanishedAddresses(trees, request, planned, answeredElsewhere(trees, request));
  const isStrict = request.strictUrls ?? project.strict_urls === true;
  if (vanished.length === 0 || !isStrict) return vanished;
  const way = `add lines to _redirects in the source${request.isRemote ? "" : ", or pass --no-strict-urls"}`;
  throw new Problem("vanished-addresses", `${vanishedSentence(vanished)}: ${way}`, { hint: hintToList(request.again) });
}

/** Returns the warnings about vanished addresses: the count with the first ones, and the lines that redirect them. */
export function vanishedNotes(
  vanished: readonly VanishedAddress[],
  { isRemote }: Pick<DeployRequest, "isRemote">,
): string[] {
  if (vanished.length === 0) return [];
  const lines = vanished.map(redirectLine).filter((line) => line !== null);
  const more = lines.length > mostShown ? ` and ${lines.length - mostShown} more${isRemote ? "" : " (--diff)"}` : "";
  const first = lines.slice(0, mostShown).map((line, i) => {
    return `to redirect readers, add to _redirects: ${line}${i === mostShown - 1 ? more : ""}`;
  });
  return [vanishedSentence(vanished), ...first];
}

/** Returns the line of `_redirects` that leads readers to the new address; null where that is not known. */
export function redirectLine({ address, moved_to: to }: VanishedAddress): string | null {
  return to === null ? null : `${address} ${to} 301`;
}

function vanishedSentence(vanished: readonly VanishedAddress[]): string {
  const shown = vanished.slice(0, mostShown).map(({ address }) => address);
  const more = vanished.length - shown.length;
  const subject =
    vanished.length === 1
      ? "1 address of the live site vanishes"
      : `${vanished.length} addresses of the live site vanish`;
  return `${subject} without a redirect: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Returns the command that lists every vanished address and its line for `_redirects`. */
function hintToList(again: readonly string[]): string[] {
  const words = again.filter((word) => !["--strict-urls", "--dry-run", "-n", "--check", "--diff"].includes(word));
  return [...words, "--no-strict-urls", "--dry-run", "--diff"];
}
