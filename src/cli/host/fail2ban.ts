import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { change } from "../run.ts";
import { sshPortFlag, sshPortOf } from "./flags.ts";

export default command({
  meta: {
    name: "fail2ban",
    description: "Ban addresses after failed SSH logins",
    long: [
      "It installs fail2ban with a jail for all ports of the SSH server.",
      "An address with five failed logins, also with wrong keys, is banned for ten minutes.",
      "The address of your session is never banned.",
    ],
    examples: ["sudo edox-ops host fail2ban --yes", "edox-ops host fail2ban --dry-run --diff"],
  },
  args: { ...sshPortFlag, ...changeFlags, ...bundleFlags },
  steps: async () => (await import("../../hardening/fail2ban/recipe.ts")).fail2ban().steps,
  async run(values, context) {
    const { fail2ban } = await import("../../hardening/fail2ban/recipe.ts");
    const { sshSession } = await import("../../ssh/session.ts");
    const sshPort = sshPortOf(values);
    const session = await sshSession(await context.host());
    return change(() => fail2ban({ sshPort, address: session?.client.address ?? null }), values, context);
  },
});
