import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "logrotate",
    description: "Rotate the logs of edox-ops",
    long: [
      "It installs logrotate and its configuration for /var/log/edox-ops.",
      "Logs are compressed weekly, and kept for eight weeks.",
    ],
    examples: ["sudo edox-ops host logrotate --yes", "edox-ops host logrotate --dry-run --diff"],
  },
  args: { ...changeFlags, ...bundleFlags },
  steps: async () => (await import("../../hardening/logrotate.ts")).logrotate.steps,
  async run(values, context) {
    const { logrotate } = await import("../../hardening/logrotate.ts");
    return change(() => logrotate, values, context);
  },
});
