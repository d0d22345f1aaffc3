import type { Command } from "./command.ts";

const nginx: Command = {
  meta: { name: "nginx", description: "look at the web server" },
  subCommands: {
    status: () => import("./nginx-status.ts").then((module) => module.default),
  },
};

export default nginx;
