import type { Command } from "../command.ts";

const backups: Command = {
  meta: { name: "backups", description: "the trees that deploys have replaced" },
  aliases: { ls: "list" },
  fallback: "list",
  subCommands: {
    list: () => import("./backups-list.ts").then((module) => module.default),
    prune: () => import("./backups-prune.ts").then((module) => module.default),
  },
};

export default backups;
