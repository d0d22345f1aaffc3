import type { Command } from "./command.ts";

const host: Command = {
  meta: {
    name: "host",
    description: "Harden this host",
    long: [
      "Each command shows its plan with --dry-run, and a failed step is rolled back.",
      "The command harden applies several parts at once, status shows them, and unharden removes them.",
    ],
    examples: ["sudo edox-ops host harden --yes", "sudo edox-ops host status", "sudo edox-ops host logrotate --yes"],
  },
  groups: {
    Harden: ["security-updates", "firewall", "fail2ban", "admin", "ssh-harden", "logrotate", "harden"],
    Manage: ["status", "confirm", "unharden"],
  },
  subCommands: {
    "security-updates": () => import("./host/security-updates.ts").then((module) => module.default),
    fail2ban: () => import("./host/fail2ban.ts").then((module) => module.default),
    firewall: () => import("./host/firewall.ts").then((module) => module.default),
    admin: () => import("./host/admin.ts").then((module) => module.default),
    "ssh-harden": () => import("./host/ssh-harden.ts").then((module) => module.default),
    logrotate: () => import("./host/logrotate.ts").then((module) => module.default),
    harden: () => import("./host/harden.ts").then((module) => module.default),
    status: () => import("./host/status.ts").then((module) => module.default),
    confirm: () => import("./host/confirm.ts").then((module) => module.default),
    unharden: () => import("./host/unharden.ts").then((module) => module.default),
  },
};

export default host;
