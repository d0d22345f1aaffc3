import { watchLockPath } from "../../watch/paths.ts";
import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";

const { only: _, skip: __, "fail-step": ___, ...flags } = changeFlags;

export default command({
  meta: {
    name: "disable",
    description: "Remove the timer and the settings of alerts",
    long: [
      "It removes the timer, the receivers with their keys and tokens, and the history of the report.",
      "Alerts that were not delivered yet are dropped.",
    ],
    examples: ["edox-ops watch disable --dry-run", "sudo edox-ops watch disable --yes"],
  },
  args: flags,
  async run(values, context) {
    const { confirm, convergeRecipe } = await import("../../run/recipes.ts");
    const { disableRecipe } = await import("../../watch/recipe.ts");
    return run(values, context, async (session) => {
      const known = await confirm(session, disableRecipe);
      if (known === null) return;
      // A look that is running would write its state again.
      if (!session.options.dryRun) await session.lock("watch", watchLockPath, editWaitMs);
      await convergeRecipe(session, disableRecipe, { known, lockWaitMs: editWaitMs });
    });
  },
});
