// A feature is a folder of src with a `feature.ts`, whose default export is a Feature. `npm run docs` lists the features
// in src/cli/features.ts, and those that are commands in src/cli/feature-commands.ts.

import type { Host, HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import type { Facts } from "./facts.ts";
import type { Check } from "./finding.ts";
import type { Recipe, Step } from "./step.ts";

/** The host that doctor checks. */
export interface CheckedHost {
  /** A snapshot, which reads each file once. */
  reader: HostReader;
  /** For requests that only a Host can send. */
  host: Host;
  trees(): Promise<Trees>;
}

export interface Feature {
  /** Adds a command with the name of the folder, which converges the first recipe. */
  command?: { description: string };
  /**
   * Returns the recipes whose resources doctor checks. A resource of several recipes is checked once, and the command
   * of the first one repairs it.
   */
  recipes?(facts: Facts): readonly Recipe[] | Promise<readonly Recipe[]>;
  /** Returns the checks of anything that is not a resource. */
  checks?(checked: CheckedHost): readonly Check[] | Promise<readonly Check[]>;
}

/**
 * Returns a step for something that a host may lack: doctor checks its resources only where it is installed. Elsewhere
 * doctor lists the resources named in `listed` as optional, and leaves the others out. A resource that has an
 * `isInstalled` of its own keeps it.
 */
export function optionalStep(
  step: Step,
  isInstalled: (reader: HostReader) => boolean,
  listed: readonly string[] = [],
): Step {
  const resources = step.resources.map((each) => ({
    ...each,
    isInstalled: each.isInstalled ?? isInstalled,
    ...(listed.includes(each.name) && { isListed: true as const }),
  }));
  return { ...step, resources };
}
