import { confirm, convergeRecipe } from "../../../run/recipes.ts";
import { command } from "../../command.ts";
import { changeFlags } from "../../flags.ts";
import { editWaitMs, run } from "../../run.ts";

const { only: _, skip: __, ...flags } = changeFlags;

export default command({
  meta: {
    name: "disable",
    description: "Remove the timer of the cleanup, and what it knows",
    long: [
      "Images and volumes stay.",
      "What jobs used is forgotten: after another enable, images that are here then stay.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner cleanup disable --yes",
      "sudo edox-ops gitlab-runner cleanup disable --dry-run",
    ],
  },
  args: flags,
  steps: async () => (await import("../../../runner/cleanup/recipe.ts")).disablement().steps,
  async run(values, context) {
    const { disablement } = await import("../../../runner/cleanup/recipe.ts");
    const { cleanupLockPath } = await import("../../../runner/paths.ts");
    return run(values, context, async (session) => {
      const known = await confirm(session, disablement);
      if (known === null) return;
      // A cleanup that is running would write its record into a removed directory.
      if (!session.options.dryRun) await session.lock("cleanup", cleanupLockPath, editWaitMs);
      await convergeRecipe(session, disablement, { known, lockWaitMs: editWaitMs });
    });
  },
});
