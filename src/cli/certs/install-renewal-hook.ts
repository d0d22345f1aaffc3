import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: { name: "install-renewal-hook", description: "Install the hook that has nginx load renewed certificates" },
  args: { ...changeFlags },
  steps: async () => (await import("../../certs/recipe.ts")).installRenewalHook.steps,
  async run(values, context) {
    const { installRenewalHook } = await import("../../certs/recipe.ts");
    return change(() => installRenewalHook, values, context);
  },
});
