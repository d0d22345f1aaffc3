import { command } from "../../command.ts";
import { outputFlags } from "../../flags.ts";
import { printFound } from "../../view.ts";
import { slugArgument, slugOf } from "../record.ts";

export default command({
  meta: {
    name: "list",
    description: "List deploy keys",
    long: [
      "Each key is listed with its project, name, fingerprint and limits.",
      "What the keys did is in /var/log/edox-ops/deploy-keys.log.",
    ],
    examples: ["sudo edox-ops project key list", "sudo edox-ops project key list docs --json"],
  },
  args: { slug: { ...slugArgument.slug, required: false }, json: outputFlags.json },
  async run(values, context) {
    const { readKeys } = await import("../../../deploy-keys/record.ts");
    const { keysTable, keysText } = await import("./list-view.ts");
    const host = await context.host();
    const slug = values.slug === undefined ? null : slugOf(values);
    const keys = (readKeys(host)?.keys ?? []).filter(({ project }) => slug === null || project === slug);
    return printFound(context, values.json, {
      document: { deploy_keys: keys },
      view: (view) => keysTable(keys, slug, host.now(), view),
      text: () => keysText(keys, host.now()),
    });
  },
});
