import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "disable",
    description: "Take a site offline; keeps its files and settings",
    long: [
      "nginx closes requests for the domain without a response.",
      "Files, backups and settings stay, so project enable puts the site online again.",
    ],
    examples: ["sudo edox-ops project disable docs", "sudo edox-ops project disable docs --dry-run"],
  },
  args: { ...slugArgument, ...editFlags },
  async run(values, context) {
    const { disableProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit((facts) => disableProject(slug, facts), values, context);
  },
});
