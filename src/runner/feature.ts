import type { Feature } from "../engine/feature.ts";

const runner: Feature = {
  async recipes(facts) {
    const { gitlabRunnerInstall, prepareCiHost } = await import("./recipe.ts");
    return [gitlabRunnerInstall(facts), prepareCiHost(facts)];
  },
  checks: async ({ host }) => (await import("./checks.ts")).runnerChecks(host),
};

export default runner;
