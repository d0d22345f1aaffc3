// Collects the paths of all features, for the documentation.

import * as bootstrapPaths from "../src/bootstrap/paths.ts";
import * as sharedPaths from "../src/engine/paths.ts";
import * as nginxPaths from "../src/nginx/paths.ts";
import * as runnerPaths from "../src/runner/paths.ts";
import * as programPaths from "../src/self-update/paths.ts";
import * as sitesPaths from "../src/sites/paths.ts";

export const paths = {
  ...sharedPaths,
  ...bootstrapPaths,
  ...nginxPaths,
  ...runnerPaths,
  ...programPaths,
  ...sitesPaths,
};
