import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "install",
    description: "Install certbot",
    long: [
      "It installs certbot of the distribution and creates the directory for challenges.",
      "To set up the renewal as well, use certs setup-auto-renew.",
    ],
    examples: ["sudo edox-ops certs install --yes", "edox-ops certs install --dry-run"],
  },
  args: { ...changeFlags, ...bundleFlags },
  steps: async () => (await import("../../certs/recipe.ts")).certsInstall.steps,
  async run(values, context) {
    const { certsInstall } = await import("../../certs/recipe.ts");
    return change(() => certsInstall, values, context);
  },
});
