import type { Feature } from "../engine/feature.ts";
import { hookPath, renewalsDir } from "./paths.ts";

const setUp = "certs setup-auto-renew";

const certs: Feature = {
  recipes: async () => [(await import("./recipe.ts")).setUpAutoRenew],
  bundled: async () => ({ name: "certs", packages: (await import("./recipe.ts")).certsPackages }),
  optional: {
    isInstalled: (reader) => [hookPath, renewalsDir].some((path) => reader.stat(path) !== null),
    listed: { "certs:managed": setUp },
  },
};

export default certs;
