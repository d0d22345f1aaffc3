// What the recipes of the host commands have in common.

import type { Recipe, Step } from "../engine/step.ts";
import type { Requirement } from "../problem/requirement.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { dpkgConfigured, packageInstalled } from "../resources/package.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { hardeningLogPath } from "./paths.ts";

/** Returns a recipe of these steps. `done` is its last line. */
export function hostRecipe(command: string, done: string, steps: Step[], requires: Requirement[] = []): Recipe {
  return { command, logPath: hardeningLogPath, done, failed: `${command} failed at step`, requires, steps };
}

/** Returns a step that installs packages of the distribution, without their recommendations. */
export function packagesStep(id: string, names: readonly string[]): Step {
  return {
    id,
    title: `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} installed`,
    action: "Installing packages",
    requires: [firstBootDone, clockSet, ...aptUsable()],
    resources: [dpkgConfigured, ...names.map(packageInstalled)],
  };
}
