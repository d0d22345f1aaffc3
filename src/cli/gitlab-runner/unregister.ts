import type { Recipe } from "../../engine/step.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { demandRoot, edit } from "../run.ts";

export default command({
  meta: { name: "unregister", description: "take a runner that edox-ops registered away, here and in GitLab" },
  args: {
    name: { type: "positional", description: "the runner's name, or its number in GitLab" },
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
    const looks = values["dry-run"] === true || values.check === true;
    if (!looks) demandRoot(host, context);
    const recipe = async (): Promise<Recipe> => {
      const known = findRunner(host, name, values.url, ["edox-ops", ...context.typed]);
      if (looks) return unregistration(known);
      // This runs under the lock, and signals no longer end the process at once: a runner that was deleted in GitLab is
      // removed here too.
      host.catchSignals();
      const warnings = await forgetInGitLab(known, host, values.force === true);
      if (values.json) return unregistration(known, warnings);
      // These warnings are printed with --quiet too.
      for (const warning of warnings) context.console.err(lineOf`warning: ${warning}`);
      return unregistration(known);
    };
    return edit(recipe, values, context);
  },
});
