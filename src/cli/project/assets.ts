import type { Command } from "../command.ts";

const assets: Command = {
  meta: {
    name: "assets",
    description: "Manage hashed files of earlier releases",
    long: [
      "A page that a visitor opened before a deploy loads files of the earlier release.",
      "Files with a hash in their names therefore stay reachable for some releases.",
      "Without a subcommand they are listed.",
    ],
    examples: ["sudo edox-ops project assets docs", "sudo edox-ops project assets prune docs --dry-run"],
  },
  aliases: { ls: "list" },
  fallback: "list",
  subCommands: {
    list: () => import("./assets-list.ts").then((module) => module.default),
    prune: () => import("./assets-prune.ts").then((module) => module.default),
  },
};

export default assets;
