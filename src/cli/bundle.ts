import type { Command } from "./command.ts";

const bundle: Command = {
  meta: { name: "bundle", description: "Carry packages, images and sites to a host without a network" },
  subCommands: {
    create: () => import("./bundle/create.ts").then((module) => module.default),
    verify: () => import("./bundle/verify.ts").then((module) => module.default),
    show: () => import("./bundle/show.ts").then((module) => module.default),
  },
};

export default bundle;
