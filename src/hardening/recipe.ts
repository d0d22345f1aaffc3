// What the recipes of the host commands have in common.

import type { Recipe, Resource, Step } from "../engine/step.ts";
import type { Requirement } from "../problem/requirement.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { dpkgConfigured, packageInstalled } from "../resources/package.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { hardeningLogPath } from "./paths.ts";

/** Joins names for a sentence: "a, b and c". */
export const listed = new Intl.ListFormat("en-GB");

/** Returns a recipe of these steps. `done` is its last line. */
export function hostRecipe(command: string, done: string, steps: Step[], requires: Requirement[] = []): Recipe {
  return { command, logPath: hardeningLogPath, done, failed: `${command} failed at step`, requires, steps };
}

/**
 * Returns a step that installs packages of the distribution, without their recommendations. `records` are changed before
 * the packages.
 */
export function packagesStep(id: string, names: readonly string[], records: readonly Resource[] = []): Step {
  return {
    id,
    title: `${listed.format(names)} ${names.length === 1 ? "is" : "are"} installed`,
    action: "Installing packages",
    requires: [firstBootDone, clockSet, ...aptUsable()],
    resources: [...records, dpkgConfigured, ...names.map(packageInstalled)],
  };
}
