import type { Recipe } from "../../engine/step.ts";
import { convergeRecipe } from "../../run/recipes.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";

export default command({
  meta: { name: "unregister", description: "take a runner that edox-ops registered away, here and in GitLab" },
  args: {
    name: { type: "positional", completes: "runner", description: "the runner's name, or its number in GitLab" },
    url: {
      type: "string",
      valueHint: "url",
      description: "the GitLab of it, where several have a runner of this name",
    },
    force: { type: "boolean", description: "Remove it here even if GitLab cannot be told" },
    ...editFlags,
  },
  async run(values, context) {
    const { forgetInGitLab, findRunner, unregistration } = await import("../../runner/registration/unregister.ts");
    const host = await context.host();
    const { name = "" } = values;
    return run({ ...values, yes: true }, context, async (session) => {
      const { dryRun } = session.options;
      const recipe = async (): Promise<Recipe> => {
        const known = findRunner(host, name, values.url, ["edox-ops", ...context.typed]);
        if (dryRun) return unregistration(known);
        // This runs under the lock, and signals no longer end the process at once: a runner that was deleted in GitLab
        // is removed here too.
        session.catchSignals();
        for (const warning of await forgetInGitLab(host, known, values.force === true)) await session.warn(warning);
        return unregistration(known);
      };
      if (!dryRun) session.demandRoot();
      await convergeRecipe(session, recipe, { lockWaitMs: editWaitMs });
    });
  },
});
