import type { Command } from "../command.ts";

const assets: Command = {
  meta: { name: "assets", description: "Hashed files of earlier releases that stay reachable" },
  aliases: { ls: "list" },
  fallback: "list",
  subCommands: {
    list: () => import("./assets-list.ts").then((module) => module.default),
    prune: () => import("./assets-prune.ts").then((module) => module.default),
  },
};

export default assets;
