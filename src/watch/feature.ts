import type { Feature } from "../engine/feature.ts";
import { watchStateDir } from "./paths.ts";

const watch: Feature = {
  checks: async () => (await import("./checks.ts")).watchChecks,
  optional: {
    // Every user may look there, in contrast to the settings.
    isInstalled: (reader) => reader.stat(watchStateDir) !== null,
    listed: {},
  },
};

export default watch;
