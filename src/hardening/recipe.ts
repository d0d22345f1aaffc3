// What the recipes of the host commands have in common.

import type { Recipe, Step } from "../engine/step.ts";
import type { Requirement } from "../problem/requirement.ts";
import { hardeningLogPath } from "./paths.ts";

/** Returns a recipe of these steps. `done` is its last line. */
export function hostRecipe(command: string, done: string, steps: Step[], requires: Requirement[] = []): Recipe {
  return { command, logPath: hardeningLogPath, done, failed: `${command} failed at step`, requires, steps };
}
