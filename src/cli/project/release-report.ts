// The report of a command that replaces a project's tree.

import type { ResultParts } from "../../run/result.ts";
import { redirectLine } from "../../sites/addresses/guard.ts";
import type { VanishedAddress } from "../../sites/addresses/vanished.ts";
import type { KeptAsset } from "../../sites/deploy/assets.ts";
import type { DeployResult } from "../../sites/deploy/deploy.ts";
import type { DeployRequest } from "../../sites/deploy/plan.ts";
import type { PlannedRelease } from "../../sites/deploy/release.ts";
import { frontUrl, urlOf } from "../../sites/serve/answer.ts";
import { countOf, lineOf, oneLine } from "../../text/lines.ts";
import type { RuleCounts } from "./release-rules.ts";

/** The last line that a command prints. */
export interface Wording {
  /** The wording of the Python version. */
  done(name: string): string;
  /** What is deployed, for a terminal: by default the project. */
  subject?: string;
  /** What the site is afterwards, for a terminal: by default that it is live. */
  state?(name: string): string;
  /** The words of a command that select the tree; none for that of the site. */
  selects?: readonly string[];
  /** Printed instead if nothing had to change. With null, there was nothing to restore. */
  nothing?(name: string | null): string;
}

/** A deploy with the number of the site's rules; null for a tree that is not the site's. */
export interface Deployed extends DeployResult {
  rules: RuleCounts | null;
}

/** Maximum number of paths that a deploy lists on a terminal. */
const mostShown = 10;

/** Returns the parts of the document. `lists`: whether they name each file. */
export function deployParts(request: DeployRequest, deployed: Deployed, lists: boolean): ResultParts {
  const { notes: _, names, replaced: __, vanished, rules, ...figures } = deployed;
  const url = request.front && { url: request.project.enabled ? frontUrlOf(request) : null };
  const addresses = { vanished };
  const counts = rules !== null && { rules };
  return {
    deploy: { ...figures, addresses, ...url, ...counts },
    ...(lists && { plan: { ...names, pruned: figures.pruned, addresses } }),
  };
}

/** Returns the address of the deployed tree. */
export function frontUrlOf({ project, front }: Pick<DeployRequest, "project" | "front">): string {
  return front === undefined ? urlOf(project) : frontUrl(front);
}

/** Returns the names of the files that differ, if `lists` is set, and then the report on a deploy for a person. */
export function deployText(request: DeployRequest, deployed: Deployed, words: Wording, lists: boolean): string[] {
  const names = lists ? namesText(deployed.names) + vanishedText(deployed.vanished) : "";
  return [names, ...deployedLines(request, deployed, words).map((each) => lineOf`${each}`)];
}

function deployedLines(request: DeployRequest, deployed: Deployed, words: Wording): string[] {
  const { project, name } = request;
  const url = project.enabled ? `, ${frontUrlOf(request)}` : "";
  const { files, changed, bytes, milliseconds, backup, pruned, assets } = deployed;
  return [
    ...(backup ? [`Backed up previous content to ${backup}`] : []),
    ...pruned.map((path) => `Pruned old deploy backup ${path}`),
    ...keptLines(project.slug, assets),
    ...rulesLines(deployed.rules),
    `${countOf(files, "file")}, ${changed} changed, ${countOf(bytes, "new byte")}, ${(milliseconds / 1000).toFixed(1)} s${url}`,
    (changed === 0 && backup === null && words.nothing?.(name)) || words.done(name),
  ];
}

/** Returns "12 redirects, 3 paths with headers", or "" for a site without rules. */
export function rulesText(rules: RuleCounts | null): string {
  const { redirects = 0, headers = 0 } = rules ?? {};
  return [
    ...(redirects > 0 ? [countOf(redirects, "redirect")] : []),
    ...(headers > 0 ? [`${countOf(headers, "path")} with headers`] : []),
  ].join(", ");
}

function rulesLines(rules: RuleCounts | null): string[] {
  const text = rulesText(rules);
  return text === "" ? [] : [text];
}

/** Returns lines about files of earlier releases that are still public, so that they surprise no admin. */
function keptLines(slug: string, assets: readonly KeptAsset[]): string[] {
  if (assets.length === 0) return [];
  const shown = assets.slice(0, mostShown).map(({ path }) => `  ${path}`);
  const more = assets.length - shown.length;
  return [
    `Hashed files of earlier releases that stay reachable: ${assets.length}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more: edox-ops project assets list ${slug}`] : []),
  ];
}

/** Returns the names of the files that differ, if `lists` is set, and then the report on a plan for a person. */
export function planText(
  { target, name }: DeployRequest,
  { planned, pruned, vanished, rules }: PlannedRelease,
  lists: boolean,
): string[] {
  const { origins, added, changed, removed, compression } = planned;
  const counts = `${added.length} added, ${changed.length} changed, ${removed.length} removed, of ${countOf(origins.length, "file")}`;
  return [
    lists ? namesText(planned) + vanishedText(vanished) : "",
    ...pruned.map((path) => lineOf`Would prune old deploy backup ${path}`),
    compression.isDue ? "Would write or remove compressed files beside unchanged ones\n" : "",
    ...rulesLines(rules).map((line) => lineOf`Would serve ${line}`),
    lineOf`Would replace ${target.root} by ${name}: ${counts}`,
  ];
}

/** Returns a line for each file that differs. */
export function namesText({ added, changed, removed }: DeployResult["names"]): string {
  const lines = Object.entries({ added, changed, removed }).flatMap(([word, paths]) => {
    return paths.map((path) => `${word.padEnd(8)} ${oneLine(path)}\n`);
  });
  return lines.join("");
}

/** Returns a line for each vanished address, with the line that redirects it. */
function vanishedText(vanished: readonly VanishedAddress[]): string {
  const lines = vanished.map((each) => {
    const line = redirectLine(each);
    return lineOf`vanished ${each.address}${line === null ? "" : `, redirected by: ${line}`}`;
  });
  return lines.join("");
}
