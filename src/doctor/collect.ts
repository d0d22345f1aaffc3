// Collects what doctor checks: the host itself, and each feature.

import { gatherFacts } from "../engine/facts.ts";
import type { CheckedHost, Feature } from "../engine/feature.ts";
import type { Check, Finding } from "../engine/finding.ts";
import { examine, recipeOf, stepsToRun } from "./doctor.ts";
import { entries } from "./entries.ts";

interface Examination {
  findings: Finding[];
  /** The recipe and the steps that repair findings, or null. Doctor runs only the features that allow it. */
  repair: ReturnType<typeof recipeOf>;
}

/** Checks these features, in their order, after `own`: by default the checks of the host itself. */
export async function examineFeatures(
  features: readonly Feature[],
  checked: CheckedHost,
  own: readonly Check[] = entries,
): Promise<Examination> {
  const { reader } = checked;
  const facts = gatherFacts(reader);
  const installed = features.filter(({ optional }) => optional?.isInstalled(reader) ?? true);
  const recipes = await Promise.all(installed.map((feature) => feature.recipes?.(facts) ?? []));
  const checks = await Promise.all(installed.map((feature) => feature.checks?.(checked) ?? []));
  const listing = features.filter((each) => !(each.optional?.standsAlone && installed.includes(each)));
  const findings = await examine(reader, recipes.flat(), [...own, ...checks.flat()]);
  const ofCommands = installed.flatMap(({ command, repairs }, index) =>
    command || repairs ? (recipes[index] ?? []).slice(0, 1) : [],
  );
  return {
    findings: [...findings, ...notConfigured(listing, findings)],
    repair: recipeOf(stepsToRun(findings), ofCommands),
  };
}

/** Returns findings for the checks that are listed in any case and were not performed. */
function notConfigured(features: readonly Feature[], findings: readonly Finding[]): Finding[] {
  const names = new Set(findings.map(({ name }) => name));
  return features
    .flatMap(({ optional }) => Object.entries(optional?.listed ?? {}))
    .filter(([name]) => !names.has(name))
    .map(([name, command]) => {
      return { name, status: "not-set-up", detail: `not configured (optional; run edox-ops ${command} --yes)` };
    });
}
