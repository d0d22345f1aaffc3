import type { Command } from "./command.ts";

const gitlabRunner: Command = {
  meta: {
    name: "gitlab-runner",
    description: "Set up and manage GitLab Runner",
    long: [
      "It turns this host into one that runs CI jobs, also with Docker-in-Docker.",
      "Start with prepare-ci-host, then register a runner and run the selftest.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner prepare-ci-host --yes",
      "sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --token -",
      "sudo edox-ops gitlab-runner selftest",
    ],
  },
  aliases: { ls: "list" },
  groups: {
    "Set up": ["prepare-ci-host", "register", "selftest", "install"],
    "Show and check": ["status", "list"],
    "Keep the disk free": ["cleanup"],
    Change: ["upgrade", "unregister", "uninstall"],
  },
  subCommands: {
    "prepare-ci-host": () => import("./gitlab-runner/prepare-ci-host.ts").then((module) => module.default),
    register: () => import("./gitlab-runner/register.ts").then((module) => module.default),
    status: () => import("./gitlab-runner/status.ts").then((module) => module.default),
    list: () => import("./gitlab-runner/list.ts").then((module) => module.default),
    selftest: () => import("./gitlab-runner/selftest.ts").then((module) => module.default),
    cleanup: () => import("./gitlab-runner/cleanup.ts").then((module) => module.default),
    install: () => import("./gitlab-runner/install.ts").then((module) => module.default),
    upgrade: () => import("./gitlab-runner/upgrade.ts").then((module) => module.default),
    unregister: () => import("./gitlab-runner/unregister.ts").then((module) => module.default),
    uninstall: () => import("./gitlab-runner/uninstall.ts").then((module) => module.default),
  },
};

export default gitlabRunner;
