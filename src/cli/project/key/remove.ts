import { command } from "../../command.ts";
import { editFlags } from "../../flags.ts";
import { edit } from "../../run.ts";
import { slugArgument, slugOf } from "../record.ts";
import { nameOf } from "./flags.ts";

export default command({
  meta: {
    name: "remove",
    description: "Remove a deploy key",
    long: [
      "The next session of the key is refused.",
      "A deploy that is running may still end.",
      "With the last key, the sudo rule is removed as well.",
    ],
    examples: ["sudo edox-ops project key remove docs ci"],
  },
  args: {
    ...slugArgument,
    name: { type: "positional", completes: "key", description: "Name of the key" },
    ...editFlags,
  },
  async run(values, context) {
    const { removeKey } = await import("../../../deploy-keys/edit.ts");
    const [slug, name, host] = [slugOf(values), nameOf(values), await context.host()];
    return edit(() => removeKey(host, slug, name), values, context);
  },
});
