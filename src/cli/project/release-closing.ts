// What a terminal shows after a deploy, a publication or a restore: where the site is, what changed, and what is missing.

import type { StepResult } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import type { ClosingLine } from "../../report/closing.ts";
import { applyCommand, changeCounts, planSummary } from "../../report/plan.ts";
import type { DeployResult } from "../../sites/deploy/deploy.ts";
import { type DeployRequest, isSatisfied } from "../../sites/deploy/plan.ts";
import type { PlannedRelease } from "../../sites/deploy/release.ts";
import type { Project } from "../../sites/project.ts";
import { countOf } from "../../text/lines.ts";
import { nameOf } from "../../text/path.ts";
import { sizeText } from "../../text/size.ts";
import { durationText } from "../../text/time.ts";
import { type Deployed, frontUrlOf, rulesText } from "./release-report.ts";

interface DeployedRelease {
  request: DeployRequest;
  deployed: Deployed;
  /** Whether the record or the site changed too. */
  isRepublished: boolean;
  /** What was deployed: "docs". */
  subject: string;
  /** What the site is now: "docs is live". */
  state: string;
  /** The words of a command that select the tree; none for that of the site. */
  selects?: readonly string[] | undefined;
}

/** Returns where the site is, how much changed, and what of earlier releases is kept. */
export function deployedLines({
  request,
  deployed,
  isRepublished,
  subject,
  state,
  selects = [],
}: DeployedRelease): ClosingLine[] {
  const { project } = request;
  const { slug, enabled } = project;
  const { backup, assets, replaced } = deployed;
  const now = replaced || isRepublished ? state : `${subject} is up to date`;
  const text = `${enabled ? `${now}: ${frontUrlOf(request)}` : now}  ${figures(deployed)}`;
  const disabled: ClosingLine = {
    mark: "absent",
    text: `${slug} is disabled: nginx does not serve it`,
    next: { argv: ["sudo", "edox-ops", "project", "enable", slug] },
  };
  const reachable = countOf(assets.length, "hashed file");
  return [
    { mark: "done", text },
    ...(enabled ? [] : [disabled]),
    ...(backup === null ? [] : [previousLine([slug, ...selects], nameOf(backup), request.of === "release")]),
    ...(assets.length === 0
      ? []
      : [
          {
            text: `${reachable} of earlier releases stay${assets.length === 1 ? "s" : ""} reachable`,
            next: { argv: ["edox-ops", "project", "assets", "list", slug] },
          },
        ]),
  ];
}

/** `rollback` takes the newest release that a deploy replaced, and none that a restore replaced. */
function previousLine(selected: readonly string[], name: string, wasRestored: boolean): ClosingLine {
  const words = wasRestored ? ["restore", ...selected, "--backup", name] : ["rollback", ...selected];
  const argv = ["sudo", "edox-ops", "project", ...words, "--yes"];
  return { text: `Previous release: ${name}`, next: { argv } };
}

function figures({ files, changed, names, bytes, milliseconds, pruned, replaced, rules }: Deployed): string {
  // Of a new site, all files are new.
  const isNew = changed === files;
  const change = !replaced || isNew ? [] : fileCounts(names);
  return [
    countOf(files, "file"),
    ...change,
    ...(bytes > 0 ? [isNew ? sizeText(bytes) : `${sizeText(bytes)} new`] : []),
    ...(pruned.length > 0 ? [`${countOf(pruned.length, "old backup")} pruned`] : []),
    ...(rulesText(rules) === "" ? [] : [rulesText(rules)]),
    durationText(milliseconds),
  ].join(", ");
}

/** Returns "2 added", "1 changed", "1 removed", or with a noun "2 files added", without those that are none. */
function fileCounts(names: DeployResult["names"], noun?: string): string[] {
  return Object.entries(names)
    .filter(([, paths]) => paths.length > 0)
    .map(([verb, { length }]) => `${noun === undefined ? length : countOf(length, noun)} ${verb}`);
}

