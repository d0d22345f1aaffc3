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
  /** Whether checks may contact servers other than those of this host. */
  online: boolean;
}

/** The system that an offline bundle is made for. */
export interface BundleTarget {
  family: "debian" | "ubuntu";
  codename: string;
  architecture: "amd64" | "arm64";
}

/** What a host can become with a bundle: the packages of a feature. Their dependencies follow from them. */
export interface BundledRole {
  /** The name by which `bundle create --with` selects it. */
  name: string;
  packages: readonly string[];
  /** The vendor's repository of these packages; without it, the distribution has all of them. */
  repository?: {
    name: string;
    /** The URL of the directory that contains `dists`, without a trailing slash. */
    uri: string;
    component: string;
    /** The fingerprint of the primary key, in upper-case hexadecimal. */
    fingerprint: string;
    /** Returns the URL of the key of a repository at this URL. */
    keyOrigin(uri: string): string;
  };
}

export interface Feature {
  /**
   * Adds a command with the name of the folder, which converges the first recipe. The texts are those of a command: a line
   * in the imperative, sentences about what it does, and command lines as a user types them.
   */
  command?: { description: string; long?: readonly string[]; examples?: readonly string[] };
  /**
   * Returns the recipes whose resources doctor checks. A resource of several recipes is checked once, and the command
   * of the first one repairs it.
   */
  recipes?(facts: Facts): readonly Recipe[] | Promise<readonly Recipe[]>;
  /** `doctor --fix` converges steps of the first recipe, too, although it is not the command of the folder's name. */
  repairs?: true;
  /** Returns the checks of anything that is not a resource. */
  checks?(checked: CheckedHost): readonly Check[] | Promise<readonly Check[]>;
  /** Returns what a bundle holds so that the feature can be installed without a network. */
  bundled?(target: BundleTarget): BundledRole | Promise<BundledRole>;
  /** For something optional. Without it, doctor expects the feature on each host. */
  optional?: {
    /** Returns whether the host has any part of the feature. Only then doctor loads its recipes and checks. */
    isInstalled(reader: HostReader): boolean;
    /** The checks that doctor lists in any case: the command that sets up what each of them checks. */
    listed: Readonly<Record<string, string>>;
    /** The listed checks stand for the whole feature, and are left out where it is installed. */
    standsAlone?: true;
  };
}

/**
 * Returns a step for an optional part of a feature: doctor checks its resources only where it is installed. A
 * resource that has an `isInstalled` of its own keeps it.
 */
export function optionalStep(step: Step, isInstalled: (reader: HostReader) => boolean): Step {
  return {
    ...step,
    resources: step.resources.map((each) => ({ ...each, isInstalled: each.isInstalled ?? isInstalled })),
  };
}
