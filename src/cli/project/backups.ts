import type { Command } from "../command.ts";

const backups: Command = {
  meta: {
    name: "backups",
    description: "Manage the backups of a project",
    long: [
      "Each deploy leaves the previous files as a backup.",
      "Without a subcommand the backups are listed.",
      "To make a backup the live site again, use project restore.",
    ],
    examples: ["sudo edox-ops project backups docs", "sudo edox-ops project backups prune docs --keep 2 --dry-run"],
  },
  aliases: { ls: "list" },
  fallback: "list",
  subCommands: {
    list: () => import("./backups-list.ts").then((module) => module.default),
    prune: () => import("./backups-prune.ts").then((module) => module.default),
  },
};

export default backups;
