import type { Feature } from "../engine/feature.ts";

const runner: Feature = {
  checks: async ({ host }) => (await import("./checks.ts")).runnerChecks(host),
};

export default runner;
