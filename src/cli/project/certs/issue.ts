import type { RecipeFor } from "../../../run/recipes.ts";
import { command } from "../../command.ts";
import { changeFlags } from "../../flags.ts";
import { run } from "../../run.ts";
import { certificateChoices, certificateFlags } from "../certificate-flags.ts";
import { editOf, recordFlags, slugArgument, slugOf } from "../record.ts";

const { alias, domain } = recordFlags;

export default command({
  meta: {
    name: "issue",
    description: "Obtain a certificate for a project, with automatic renewal",
    long: [
      "It needs a DNS record of each name that leads to this host, and port 80 reachable from the internet.",
      "Both are checked before the first request, because failed requests count against a limit.",
      "certbot and its timer are installed if they are missing.",
      "To serve the site over HTTPS then, run project update with --tls.",
    ],
    examples: [
      "sudo edox-ops project certs issue docs --yes",
      "sudo edox-ops project certs issue docs --alias www.example.org --yes",
      "sudo edox-ops project certs issue docs --domain new.example.org --alias docs.example.org --yes",
      "sudo edox-ops project certs issue docs --server https://ca.example.org/acme/directory --yes",
      "edox-ops project certs issue docs --dry-run",
    ],
  },
  args: { ...slugArgument, ...certificateFlags, domain, alias, ...changeFlags },
  async steps(facts, host, slug = "") {
    const { issueCertificate } = await import("../../../certs/issue/recipe.ts");
    return (
      await issueCertificate(
        { slug, host, again: [], dryRun: true, preflight: false, after: (before) => before },
        facts,
      )
    ).steps;
  },
  async run(values, context) {
    const { issueCertificate, issueWaitMs } = await import("../../../certs/issue/recipe.ts");
    const { applyEdit } = await import("../../../sites/recipe.ts");
    const { confirm, convergeRecipe } = await import("../../../run/recipes.ts");
    const slug = slugOf(values);
    const edit = editOf({ domain: values.domain, alias: values.alias });
    const choices = certificateChoices(values);
    return run(values, context, async (session) => {
      const {
        host,
        again,
        options: { dryRun },
      } = session;
      const options = {
        slug,
        host,
        again,
        dryRun,
        ...choices,
        after: (before: Record<string, unknown> | null) => before && applyEdit(before, edit),
      };
      const recipeFor: RecipeFor = (facts) => issueCertificate(options, facts);
      const known = await confirm(session, recipeFor);
      if (known !== null) await convergeRecipe(session, recipeFor, { known, lockWaitMs: issueWaitMs });
    });
  },
});
