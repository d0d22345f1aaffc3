import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "setup-auto-renew",
    description: "Set up automatic renewal of certificates",
    long: [
      "It installs certbot of the distribution, its timer, and a hook that makes nginx load renewed certificates.",
      "Certificates of the Python version are changed to a directory that no deploy removes.",
      "project publish --tls and project certs issue include this setup.",
    ],
    examples: ["sudo edox-ops certs setup-auto-renew --yes", "edox-ops certs setup-auto-renew --dry-run"],
  },
  args: { ...changeFlags, ...bundleFlags },
  steps: async () => (await import("../../certs/recipe.ts")).setUpAutoRenew.steps,
  async run(values, context) {
    const { setUpAutoRenew } = await import("../../certs/recipe.ts");
    return change(() => setUpAutoRenew, values, context);
  },
});
