import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { newProject, recordFlags, slugArgument, slugOf } from "./record.ts";
import { withRunnerWarning } from "./shared-host.ts";

const { "no-tls": _, "no-default": __, "no-hsts": ___, ...flags } = recordFlags;

// Only the slug of a project that does not exist yet is valid.
const { completes: ____, ...newSlug } = slugArgument.slug;

export default command({
  meta: { name: "add", description: "register a project" },
  args: { slug: newSlug, ...flags, ...editFlags },
  async run(values, context) {
    const { addProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    const project = newProject(slug, values, context);
    return edit((facts) => withRunnerWarning(addProject(project, facts), slug), values, context);
  },
});
