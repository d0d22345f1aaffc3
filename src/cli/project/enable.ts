import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";
import { withRunnerWarning } from "./shared-host.ts";

export default command({
  meta: {
    name: "enable",
    description: "Put a site online",
    long: [
      "It writes the nginx site of the project, tests the configuration and loads it.",
      "The project needs deployed files, or a version.",
      "An invalid result is rolled back, and other sites are not interrupted.",
    ],
    examples: ["sudo edox-ops project enable docs", "sudo edox-ops project enable docs --dry-run --diff"],
  },
  args: { ...slugArgument, ...editFlags },
  async run(values, context) {
    const { enableProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit((facts) => withRunnerWarning(enableProject(slug, facts), slug), values, context);
  },
});
