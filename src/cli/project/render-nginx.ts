import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "render-nginx", description: "print a project's nginx site, or write it to sites-available" },
  args: {
    ...slugArgument,
    stdout: { type: "boolean", description: "Print it without writing it, as --dry-run alone does" },
    ...editFlags,
  },
  async run(values, context) {
    const slug = slugOf(values);
    // A plain dry run prints the site, as the Python version did. With --check or --diff it prints a plan.
    const prints = values.stdout || (values["dry-run"] && !(values.check || values.diff || values.json));
    if (!prints) {
      const { renderProject } = await import("../../sites/recipe.ts");
      return edit((facts) => renderProject(slug, facts), values, context);
    }
    const { gatherFacts } = await import("../../engine/facts.ts");
    const { siteText } = await import("../../sites/serve/site.ts");
    const { theProject } = await import("../../sites/store.ts");
    const host = await context.host();
    await context.console.out(siteText(host, await theProject(host, slug), gatherFacts(host)));
    return exitCode.done;
  },
});
