import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { editOf, recordFlags, slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "update", description: "change a project's record, and its site where it is served" },
  args: { ...slugArgument, ...recordFlags, ...editFlags },
  async run(values, context) {
    const { updateProject } = await import("../../projects/recipes.ts");
    const slug = slugOf(values);
    const changes = editOf(values);
    if (Object.keys(changes).length === 0) throw usage("nothing to change is given");
    return edit((facts) => updateProject(slug, changes, facts), values, context);
  },
});
