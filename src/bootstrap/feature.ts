import type { Feature } from "../engine/feature.ts";
import { bootstrapLogPath } from "./paths.ts";

/** The command that sets up a host. It asks before it changes anything. */
export const setUpCommand: readonly string[] = ["sudo", "edox-ops", "bootstrap"];

const bootstrap: Feature = {
  command: {
    description: "Set up this host to serve documentation sites",
    long: [
      "It installs nginx and a few tools, creates the directories of sites, and configures nginx safely.",
      "It is idempotent: satisfied steps are skipped, so you can run it again at any time.",
      "If a step fails, partial changes are rolled back.",
      "It needs Debian 12 or 13, Ubuntu 22.04 or later, or Raspberry Pi OS, and root.",
    ],
    examples: ["sudo edox-ops bootstrap --yes", "edox-ops bootstrap --dry-run --diff", "edox-ops bootstrap --check"],
  },
  recipes: async (facts) => [(await import("./recipe.ts")).bootstrap(facts)],
  bundled: async () => ({ name: "host", packages: (await import("./recipe.ts")).packages }),
  checks: () => [
    {
      name: `log:${bootstrapLogPath}`,
      run: (reader) =>
        reader.stat(bootstrapLogPath) === null
          ? {
              status: "not-set-up",
              detail: "not configured (optional; run edox-ops bootstrap --yes)",
              hint: setUpCommand,
            }
          : { status: "ok", detail: "present" },
    },
  ],
};

export default bootstrap;
