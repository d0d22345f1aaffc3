import type { Recipe } from "../../engine/step.ts";
import { askFirst } from "../../run/confirmation.ts";
import { convergeRecipe } from "../../run/recipes.ts";
import { oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";

export default command({
  meta: {
    name: "unregister",
    description: "Unregister a runner, here and in GitLab",
    long: [
      "It deletes a runner that edox-ops registered from GitLab and from the configuration of this host.",
      "Other runners stay as they are.",
      "If GitLab cannot be reached, nothing is changed without --force.",
    ],
    examples: [
      'sudo edox-ops gitlab-runner unregister "edox-ops CI runner"',
      "sudo edox-ops gitlab-runner unregister builder --url https://gitlab.com --dry-run",
    ],
  },
  args: {
    name: { type: "positional", completes: "runner", description: "Name of the runner, or its number in GitLab" },
    url: {
      type: "string",
      valueHint: "url",
      description: "GitLab instance URL, if several have a runner of this name",
    },
    force: { type: "boolean", description: "Remove it here even if GitLab cannot be reached" },
    ...confirmationFlags,
    ...editFlags,
  },
  async run(values, context) {
    const { forgetInGitLab, findRunner, unregistration } = await import("../../runner/registration/unregister.ts");
    const host = await context.host();
    const { name = "" } = values;
    return run(values, context, async (session) => {
      const { dryRun } = session.options;
      if (!dryRun) session.demandRoot();
      const demandSame = await askFirst(session, () => {
        const { recorded, runner } = findRunner(host, name, values.url, ["edox-ops", ...context.typed]);
        return oneLine(`Remove the runner ${recorded.name} from this host and from ${runner?.url ?? recorded.url}?`);
      });
      const recipe = async (): Promise<Recipe> => {
        await demandSame();
        const known = findRunner(host, name, values.url, ["edox-ops", ...context.typed]);
        if (dryRun) return unregistration(known);
        // This runs under the lock, and signals no longer end the process at once: a runner that was deleted in GitLab
        // is removed here too.
        session.catchSignals();
        for (const warning of await forgetInGitLab(host, known, values.force === true)) await session.warn(warning);
        return unregistration(known);
      };
      await convergeRecipe(session, recipe, { lockWaitMs: editWaitMs });
    });
  },
});
