import { command } from "../../command.ts";
import { editFlags } from "../../flags.ts";
import { slugArgument, slugOf } from "../record.ts";
import { editVersions, nameIn } from "./edit.ts";

export default command({
  meta: {
    name: "alias",
    description: "Set the version that an alias leads to",
    long: [
      "An alias such as latest is a name for one version, served at its own address.",
      "It is moved atomically: each request is answered by the old version or by the new one.",
      "To remove an alias, use project versions remove.",
    ],
    examples: [
      "sudo edox-ops project versions alias docs latest 1.5",
      "sudo edox-ops project versions alias docs stable 1.4 --dry-run",
    ],
  },
  args: {
    ...slugArgument,
    alias: { type: "positional", completes: "version", description: "The alias, such as latest" },
    version: { type: "positional", completes: "version", description: "The version that it leads to" },
    ...editFlags,
  },
  async run(values, context) {
    const slug = slugOf(values);
    const [alias, version] = [nameIn(values, "alias"), nameIn(values, "version")];
    const texts = {
      command: `project versions alias ${slug} ${alias} ${version}`,
      done: `${alias} leads to ${version}.`,
    };
    return editVersions(values, context, texts, { slug, aliases: new Map([[alias, version]]) });
  },
});
