// Made by npm run docs, from the folders of src that have a feature.ts.

import type { Feature } from "../engine/feature.ts";

/** Loads each feature by the name of its folder. */
export const features = {
  bootstrap: () => import("../bootstrap/feature.ts").then((module) => module.default),
  nginx: () => import("../nginx/feature.ts").then((module) => module.default),
  runner: () => import("../runner/feature.ts").then((module) => module.default),
  sites: () => import("../sites/feature.ts").then((module) => module.default),
} satisfies Record<string, () => Promise<Feature>>;

/** The features that are commands. */
export const commandFeatures = ["bootstrap"] as const;
