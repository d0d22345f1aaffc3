import type { Command } from "../command.ts";

const previews: Command = {
  meta: {
    name: "previews",
    description: "Manage the previews of a project",
    long: [
      "A preview is a copy of the site at an address of its own, for example for a merge request.",
      "project deploy --preview makes one, and it is removed when it expires.",
      "Without a subcommand the previews are listed.",
    ],
    examples: [
      "sudo edox-ops project deploy docs public --preview fix-7",
      "sudo edox-ops project previews docs",
      "sudo edox-ops project previews remove docs fix-7",
    ],
  },
  aliases: { ls: "list", rm: "remove" },
  fallback: "list",
  subCommands: {
    list: () => import("./previews-list.ts").then((module) => module.default),
    remove: () => import("./previews-remove.ts").then((module) => module.default),
    prune: () => import("./previews-prune.ts").then((module) => module.default),
  },
};

export default previews;
