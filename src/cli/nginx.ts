import type { Command } from "./command.ts";

const nginx: Command = {
  meta: {
    name: "nginx",
    description: "Show the state of nginx",
    long: ["nginx is set up by bootstrap, and its sites by project.", "To find and fix problems, use doctor."],
    examples: ["sudo edox-ops nginx status"],
  },
  subCommands: {
    status: () => import("./nginx-status.ts").then((module) => module.default),
  },
};

export default nginx;
