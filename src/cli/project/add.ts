import { docsRoot } from "../../recipes/paths.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit, editOf, recordFlags, slugArgument, slugOf } from "./record.ts";

const { "no-tls": _, "no-default": __, ...flags } = recordFlags;

export default command({
  meta: { name: "add", description: "register a project" },
  args: { ...slugArgument, ...flags, ...editFlags },
  async run(values, context) {
    const { addProject } = await import("../../projects/recipes.ts");
    const slug = slugOf(values);
    const { domain, ...more } = editOf(values);
    if (domain === undefined)
      throw usage("--domain is missing", undefined, ["edox-ops", ...context.typed, "--domain", "docs.example.org"]);
    const project = {
      slug,
      domain,
      root_path: `${docsRoot}/${slug}`,
      source_path: null,
      branch: "main",
      owner_group: "www-data",
      enabled: false,
      tls: false,
      ...more,
    };
    return edit((facts) => addProject(project, facts), values, context);
  },
});
