import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: { name: "setup-auto-renew", description: "Install certbot, its hook for nginx and its timer" },
  args: { ...changeFlags, ...bundleFlags },
  steps: async () => (await import("../../certs/recipe.ts")).setUpAutoRenew.steps,
  async run(values, context) {
    const { setUpAutoRenew } = await import("../../certs/recipe.ts");
    return change(() => setUpAutoRenew, values, context);
  },
});
