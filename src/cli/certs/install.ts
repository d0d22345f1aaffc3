import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: { name: "install", description: "Install certbot" },
  args: { ...changeFlags, ...bundleFlags },
  steps: async () => (await import("../../certs/recipe.ts")).certsInstall.steps,
  async run(values, context) {
    const { certsInstall } = await import("../../certs/recipe.ts");
    return change(() => certsInstall, values, context);
  },
});
