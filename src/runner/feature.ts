import type { Feature } from "../engine/feature.ts";
import { runnerChecks } from "./checks.ts";
import { gitlabRunnerInstall, prepareCiHost } from "./recipe.ts";

const runner: Feature = {
  recipes: (facts) => [gitlabRunnerInstall(facts), prepareCiHost(facts)],
  checks: ({ host }) => runnerChecks(host),
};

export default runner;
