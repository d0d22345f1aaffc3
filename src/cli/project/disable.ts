import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "disable", description: "serve it no longer" },
  args: { ...slugArgument, ...editFlags },
  async run(values, context) {
    const { disableProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit((facts) => disableProject(slug, facts), values, context);
  },
});
