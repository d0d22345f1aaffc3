import { command } from "../command.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "disable",
    description: "Remove the timer that backs up this host",
    long: [
      "The repository, its snapshots and the settings stay.",
      "You can still run backups, and doctor warns when the last one is too old.",
    ],
    examples: ["sudo edox-ops backup disable --yes", "edox-ops backup disable --dry-run"],
  },
  args: { ...confirmationFlags, ...editFlags },
  async run(values, context) {
    const { disableRecipe } = await import("../../backup/recipe.ts");
    return change(disableRecipe, values, context);
  },
});
