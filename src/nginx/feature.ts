import type { Feature } from "../engine/feature.ts";

const nginx: Feature = {
  checks: async () => (await import("./checks.ts")).nginxChecks,
};

export default nginx;
