import type { Command } from "./command.ts";

const certs: Command = {
  meta: {
    name: "certs",
    description: "Show and renew certificates",
    long: [
      "Certificates are obtained by project publish --tls and by project certs issue.",
      "certbot renews them automatically, and nginx loads the new ones.",
    ],
    examples: ["sudo edox-ops certs status", "sudo edox-ops certs renew --dry-run"],
  },
  groups: {
    Certificates: ["status", "renew"],
    "Set up": ["setup-auto-renew", "install", "install-renewal-hook"],
  },
  subCommands: {
    status: () => import("./certs/status.ts").then((module) => module.default),
    renew: () => import("./certs/renew.ts").then((module) => module.default),
    "setup-auto-renew": () => import("./certs/setup-auto-renew.ts").then((module) => module.default),
    install: () => import("./certs/install.ts").then((module) => module.default),
    "install-renewal-hook": () => import("./certs/install-renewal-hook.ts").then((module) => module.default),
  },
};

export default certs;
