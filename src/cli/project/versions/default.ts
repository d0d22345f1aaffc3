import { command } from "../../command.ts";
import { editFlags } from "../../flags.ts";
import { slugArgument, slugOf } from "../record.ts";
import { editVersions, nameIn } from "./edit.ts";

export default command({
  meta: {
    name: "default",
    description: "Set the version that addresses without one lead to",
    long: [
      "The front page of the site redirects to this version or alias, and so do pages that only it has.",
      "Pages of other versions name it as their canonical address.",
      "The name none removes the default.",
    ],
    examples: [
      "sudo edox-ops project versions default docs latest",
      "sudo edox-ops project versions default docs none",
    ],
  },
  args: {
    ...slugArgument,
    name: { type: "positional", completes: "version", description: "A version or an alias, or none" },
    ...editFlags,
  },
  async run(values, context) {
    const slug = slugOf(values);
    const name = values.name === "none" ? "none" : nameIn(values, "name");
    const command = `project versions default ${slug} ${name}`;
    if (name === "none") {
      const texts = { command, done: `${slug} has no default version.` };
      return editVersions(values, context, texts, { slug, defaultName: null });
    }
    const texts = { command, done: `The default version of ${slug} is ${name}.` };
    return editVersions(values, context, texts, { slug, defaultName: name });
  },
});
