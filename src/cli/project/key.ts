import type { Command } from "../command.ts";

const key: Command = {
  meta: {
    name: "key",
    description: "Manage the deploy keys of a project",
    long: [
      "A deploy key is an SSH key that can deploy one project, and nothing else.",
      "A CI job pipes a tar to ssh, and needs no root and no shell on this host.",
      "Without a subcommand the keys are listed.",
    ],
    examples: ["sudo edox-ops project key add docs --generate", "sudo edox-ops project key list"],
  },
  aliases: { ls: "list", rm: "remove" },
  fallback: "list",
  subCommands: {
    add: () => import("./key/add.ts").then((module) => module.default),
    list: () => import("./key/list.ts").then((module) => module.default),
    remove: () => import("./key/remove.ts").then((module) => module.default),
  },
};

export default key;
