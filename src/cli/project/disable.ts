import { few } from "../../text/lines.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
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
  args: { ...slugArgument, ...confirmationFlags, ...editFlags },
  async run(values, context) {
    const { disableProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    return edit(
      (facts) => disableProject(slug, facts),
      values,
      context,
      async (host) => {
        const { servedNames } = await import("../../sites/serve/names.ts");
        const names = await servedNames(host, slug);
        return names.length === 0 ? null : `Take ${few(names)} offline?`;
      },
    );
  },
});
