import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "security-updates",
    description: "Install security updates automatically",
    long: [
      "It installs unattended-upgrades, which updates packages of the distribution every day.",
      "Packages of other sources, such as Docker and GitLab Runner, are not updated.",
      "The host reboots only with --reboot, and only after an update that requires it.",
    ],
    examples: [
      "sudo edox-ops host security-updates --yes",
      "sudo edox-ops host security-updates --reboot 03:30 --yes",
      "sudo edox-ops host security-updates --reboot never --yes",
    ],
  },
  args: {
    reboot: {
      type: "string",
      valueHint: "time",
      description: "Reboot at this time after an update that requires it, or never (default: as set before)",
    },
    ...changeFlags,
    ...bundleFlags,
  },
  steps: async () => (await import("../../hardening/updates.ts")).securityUpdates().steps,
  async run(values, context) {
    const { securityUpdates } = await import("../../hardening/updates.ts");
    const { reboot } = values;
    if (reboot !== undefined && !/^(?:([01]\d|2[0-3]):[0-5]\d|never)$/.test(reboot)) {
      throw usage(`invalid time '${reboot}' for --reboot (for example 03:30, or never)`);
    }
    return change(() => securityUpdates(reboot), values, context);
  },
});
