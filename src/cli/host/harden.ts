import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { guardFlags, sshPortFlag, sshPortOf } from "./flags.ts";
import { guardedChange } from "./guarded-change.ts";

export default command({
  meta: {
    name: "harden",
    description: "Apply the parts of the hardening in one run",
    long: [
      "It applies security-updates, firewall and fail2ban.",
      "With --all, it also applies ssh-harden and logrotate, and restricts the service nginx.",
      "A part that fails is rolled back, the other parts are applied, and the exit code is 1.",
      "nginx is restarted once, and each site is requested before and after that.",
    ],
    examples: [
      "sudo edox-ops host harden --yes",
      "sudo edox-ops host harden --all --yes",
      "edox-ops host harden --all --dry-run --diff",
    ],
  },
  args: {
    all: { type: "boolean", description: "Apply ssh-harden, logrotate and the restrictions of nginx as well" },
    ...sshPortFlag,
    ...guardFlags,
    ...changeFlags,
    ...bundleFlags,
  },
  steps: async () => (await import("../../hardening/parts/harden.ts")).harden({ all: true }).steps,
  async run(values, context) {
    const { harden } = await import("../../hardening/parts/harden.ts");
    const { sshSession } = await import("../../ssh/session.ts");
    const sshPort = sshPortOf(values);
    const session = await sshSession(await context.host());
    const wanted = { sshPort, all: values.all === true, session };
    return guardedChange((confirmWithinMs) => harden({ ...wanted, confirmWithinMs }), values, context);
  },
});
