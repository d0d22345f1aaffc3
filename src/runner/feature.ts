import { hasEngine } from "../docker/engine.ts";
import type { Feature } from "../engine/feature.ts";
import { isRunnerInstalled } from "./service.ts";

const install = "gitlab-runner install";
const prepare = "gitlab-runner prepare-ci-host";

const runner: Feature = {
  async recipes(facts) {
    const { gitlabRunnerInstall, prepareCiHost } = await import("./recipe.ts");
    return [gitlabRunnerInstall(facts), prepareCiHost(facts)];
  },
  async bundled({ family }) {
    const { runnerPackages, runnerRepository } = await import("./install.ts");
    return {
      name: "runner",
      packages: ["ca-certificates", ...runnerPackages],
      repository: runnerRepository(family),
    };
  },
  checks: async ({ host }) => (await import("./checks.ts")).runnerChecks(host),
  optional: {
    isInstalled: (reader) => isRunnerInstalled(reader) || hasEngine(reader),
    listed: {
      "runner:binary": install,
      "runner:user:gitlab-runner": install,
      "runner:home:/home/gitlab-runner": install,
      "runner:service": install,
      "ci-runner:docker": prepare,
      "ci-runner:docker-group": prepare,
      "ci-runner:docker-privileged": prepare,
    },
  },
};

export default runner;
