import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { editOf, recordFlags, slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "update", description: "Change a project's record, and bring its site in line with it" },
  args: { ...slugArgument, ...recordFlags, ...editFlags },
  async run(values, context) {
    const { updateProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    const changes = editOf(values);
    return edit((facts) => updateProject(slug, changes, facts), values, context);
  },
});
