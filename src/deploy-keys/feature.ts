import type { Feature } from "../engine/feature.ts";
import { deployHome } from "./paths.ts";

const deployKeys: Feature = {
  async recipes() {
    const { deployKeys } = await import("./recipe.ts");
    return [deployKeys((before) => before, { command: "doctor --fix", done: "The deploy keys are set up." })];
  },
  repairs: true,
  async bundled() {
    const { packages } = await import("./recipe.ts");
    return { name: "deploy-keys", packages };
  },
  checks: async () => (await import("./checks.ts")).deployKeyChecks,
  optional: {
    // Every user may look there, in contrast to the record and the rule.
    isInstalled: (reader) => reader.stat(deployHome) !== null,
    listed: {},
  },
};

export default deployKeys;
