import type { Feature } from "../engine/feature.ts";
import { bootstrapLogPath } from "./paths.ts";

const bootstrap: Feature = {
  command: { description: "turn this host into one for documentation sites" },
  recipes: async (facts) => [(await import("./recipe.ts")).bootstrap(facts)],
  bundled: async () => ({ name: "host", packages: (await import("./recipe.ts")).packages }),
  checks: () => [
    {
      name: `log:${bootstrapLogPath}`,
      run: (reader) => ({
        status: "ok",
        detail: reader.stat(bootstrapLogPath) ? "present" : "not configured (optional; run edox-ops bootstrap --yes)",
      }),
    },
  ],
};

export default bootstrap;
