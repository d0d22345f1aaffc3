import type { Command } from "../command.ts";

const certs: Command = {
  meta: {
    name: "certs",
    description: "Obtain certificates for projects",
    long: [
      "To obtain the certificate together with the site, use project publish --tls.",
      "For the state and the renewal of all certificates, use certs.",
    ],
    examples: ["sudo edox-ops project certs issue docs --yes"],
  },
  subCommands: { issue: () => import("./certs/issue.ts").then((module) => module.default) },
};

export default certs;
