// Made by npm run docs, from the folders of src that have a feature.ts.

import type { Feature } from "../engine/feature.ts";

/** Loads each feature that is a command, by the name of its folder. */
export const featureCommands = {
  bootstrap: () => import("../bootstrap/feature.ts").then((module) => module.default),
} satisfies Record<string, () => Promise<Feature>>;
