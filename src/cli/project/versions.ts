import type { Command } from "../command.ts";

const versions: Command = {
  meta: {
    name: "versions",
    description: "Manage the versions of a site",
    long: [
      "A version is a tree of its own below one domain, such as /1.4/, with its own backups.",
      "An alias such as latest leads to one version, and can be moved to another one.",
      "To make a version, use project deploy --as. Without a subcommand the versions are listed.",
    ],
    examples: ["sudo edox-ops project versions docs", "sudo edox-ops project versions alias docs latest 1.5"],
  },
  aliases: { ls: "list", rm: "remove" },
  fallback: "list",
  subCommands: {
    list: () => import("./versions/list.ts").then((module) => module.default),
    alias: () => import("./versions/alias.ts").then((module) => module.default),
    default: () => import("./versions/default.ts").then((module) => module.default),
    rename: () => import("./versions/rename.ts").then((module) => module.default),
    remove: () => import("./versions/remove.ts").then((module) => module.default),
  },
};

export default versions;
