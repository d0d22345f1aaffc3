import type { Command } from "./command.ts";

const bundle: Command = {
  meta: { name: "bundle", description: "Create, verify and show offline bundles, for hosts without a network" },
  subCommands: {
    create: () => import("./bundle/create.ts").then((module) => module.default),
    verify: () => import("./bundle/verify.ts").then((module) => module.default),
    show: () => import("./bundle/show.ts").then((module) => module.default),
  },
};

export default bundle;
