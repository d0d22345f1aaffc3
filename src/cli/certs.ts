import type { Command } from "./command.ts";

const certs: Command = {
  meta: { name: "certs", description: "Renew certificates, and show their state" },
  subCommands: {
    status: () => import("./certs/status.ts").then((module) => module.default),
    renew: () => import("./certs/renew.ts").then((module) => module.default),
    "setup-auto-renew": () => import("./certs/setup-auto-renew.ts").then((module) => module.default),
    install: () => import("./certs/install.ts").then((module) => module.default),
    "install-renewal-hook": () => import("./certs/install-renewal-hook.ts").then((module) => module.default),
  },
};

export default certs;
