import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "render-nginx",
    description: "Write or print the nginx site of a project",
    long: [
      "It writes the site to sites-available without enabling it.",
      "With --stdout it prints the site and changes nothing.",
      "project enable and project update write the site themselves.",
    ],
    examples: ["sudo edox-ops project render-nginx docs --stdout", "sudo edox-ops project render-nginx docs"],
  },
  args: {
    ...slugArgument,
    stdout: { type: "boolean", description: "Print the site without writing it" },
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
