// Collects what doctor checks: the host itself, and each feature.

import { gatherFacts } from "../engine/facts.ts";
import type { CheckedHost, Feature } from "../engine/feature.ts";
import type { Check } from "../engine/finding.ts";
import type { Recipe } from "../engine/step.ts";
import { entries } from "./entries.ts";

export interface Collected {
  recipes: Recipe[];
  /** Those of the recipes that a command of a feature converges. The others need locks of their own. */
  repairs: Recipe[];
  checks: Check[];
}

/** Returns the recipes and the checks of these features, in their order. */
export async function collect(features: readonly Feature[], checked: CheckedHost): Promise<Collected> {
  const facts = gatherFacts(checked.reader);
  const recipes = await Promise.all(features.map((feature) => feature.recipes?.(facts) ?? []));
  const checks = await Promise.all(features.map((feature) => feature.checks?.(checked) ?? []));
  const repairs = features.flatMap(({ command }, index) => (command ? (recipes[index] ?? []).slice(0, 1) : []));
  return { recipes: recipes.flat(), repairs, checks: [...entries, ...checks.flat()] };
}
