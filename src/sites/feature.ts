import type { Feature } from "../engine/feature.ts";
import { siteChecks } from "./checks.ts";

const sites: Feature = {
  checks: ({ reader, trees }) => siteChecks(reader, trees),
  async recipes() {
    const { versionLists } = await import("./versions/health.ts");
    return [versionLists];
  },
  repairs: true,
};

export default sites;
