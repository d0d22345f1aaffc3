import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";
import { withRunnerWarning } from "./shared-host.ts";

export default command({
  meta: { name: "enable", description: "serve a project's site" },
  args: { ...slugArgument, ...editFlags },
  async run(values, context) {
    const { enableProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit((facts) => withRunnerWarning(enableProject(slug, facts), slug), values, context);
  },
});
