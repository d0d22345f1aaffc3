import { nearestName } from "../../text/nearest-name.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { guardFlags } from "./flags.ts";
import { guardedChange } from "./guarded-change.ts";

const { only: _, skip: __, "fail-step": ___, ...flags } = changeFlags;

export default command({
  meta: {
    name: "unharden",
    description: "Remove what the host commands added",
    long: [
      "It removes the files of edox-ops, and disables the services that edox-ops enabled.",
      "Logins are tested from outside before SSH or the firewall stays changed.",
      "Packages stay installed, and are listed at the end: unattended-upgrades continues to install updates.",
      "Without a part, all parts are removed.",
    ],
    examples: [
      "sudo edox-ops host unharden --dry-run --diff",
      "sudo edox-ops host unharden nginx --yes",
      "sudo edox-ops host unharden fail2ban,security-updates --yes",
    ],
  },
  args: {
    parts: {
      type: "positional",
      required: false,
      valueHint: "part,...",
      description: "Remove only these parts, as host status lists them",
    },
    ...guardFlags,
    ...flags,
  },
  async run(values, context) {
    const { parts } = await import("../../hardening/parts/parts.ts");
    const { unharden } = await import("../../hardening/parts/unharden.ts");
    const names = parts.map(({ name }) => name);
    const typed = values.parts?.split(",");
    const unknown = typed?.find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw usage(`unknown part '${unknown}': there are ${names.join(", ")}`, nearestName(unknown, names));
    }
    const host = await context.host();
    const chosen = parts.filter(({ name }) => typed?.includes(name) ?? true);
    return guardedChange((confirmWithinMs) => unharden(host, chosen, { confirmWithinMs }), values, context);
  },
});
