import type { Feature } from "../engine/feature.ts";

const backup: Feature = {
  bundled: () => ({ name: "backup", packages: ["restic", "openssh-client"] }),
  checks: async ({ online }) => (await import("./checks.ts")).backupChecks(online),
};

export default backup;
