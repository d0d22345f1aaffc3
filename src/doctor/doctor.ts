// Every resource of the recipes, looked at under its name, and the entries that only look.

import { type Change, lack } from "../engine/change.ts";
import { Problem, type Recipe, type Requirement, type Resource } from "../engine/step.ts";
import { type HostReader, Unseen } from "../host/host.ts";
import { replacedDir } from "../recipes/paths.ts";
import type { Entry, Finding } from "./finding.ts";

/** Each check has its own; one that does not answer fails alone. */
const checkLimitMs = 15_000;

export async function examine(
  recipes: readonly Recipe[],
  entries: readonly Entry[],
  see: HostReader,
  limitMs = checkLimitMs,
): Promise<Finding[]> {
  // What is told before a run as well may be an entry of its own, which says more.
  const ofItsOwn = entries.map(({ name }) => name);
  const all = [
    ...recipes.flatMap((recipe) => [
      ...recipe.requires.filter(({ name }) => !ofItsOwn.includes(name)).map(fromRequirement),
      ...recipe.steps.flatMap(({ id, wants }) => wants.map((resource) => fromResource(resource, recipe, id))),
    ]),
    ...entries.filter(({ only }) => only?.(see) ?? true),
  ];
  const findings: Finding[] = [];
  const asked = new Map(all.filter(({ asks }) => asks).map((entry) => [entry, answer(entry, see, limitMs)]));
  for (const entry of all) {
    findings.push({ name: entry.name, ...(await (asked.get(entry) ?? answer(entry, see, limitMs))) });
  }
  return findings;
}

type Answer = Omit<Finding, "name">;

async function answer(entry: Entry, see: HostReader, limitMs: number): Promise<Answer> {
  try {
    const looked = entry.look(see);
    if (!(looked instanceof Promise)) return said(looked);
    let timer: Timer | undefined;
    const late = new Promise<Answer>((resolve) => {
      const detail = `no answer within ${limitMs / 1000} s`;
      timer = setTimeout(resolve, limitMs, { status: "error", detail, hint: ["sudo", "edox-ops", "doctor"] });
    });
    return said(await Promise.race([looked, late]).finally(() => clearTimeout(timer)));
  } catch (error) {
    const again = ["sudo", "edox-ops", "doctor"];
    if (error instanceof Unseen) return { status: "warning", detail: error.message, hint: again };
    const { message, hint = again } = Problem.of(error);
    return { status: "error", detail: message, hint };
  }
}

/** What holds needs no hint. */
function said({ hint, ...answer }: Answer): Answer {
  return answer.status === "ok" || hint === undefined ? answer : { ...answer, hint };
}

/** Returns the ids of the steps that mend what fails or differs, each once, in the order of the recipe. */
export function stepsToRun(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ status, step }) => (status !== "ok" && step ? [step] : [])))];
}

/**
 * Whether what differs is drift: a file or directory is there, only its owner can change it, and it is not as this
 * version writes it. The host works with that, and the next run brings it in line. An optional one may be missing.
 */
function isDrift(changes: readonly Change[], resource: Resource, see: HostReader): boolean {
  // A copy of what is replaced comes with the change, and is no reason by itself.
  const own = changes.filter((change) => !("path" in change && `${change.path}/`.startsWith(`${replacedDir}/`)));
  return own.every((change) => {
    if (change.kind !== "file" && change.kind !== "directory") return false;
    if (change.before === null) return resource.optional === true;
    const stat = see.stat(change.path);
    return stat !== null && stat.uid === change.uid && (stat.mode & ~change.mode & 0o022) === 0;
  });
}

function fromResource(resource: Resource, recipe: Recipe, step: string): Entry {
  const hint = ["sudo", "edox-ops", ...recipe.command.split(" "), "--yes"];
  return {
    name: resource.name,
    async look(see) {
      const warnings: string[] = [];
      const changes = await resource.check(see, [], (sentence) => warnings.push(sentence));
      if (changes.length > 0) {
        const status = isDrift(changes, resource, see) ? "warning" : "error";
        return { status, detail: [...new Set(changes.map(lack))].join("; "), hint, step };
      }
      return holding(resource.title, warnings);
    },
  };
}

function fromRequirement(requirement: Requirement): Entry {
  return {
    name: requirement.name,
    async look(see) {
      const warnings: string[] = [];
      const unmet = await requirement.check(see, (sentence) => warnings.push(sentence));
      if (unmet) return { status: "error", detail: unmet.reason, ...(unmet.hint && { hint: unmet.hint }) };
      return holding(requirement.title, warnings);
    },
  };
}

function holding(title: string, warnings: readonly string[]): Answer {
  return warnings.length > 0 ? { status: "warning", detail: warnings.join("; ") } : { status: "ok", detail: title };
}
