// Collects what doctor checks: the host itself, and each feature.

import { gatherFacts } from "../engine/facts.ts";
import type { CheckedHost, Feature } from "../engine/feature.ts";
import type { Check, Finding } from "../engine/finding.ts";
import type { Recipe } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { examine, recipeOf, stepsToRun } from "./doctor.ts";
import { entries } from "./entries.ts";
import { wasSetUp } from "./set-up.ts";

interface Examination {
  findings: Finding[];
  /** The recipe and the steps that repair findings, or null. Doctor runs only the features that allow it. */
  repair: ReturnType<typeof recipeOf>;
  /** The findings that fail because this host was never set up; [] on a host that was. */
  neverSetUp: readonly Finding[];
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
  const expected = installed.flatMap(({ optional }, index) => (optional ? [] : (recipes[index] ?? [])));
  return {
    findings: [...findings, ...notConfigured(listing, findings)],
    repair: recipeOf(stepsToRun(findings), ofCommands),
    neverSetUp: ofNewHost(reader, expected, findings),
  };
}

/** Returns the findings that these recipes repair, and what follows from them, if none was ever applied to this host. */
function ofNewHost(reader: HostReader, recipes: readonly Recipe[], findings: readonly Finding[]): Finding[] {
  const ids = new Set(recipes.flatMap(({ steps }) => steps.map(({ id }) => id)));
  const isMissing = ({ step }: Finding): boolean => step !== undefined && ids.has(step);
  if (!findings.some(isMissing) || wasSetUp(reader, recipes)) return [];
  const missing = new Set<string>();
  // A consequence is placed after its cause.
  return findings.filter((each) => {
    const follows = each.follows !== undefined && missing.has(each.follows);
    if (isMissing(each) || follows) missing.add(each.name);
    return missing.has(each.name);
  });
}

/** Returns findings for the checks that are listed in any case and were not performed. */
function notConfigured(features: readonly Feature[], findings: readonly Finding[]): Finding[] {
  const names = new Set(findings.map(({ name }) => name));
  return features
    .flatMap(({ optional }) => Object.entries(optional?.listed ?? {}))
    .filter(([name]) => !names.has(name))
    .map(([name, command]) => {
      const detail = `not configured (optional; run edox-ops ${command} --yes)`;
      return { name, status: "not-set-up", detail, hint: ["sudo", "edox-ops", ...command.split(" ")] };
    });
}