/**
 * Returns the summary of a plan. `steps`: all planned steps. `words`: the typed command. `backup`: the name of the one
 * that would be restored.
 */
export function planLines(
  { planned, pruned }: PlannedRelease,
  steps: readonly StepResult[],
  words: readonly string[],
  { needsYes, backup }: { needsYes: boolean; backup: string | null },
): ClosingLine[] {
  const { added, changed, removed, compression } = planned;
  const files = [
    ...fileCounts({ added, changed, removed }, "file"),
    ...(compression.isDue ? ["compressed files written"] : []),
    ...(pruned.length > 0 ? [`${countOf(pruned.length, "old backup")} pruned`] : []),
  ];
  const other = changeCounts(steps);
  const isSame = isSatisfied(planned);
  if (isSame && other.length === 0) return [planSummary(steps)];
  const from = backup === null ? "" : `restore ${backup}: `;
  const site = isSame ? "the same files" : files.join(", ") || "owners, modes and directories";
  const record = other.length === 0 ? "" : ` Host: ${other.join(", ")}.`;
  return [
    { text: `Plan: ${from}${site}.${record}`, next: { label: "Apply with:", argv: applyCommand(words, needsYes) } },
  ];
}

/** Names that no public DNS and no public certificate authority knows (RFC 2606, 6761, 6762, 8375, and by custom). */
const privateName = /(?:^|\.)(?:test|localhost|local|internal|intranet|lan|home|invalid|example|home\.arpa)$/i;
/** A person waits for this. */
const dnsLimitMs = 1000;

/**
 * Returns what is missing of a public site: its name in the DNS, and HTTPS. Nothing is known behind a reverse proxy, or
 * where the DNS does not answer in time. `publish`: the command that sets up HTTPS.
 */
export async function missingLines(
  reader: HostReader,
  project: Project,
  publish: readonly string[] | null,
): Promise<ClosingLine[]> {
  const { domain, enabled, tls, real_ip_from: proxies = [] } = project;
  if (!enabled || proxies.length > 0 || privateName.test(domain) || !domain.includes(".")) return [];
  const dns = await dnsFault(reader, domain);
  return [
    ...(dns === null ? [] : [{ mark: "absent" as const, text: `DNS: ${dns}` }]),
    ...(tls || publish === null
      ? []
      : [{ mark: "absent" as const, text: "HTTPS: not set up", next: { argv: publish } }]),
  ];
}

/** Returns why the domain does not lead here, or null if it does or that is unknown. */
async function dnsFault(reader: HostReader, domain: string): Promise<string | null> {
  const { addresses, failure } = await reader.resolve(domain, { limitMs: dnsLimitMs });
  if (failure === "no-answer" || failure === "server-failure") return null;
  const { ownAddresses } = await import("../../certs/issue/addresses.ts");
  const own = ownAddresses(reader);
  const here = [own.publicOf(4), own.publicOf(6)].filter((each) => each !== null);
  const record = here.length === 0 ? "" : `: add a record with ${here.join(" and ")}`;
  if (addresses.length === 0) return `${domain} does not point here yet${record}`;
  // Behind a router, the host does not know the address by which others reach it.
  if (here.length === 0 || addresses.some((address) => own.has(address))) return null;
  return `${domain} does not point here yet: it leads to ${addresses.join(", ")}, and this host is ${here.join(" and ")}`;
}

/**
 * Returns the words that publish the same source with HTTPS, or null for a command that publishes none. `words`: the
 * typed command.
 */
export function publishWithTls(words: readonly string[], { slug }: Project): string[] | null {
  const at = words.findIndex((word, i) => words[i - 1] === "project" && (word === "deploy" || word === "publish"));
  if (at < 0) return null;
  // What was read from stdin cannot be read again.
  if (words.includes("-") || words.includes("--source=-"))
    return ["sudo", "edox-ops", "project", "certs", "issue", slug, "--yes"];
  return [...words.map((word, i) => (i === at ? "publish" : word)), "--tls"];
}
