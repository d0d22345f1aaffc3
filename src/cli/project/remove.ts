import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit, slugArgument, slugOf } from "./record.ts";

const flags = {
  "remove-nginx": { type: "boolean", description: "take its nginx site away too, as without a flag" },
  "keep-nginx": { type: "boolean", description: "leave its nginx site in sites-available" },
} as const;

export default command({
  meta: { name: "remove", description: "forget a project; its files and backups stay" },
  args: { ...slugArgument, ...flags, ...editFlags },
  async run(values, context) {
    const { removeProject } = await import("../../projects/recipes.ts");
    const slug = slugOf(values);
    const keeps = values["keep-nginx"] === true;
    if (keeps && values["remove-nginx"] === true)
      throw usage("--remove-nginx and --keep-nginx say the contrary of each other");
    return edit((facts) => removeProject(slug, keeps, facts), values, context);
  },
});
