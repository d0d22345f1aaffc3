// Checks every resource of the recipes under its name, and the checks of the doctor itself.

import { type Change, corrections, describeMissing } from "../engine/change.ts";
import { type Affects, askRoot, type Check, type CheckResult, type Finding, isHealthy } from "../engine/finding.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement, Unmet } from "../problem/requirement.ts";

/** Timeout of each check. One that does not respond fails alone. */
const checkLimitMs = 15_000;

export async function examine(
  reader: HostReader,
  recipes: readonly Recipe[],
  entries: readonly Check[],
  limitMs = checkLimitMs,
): Promise<Finding[]> {
  // Of two checks with one name the own one is kept, because it reports more, and otherwise the first one.
  const own = entries.filter((each) => isApplicable(reader, each));
  const names = new Set(own.map(({ name }) => name));
  const isNew = ({ name }: Check): boolean => !names.has(name) && names.add(name) !== undefined;
  const derived = recipes.flatMap(checksFrom).filter((each) => isApplicable(reader, each) && isNew(each));
  const all = [...derived, ...own];
  // Programs run while the other checks read files.
  const started = new Map<Check, Promise<CheckResult>>();
  for (const each of [...all.filter(({ runsProgram }) => runsProgram), ...all]) {
    if (!started.has(each)) started.set(each, runCheck(reader, each, each.limitMs ?? limitMs));
  }
  const findings = new Map<Check, Finding>();
  for (const each of all) {
    const answer = (await started.get(each)) ?? (await runCheck(reader, each, each.limitMs ?? limitMs));
    findings.set(each, { name: each.name, ...answer });
  }
  return belowTheirCauses(findings);
}

/** A check that cannot tell whether it applies, because a file is damaged, runs: it then reports that, beside all others. */
function isApplicable(reader: HostReader, { appliesTo }: Check): boolean {
  try {
    return appliesTo?.(reader) ?? true;
  } catch {
    return true;
  }
}

/** Returns the findings in order, with each consequence directly below its cause. */
function belowTheirCauses(findings: ReadonlyMap<Check, Finding>): Finding[] {
  const failing = new Set([...findings.values()].filter(({ status }) => status === "error").map(({ name }) => name));
  const all = [...findings].map(([{ follows = [] }, { follows: found = [], ...finding }]): Finding => {
    const cause = isHealthy(finding.status) ? undefined : [found, follows].flat().find((name) => failing.has(name));
    return cause === undefined ? finding : { ...finding, follows: cause };
  });
  const consequences = Map.groupBy(all, ({ follows }) => follows);
  const withConsequences = (finding: Finding): Finding[] => [
    finding,
    ...(consequences.get(finding.name) ?? []).flatMap(withConsequences),
  ];
  const placed = (consequences.get(undefined) ?? []).flatMap(withConsequences);
  // Checks that follow from each other have no first one, so they are appended.
  return [...new Set([...placed, ...all])];
}

async function runCheck(reader: HostReader, entry: Check, limitMs: number): Promise<CheckResult> {
  const result = await resultOf(reader, entry, limitMs);
  const isAffecting = result.status === "error" || result.status === "warning";
  if (!isAffecting || entry.affects === undefined || result.affects !== undefined) return result;
  const affects = typeof entry.affects === "string" ? entry.affects : await affected(reader, entry.affects);
  return affects === undefined ? result : { ...result, affects };
}

/** Returns undefined where that is unknown too: the fault itself is reported. */
async function affected(reader: HostReader, ask: Exclude<Affects, string>): Promise<string | undefined> {
  try {
    return await ask(reader);
  } catch {
    return undefined;
  }
}

async function resultOf(reader: HostReader, entry: Check, limitMs: number): Promise<CheckResult> {
  try {
    const result = entry.run(reader);
    if (!(result instanceof Promise)) return withoutNeedlessHint(result);
    let timer: Timer | undefined;
    const late = new Promise<CheckResult>((resolve) => {
      const detail = `no answer within ${limitMs / 1000} s`;
      timer = setTimeout(resolve, limitMs, { status: "error", detail, hint: askRoot });
    });
    return withoutNeedlessHint(await Promise.race([result, late]).finally(() => clearTimeout(timer)));
  } catch (error) {
    if (error instanceof UnknownStateError)
      return { status: "unknown", detail: error.message, hint: error.hint ?? askRoot };
    const { message, hint } = Problem.of(error);
    // A second run as root would show nothing more.
    if (hint === undefined) return { status: "error", detail: message, ...(reader.uid !== 0 && { hint: askRoot }) };
    return { status: "error", detail: message, hint };
  }
}

