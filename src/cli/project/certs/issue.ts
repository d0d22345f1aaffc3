import type { RecipeFor } from "../../../run/recipes.ts";
import { command } from "../../command.ts";
import { changeFlags } from "../../flags.ts";
import { run } from "../../run.ts";
import { certificateChoices, certificateFlags } from "../certificate-flags.ts";
import { editOf, recordFlags, slugArgument, slugOf } from "../record.ts";

const { alias } = recordFlags;

export default command({
  meta: { name: "issue", description: "Obtain a certificate for a project, and have it renewed" },
  args: { ...slugArgument, ...certificateFlags, alias, ...changeFlags },
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
    const edit = editOf({ alias: values.alias });
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
