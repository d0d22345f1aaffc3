import type { Command } from "./command.ts";

const host: Command = {
  meta: {
    name: "host",
    description: "Harden this host",
    long: [
      "Each command shows its plan with --dry-run, and a failed step is rolled back.",
      "Before SSH is changed, a login from outside proves who gets in.",
      "Rotated logs do not fill the disk.",
    ],
    examples: ["sudo edox-ops host ssh-harden --yes", "sudo edox-ops host logrotate --yes"],
  },
  groups: { Harden: ["admin", "ssh-harden", "firewall", "logrotate"], Confirm: ["confirm"] },
  subCommands: {
    admin: () => import("./host/admin.ts").then((module) => module.default),
    confirm: () => import("./host/confirm.ts").then((module) => module.default),
    "ssh-harden": () => import("./host/ssh-harden.ts").then((module) => module.default),
    firewall: () => import("./host/firewall.ts").then((module) => module.default),
    logrotate: () => import("./host/logrotate.ts").then((module) => module.default),
  },
};

export default host;