/** A successful check needs no hint. */
function withoutNeedlessHint({ hint, ...result }: CheckResult): CheckResult {
  return result.status === "ok" || hint === undefined ? result : { ...result, hint };
}

/**
 * Returns one recipe of the recipes that have these steps, and the ids of the steps separated by commas. Returns null
 * if no recipe has one of them.
 */
export function recipeOf(
  steps: readonly string[],
  recipes: readonly Recipe[],
): { recipe: Recipe; only: string } | null {
  const [first, ...others] = recipes.filter((recipe) => recipe.steps.some(({ id }) => steps.includes(id)));
  if (first === undefined) return null;
  const all = [first, ...others];
  const recipe = {
    ...first,
    requires: all.flatMap(({ requires }) => requires),
    steps: all.flatMap((each) => each.steps),
  };
  const ids = recipe.steps.map(({ id }) => id);
  return { recipe, only: ids.filter((id) => steps.includes(id)).join(",") };
}

/** Returns the ids of the steps that repair failing or drifted checks, each once, in the order of the recipe. */
export function stepsToRun(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ status, step }) => (!isHealthy(status) && step ? [step] : [])))];
}

/**
 * Returns whether the difference is drift: a file or directory exists and only its owner can change it, but it is not
 * as this version writes it. The host works with it, and the next run converges it. An optional one may be missing.
 */
function isDrift(reader: HostReader, changes: readonly Change[], resource: Resource): boolean {
  return corrections(changes).every((change) => {
    if (change.kind !== "file" && change.kind !== "directory") return resource.optional === true;
    if (change.before === null) return resource.optional === true;
    const stat = reader.stat(change.path);
    return stat !== null && stat.uid === change.uid && (stat.mode & ~change.mode & 0o022) === 0;
  });
}

/**
 * Returns the checks of a recipe's resources. Its requirements are checked only if each host should have something of
 * it: they are about the run that installs it.
 */
function checksFrom(recipe: Recipe): Check[] {
  const resources = recipe.steps.flatMap((step) => step.resources.map((resource) => ({ resource, step })));
  const isOptional = resources.every(({ resource }) => resource.isInstalled);
  return [
    ...(isOptional ? [] : recipe.requires.map(fromRequirement)),
    ...resources.map(({ resource, step }) => fromResource(resource, recipe, step)),
  ];
}

function fromResource(resource: Resource, recipe: Recipe, { id: step, needs = [], reasonToSkip }: Step): Check {
  const hint = ["sudo", "edox-ops", ...recipe.command.split(" "), "--yes"];
  return {
    name: resource.name,
    ...(resource.isInstalled && { appliesTo: resource.isInstalled }),
    follows: [...needs.map((need) => need.resource.name), ...(resource.follows ?? [])],
    ...(resource.affects && { affects: resource.affects }),
    async run(reader) {
      const skip = (await reasonToSkip?.(reader)) ?? null;
      if (typeof skip === "string") return { status: "ok", detail: skip };
      if (skip !== null) return describeUnmet(skip);
      const warnings: string[] = [];
      const changes = await resource.check(reader, [], (sentence) => warnings.push(sentence));
      if (changes.length > 0) {
        const status = isDrift(reader, changes, resource) ? "warning" : "error";
        const detail = [...new Set(corrections(changes).map(describeMissing))].join("; ");
        return { status, detail, hint: resource.repairCommand?.(reader) ?? hint, step };
      }
      return describeState(resource.title, warnings);
    },
  };
}

/** Returns the check that a requirement is met. */
export function fromRequirement(requirement: Requirement): Check {
  return {
    name: requirement.name,
    async run(reader) {
      const warnings: string[] = [];
      const unmet = await requirement.check(reader, (sentence) => warnings.push(sentence));
      if (unmet) return describeUnmet(unmet);
      return describeState(requirement.title, warnings);
    },
  };
}

function describeUnmet({ reason, hint }: Unmet): CheckResult {
  return { status: "error", detail: reason, ...(hint && { hint }) };
}

function describeState(title: string, warnings: readonly string[]): CheckResult {
  return warnings.length > 0 ? { status: "warning", detail: warnings.join("; ") } : { status: "ok", detail: title };
}
