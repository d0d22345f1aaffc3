import type { Command } from "./command.ts";

const gitlabRunner: Command = {
  meta: { name: "gitlab-runner", description: "set up this host for CI jobs of a GitLab" },
  subCommands: {
    "prepare-ci-host": () => import("./gitlab-runner/prepare-ci-host.ts").then((module) => module.default),
    register: () => import("./gitlab-runner/register.ts").then((module) => module.default),
    status: () => import("./gitlab-runner/status.ts").then((module) => module.default),
    list: () => import("./gitlab-runner/list.ts").then((module) => module.default),
    selftest: () => import("./gitlab-runner/selftest.ts").then((module) => module.default),
    install: () => import("./gitlab-runner/install.ts").then((module) => module.default),
    upgrade: () => import("./gitlab-runner/upgrade.ts").then((module) => module.default),
    unregister: () => import("./gitlab-runner/unregister.ts").then((module) => module.default),
    uninstall: () => import("./gitlab-runner/uninstall.ts").then((module) => module.default),
  },
};

export default gitlabRunner;
