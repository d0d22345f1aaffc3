import type { Feature } from "../engine/feature.ts";

const backup: Feature = {
  checks: async ({ online }) => (await import("./checks.ts")).backupChecks(online),
};

export default backup;
