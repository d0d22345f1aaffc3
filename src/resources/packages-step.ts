// The step that installs packages of the distribution, which several features begin with.

import type { Resource, Step } from "../engine/step.ts";
import { aptUsable } from "./apt-usable.ts";
import { dpkgConfigured, packageInstalled } from "./package.ts";
import { clockSet, firstBootDone } from "./ready.ts";

/** Joins names for a sentence: "a, b and c". */
export const listed = new Intl.ListFormat("en-GB");

/**
 * Returns a step that installs packages of the distribution, without their recommendations. `records` are changed before
 * the packages.
 */
export function packagesStep(id: string, names: readonly string[], records: readonly Resource[] = []): Step {
  return {
    id,
    title: `${listed.format(names)} ${names.length === 1 ? "is" : "are"} installed`,
    action: "Installing packages",
    requires: [firstBootDone, clockSet, ...aptUsable()],
    resources: [...records, dpkgConfigured, ...names.map(packageInstalled)],
  };
}
