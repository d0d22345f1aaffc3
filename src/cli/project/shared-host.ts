// Warns about a project that is served beside a privileged runner.

import type { Recipe } from "../../engine/step.ts";

/** Returns the recipe with a warning if a privileged runner of this host could change the project's site. */
export function withRunnerWarning(recipe: Recipe, slug: string): Recipe {
  const title = "no privileged runner can change the site";
  const alone: Recipe["requires"][number] = {
    name: title,
    title,
    async check(reader, warn) {
      const { privilegedRunners, sharedHostWarning } = await import("../../runner/shared-host.ts");
      const warning = sharedHostWarning(await privilegedRunners(reader), [slug]);
      if (warning !== null) warn(warning);
      return null;
    },
  };
  return { ...recipe, requires: [...recipe.requires, alone] };
}
