import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "init", description: "make the directory of a project's site" },
  args: { ...slugArgument, ...editFlags },
  async run(values, context) {
    const { initProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit(() => initProject(slug), values, context);
  },
});
