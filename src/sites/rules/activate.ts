// Loads the rules of a new tree into nginx before the tree is live, and restores what nginx had if the deploy fails.

import { installedPackage } from "../../apt/dpkg.ts";
import { Text } from "../../engine/change.ts";
import { converge, type Options } from "../../engine/converge.ts";
import type { Facts } from "../../engine/facts.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { Resource, Step } from "../../engine/step.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import type { Trees } from "../../host/trees.ts";
import { rulesDir } from "../../nginx/paths.ts";
import { nginxService } from "../../nginx/recipe.ts";
import { hasLoadedFiles } from "../../nginx/running.ts";
import { Problem } from "../../problem/problem.ts";
import { isActive } from "../../resources/service.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import type { Project } from "../project.ts";
import { ruleMapsInclude } from "../serve/rule-lines.ts";
import { siteText, vhostFile, vhostLinkPath, vhostPath } from "../serve/site.ts";
import { checkTargets, filesOf, probeRules } from "./check.ts";
import { rulePaths, rulesAbsent, rulesPresent, textsFor } from "./resources.ts";
import type { Rules, RuleTexts } from "./rules.ts";
import { ruleFilesIn, treeRules } from "./tree-rules.ts";
import { withWayOut } from "./way-out.ts";

/** The rules of a new tree, after they were checked. */
export interface NewRules {
  rules: Rules | null;
  texts: RuleTexts | null;
  counts: { redirects: number; headers: number };
  notes: string[];
}

/** The rules to check. */
export interface Checked extends Pick<DeployRequest, "project" | "again" | "select" | "ignoresRefusedRules"> {
  tree: string;
}

/**
 * Reads and checks the rules of a new tree; `probes`: also with an nginx of their own. Throws a Problem for a rule that
 * is refused, or returns no rules and a warning where the request ignores it.
 */
export async function checkedRules(host: Host, trees: Trees, checked: Checked, probes: boolean): Promise<NewRules> {
  const { project, tree, ignoresRefusedRules } = checked;
  try {
    const found = newRules(host, trees, checked);
    if (probes) await probeNewRules(host, trees, { project, tree, found });
    return found;
  } catch (error) {
    if (!(error instanceof Problem) || !refusals.includes(error.code)) throw error;
    if (ignoresRefusedRules !== true) throw withWayOut(error, checked, ruleFilesOf(host, checked));
    const note = `${error.message}; redirects and headers of the site have no effect until this is corrected`;
    return { rules: null, texts: null, counts: { redirects: 0, headers: 0 }, notes: [note] };
  }
}

/** Returns the names of the files of rules that the tree has and the request does not exclude. */
function ruleFilesOf(reader: HostReader, { tree, select }: Checked): string[] {
  return ruleFilesIn(reader, tree).filter((name) => !select?.exclude.includes(name));
}

/** The codes of a Problem about the rules themselves. */
const refusals: readonly string[] = ["invalid-source", "not-served", "command-failed"];

function newRules(reader: HostReader, trees: Trees, { project, tree, select }: Checked): NewRules {
  const rules = treeRules(reader, tree, select?.exclude);
  const notes = rules === null ? [] : checkTargets(rules, filesOf(trees, tree));
  const counts = { redirects: rules?.redirects.length ?? 0, headers: rules?.headers.length ?? 0 };
  return { rules, texts: textsFor(project, rules), counts, notes };
}

/** The files of a site as nginx has them, or is to have them. `site`: null where it stays as it is. */
interface Loaded {
  texts: RuleTexts | null;
  site: string | null;
}

/** Returns whether nginx serves the project, so that its rules have an effect. */
function isServed(reader: HostReader, slug: string): boolean {
  return reader.readLink(vhostLinkPath(slug)) === vhostPath(slug);
}

/** Returns whether nginx has loaded the files as they are. A deploy may have been killed before. */
function areLoaded(reader: HostReader, slug: string): boolean {
  return !isActive(reader, "nginx") || hasLoadedFiles(reader, [rulesDir, ...rulePaths(slug)]);
}

/** Returns the files that nginx needs for the rules of a tree, or null if it has them or does not serve the project. */
function filesToLoad(reader: HostReader, project: Project, { rules, texts }: NewRules, facts: Facts): Loaded | null {
  const { slug } = project;
  if (!isServed(reader, slug)) return null;
  const [maps, server] = rulePaths(slug).map((path) => textOf(reader, path));
  const isSame = maps === (texts?.maps ?? null) && server === (texts?.server ?? null);
  // The site itself is written only where it begins or ceases to include rules.
  const includes = textOf(reader, vhostPath(slug))?.includes(ruleMapsInclude(slug)) === true;
  const changesSite = includes !== (texts !== null);
  if (isSame && !changesSite && areLoaded(reader, slug)) return null;
  return { texts, site: changesSite ? siteText(reader, project, facts, { rules }) : null };
}

/** Returns the step that loads the rules of a tree, or null if there is nothing to load. */
export function rulesStep(reader: HostReader, project: Project, found: NewRules, facts: Facts): Step | null {
  const files = filesToLoad(reader, project, found, facts);
  return files && stepTo(reader, project.slug, files);
}

/** Returns whether {@link loadRules} changes something. */
export function needsLoading(
  reader: HostReader,
  { project, found, facts }: { project: Project; found: NewRules; facts: Facts },
): boolean {
  return filesToLoad(reader, project, found, facts) !== null;
}

function stepTo(reader: HostReader, slug: string, { texts, site }: Loaded): Step {
  const textsOf = async (): Promise<RuleTexts | null> => texts;
  const resources: Resource[] = [
    rulesPresent(slug, textsOf),
    ...(site === null ? [] : [vhostFile(slug, async () => Text.of(site))]),
    rulesAbsent(slug, textsOf),
    // A stopped nginx loads them when it is started.
    ...(isActive(reader, "nginx") ? [nginxService([rulesDir, ...rulePaths(slug), vhostPath(slug)])] : []),
  ];
  return { id: "project.rules", title: `nginx has the redirects and headers of ${slug}`, resources };
}

/** Requests each rule from an nginx of its own. A host without nginx has nothing to ask. */
async function probeNewRules(
  host: Host,
  trees: Trees,
  { project, tree, found }: { project: Project; tree: string; found: NewRules },
): Promise<void> {
  const { rules, texts } = found;
  if (rules === null || texts === null || installedPackage(host, "nginx") === null) return;
  await probeRules(host, trees, { project, tree, rules, texts });
}

/**
 * Loads the rules of a new tree into nginx. Returns a function that restores what nginx had before. Throws the Problem of
 * a failed step, which was rolled back.
 */
export async function loadRules(
  host: Host,
  { project, found, facts }: { project: Project; found: NewRules; facts: Facts },
  options: Options,
): Promise<() => Promise<void>> {
  const { slug } = project;
  const files = filesToLoad(host, project, found, facts);
  if (files === null) return async () => {};
  const [maps = null, server = null] = rulePaths(slug).map((path) => textOf(host, path));
  const before: Loaded = {
    texts: maps === null || server === null ? null : { maps, server },
    site: files.site === null ? null : textOf(host, vhostPath(slug)),
  };
  await applied(host, stepTo(host, slug, files), { ...options, act: host });
  // A signal does not stop the way back.
  return () => applied(host, stepTo(host, slug, before), { act: host });
}

async function applied(host: Host, step: Step, options: Options): Promise<void> {
  const [result] = await converge([step], snapshot(host), options);
  if (result?.problem) throw result.problem;
}
