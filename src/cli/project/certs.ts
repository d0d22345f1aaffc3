import type { Command } from "../command.ts";

const certs: Command = {
  meta: { name: "certs", description: "Obtain the certificate of a project" },
  subCommands: { issue: () => import("./certs/issue.ts").then((module) => module.default) },
};

export default certs;
