import type { Facts } from "../../engine/facts.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { credentialOf, showGenerated } from "./password-flags.ts";
import { newProject, recordFlags, slugArgument, slugOf } from "./record.ts";
import { withRunnerWarning } from "./shared-host.ts";

const { "no-tls": _, "no-default": __, "no-hsts": ___, ...others } = recordFlags;
// A new project has no versions.
const { "noindex-old-versions": _____, "no-noindex-old-versions": ______, ...flags } = others;

// Only the slug of a project that does not exist yet is valid.
const { completes: ____, ...newSlug } = slugArgument.slug;

export default command({
  meta: {
    name: "add",
    description: "Register a project",
    long: [
      "It records the domain and the settings of a site.",
      "No files are deployed and nothing is served until you run project deploy and project enable.",
      "To do all of it at once, use project publish.",
    ],
    examples: [
      "sudo edox-ops project add docs --domain docs.example.org",
      "sudo edox-ops project add docs --domain docs.example.org --source-path /srv/docs/public",
    ],
  },
  args: { slug: newSlug, ...flags, ...editFlags },
  async run(values, context) {
    const { addProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    const project = newProject(slug, values, context);
    const credential = await credentialOf(slug, values, context);
    const recipeFor = (facts: Facts) => withRunnerWarning(addProject(project, facts, credential), slug);
    const exit = await edit(recipeFor, values, context);
    await showGenerated(slug, credential, context);
    return exit;
  },
});
