import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "init",
    description: "Create the directory of a project",
    long: [
      "It creates the empty directory of the site with the right owner and mode.",
      "project deploy does this too, so you need it only to fill the directory yourself.",
    ],
    examples: ["sudo edox-ops project init docs", "sudo edox-ops project init docs --dry-run"],
  },
  args: { ...slugArgument, ...editFlags },
  async run(values, context) {
    const { initProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit(() => initProject(slug), values, context);
  },
});
