import type { Command } from "./command.ts";

const bundle: Command = {
  meta: {
    name: "bundle",
    description: "Create, verify and show offline bundles",
    long: [
      "A bundle is one file with everything that a host without a network needs.",
      "Create it on any host with a network, copy it, and give it to other commands with --bundle.",
    ],
    examples: [
      "edox-ops bundle create --suite trixie --arch amd64 --with host --output edox.tar",
      "edox-ops bundle verify edox.tar",
      "sudo edox-ops bootstrap --bundle edox.tar --yes",
    ],
  },
  subCommands: {
    create: () => import("./bundle/create.ts").then((module) => module.default),
    verify: () => import("./bundle/verify.ts").then((module) => module.default),
    show: () => import("./bundle/show.ts").then((module) => module.default),
  },
};

export default bundle;
