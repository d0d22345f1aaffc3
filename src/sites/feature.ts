import type { Feature } from "../engine/feature.ts";

const sites: Feature = {
  checks: async ({ reader, trees }) => (await import("./checks.ts")).siteChecks(reader, trees),
};

export default sites;
