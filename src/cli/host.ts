import type { Command } from "./command.ts";

const host: Command = {
  meta: {
    name: "host",
    description: "Harden this host",
    long: [
      "Each command shows its plan with --dry-run, and a failed step is rolled back.",
      "Rotated logs do not fill the disk.",
    ],
    examples: ["sudo edox-ops host logrotate --yes"],
  },
  groups: { Harden: ["logrotate"], Confirm: ["confirm"] },
  subCommands: {
    confirm: () => import("./host/confirm.ts").then((module) => module.default),
    logrotate: () => import("./host/logrotate.ts").then((module) => module.default),
  },
};

export default host;
