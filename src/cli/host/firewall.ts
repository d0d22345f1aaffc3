import type { HostReader } from "../../host/host.ts";
import { repeatedValues, usage } from "../arguments.ts";
import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { guardFlags, sshPortFlag, sshPortOf } from "./flags.ts";
import { guardedChange } from "./guarded-change.ts";

export default command({
  meta: {
    name: "firewall",
    description: "Close all ports except SSH, HTTP and HTTPS with ufw",
    long: [
      "It installs ufw, denies incoming connections over IPv4 and IPv6, and allows outgoing ones.",
      "The ports on which the SSH server listens stay open, and so do 80 and 443.",
      "Each run sets all flags: it closes ports of an earlier --allow. Other rules of ufw stay.",
      "Logins are tested from outside, and a change that would lock you out is rolled back.",
      "Docker publishes ports past ufw: --docker closes them as well, except to what the flags allow.",
    ],
    examples: [
      "sudo edox-ops host firewall --yes",
      "sudo edox-ops host firewall --allow 8080 --allow 5432/tcp@10.0.0.0/8 --docker --yes",
      "sudo edox-ops host firewall --limit-ssh --confirm-within 10m",
    ],
  },
  args: {
    allow: {
      type: "string",
      valueHint: "port",
      description: "Open a port: 8080, 53/udp, or 5432/tcp@10.0.0.0/8 for one network (repeatable)",
    },
    ...sshPortFlag,
    "limit-ssh": { type: "boolean", description: "Limit each address to five connections to SSH within 30 seconds" },
    docker: { type: "boolean", description: "Close the ports that Docker publishes, except to what is allowed" },
    ...guardFlags,
    ...changeFlags,
    ...bundleFlags,
  },
  steps: async () => (await import("../../hardening/firewall/recipe.ts")).firewallRecipe().steps,
  async run(values, context) {
    const [{ readAllowed }, { firewallRecipe }, { recordedOptions }, { sshSession }] = await Promise.all([
      import("../../hardening/firewall/allow.ts"),
      import("../../hardening/firewall/recipe.ts"),
      import("../../hardening/firewall/wanted.ts"),
      import("../../ssh/session.ts"),
    ]);
    const allow = repeatedValues(values, "allow").map((text) => {
      const allowed = readAllowed(text);
      if ("reason" in allowed) throw usage(`invalid value '${text}' for --allow: ${allowed.reason}`);
      return allowed;
    });
    const sshPort = sshPortOf(values);
    const typed = { allow, limitSsh: values["limit-ssh"] === true, docker: values.docker === true };
    const sessionPort = (await sshSession(await context.host()))?.server.port;
    const optionsOf = (reader: HostReader) => {
      return { ...typed, sshPort: sshPort ?? recordedOptions(reader).sshPort, sessionPort };
    };
    return guardedChange((confirmWithinMs) => firewallRecipe(optionsOf, { confirmWithinMs }), values, context);
  },
});
