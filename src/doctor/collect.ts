// Collects what doctor checks: the host itself, and each feature.

import { gatherFacts } from "../engine/facts.ts";
import type { CheckedHost, Feature } from "../engine/feature.ts";
import type { Finding } from "../engine/finding.ts";
import { examine, recipeOf, stepsToRun } from "./doctor.ts";
import { entries } from "./entries.ts";

export interface Examination {
  findings: Finding[];
  /** The recipe and the steps that repair findings, or null. Only the command of a feature can be run by doctor. */
  repair: ReturnType<typeof recipeOf>;
}

/** Checks the host and these features, in their order. */
export async function examineFeatures(features: readonly Feature[], checked: CheckedHost): Promise<Examination> {
  const facts = gatherFacts(checked.reader);
  const recipes = await Promise.all(features.map((feature) => feature.recipes?.(facts) ?? []));
  const checks = await Promise.all(features.map((feature) => feature.checks?.(checked) ?? []));
  const findings = await examine(recipes.flat(), [...entries, ...checks.flat()], checked.reader);
  const ofCommands = features.flatMap(({ command }, index) => (command ? (recipes[index] ?? []).slice(0, 1) : []));
  return { findings, repair: recipeOf(stepsToRun(findings), ofCommands) };
}
