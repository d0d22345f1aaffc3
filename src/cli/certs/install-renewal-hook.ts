import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "install-renewal-hook",
    description: "Install the hook that makes nginx load renewed certificates",
    long: [
      "certbot runs the hook after each renewal.",
      "The hook tests the configuration, reloads nginx and records its result for certs status.",
    ],
    examples: [
      "sudo edox-ops certs install-renewal-hook --yes",
      "edox-ops certs install-renewal-hook --dry-run --diff",
    ],
  },
  args: { ...changeFlags },
  steps: async () => (await import("../../certs/recipe.ts")).installRenewalHook.steps,
  async run(values, context) {
    const { installRenewalHook } = await import("../../certs/recipe.ts");
    return change(() => installRenewalHook, values, context);
  },
});
