// A bundle that a run installs from: its host, its requirements, and the record that it was accepted.

import type { Facts } from "../engine/facts.ts";
import type { Host } from "../host/host.ts";
import type { Requirement } from "../problem/requirement.ts";
import { type Stop, signalPause, throwIfInterrupted } from "../problem/wait.ts";
import { bundledHost } from "./bundled-host.ts";
import { comparedPackages, fits, hasSpaceForIndexes } from "./fit.ts";
import type { Pause } from "./local-repository.ts";
import { type Bundle, openBundle } from "./reader.ts";
import { accept, type Policy } from "./trust.ts";

/** A smaller file is verified in less than a second. */
const largeBytes = 256 * 1024 * 1024;

/** What a run does while a bundle is read. */
export interface Reading {
  /** Ends the reading when it returns a Problem. */
  stop: Stop;
  /** Reports that the run verifies the file. */
  waiting(sentence: string): void;
}

/** A package that a run would install. `requested` is false for one that only others may depend on. */
export interface PlannedPackage {
  name: string;
  version: string;
  requested: boolean;
}

export interface AppliedBundle extends Bundle {
  /** The host with the bundle in place of its network. */
  host: Host;
  /**
   * Returns the requirements of a run: the bundle fits this host, is trusted, and no byte of it is damaged. The whole
   * file is read once.
   */
  requirements(facts: Facts): Requirement[];
  /** Sets how reading is reported and interrupted. The session, which does both, is opened after the bundle. */
  attach(reading: Reading): void;
  /** Returns those of these packages that are missing on the host, and those that they may need. */
  planned(names: readonly string[]): PlannedPackage[];
  /** Records that the host has accepted it. */
  accept(): Promise<void>;
  /** Removes the apt source of the bundle. */
  discard(): void;
}

/** Returns the bundle with a pause before each piece of a member, which can end the reading. */
export function withPauses<B extends Pick<Bundle, "chunks">>(bundle: B, pause: Pause): B {
  return {
    ...bundle,
    async *chunks(path) {
      for await (const piece of bundle.chunks(path)) {
        await pause();
        yield piece;
      }
    },
  };
}

/** Opens a bundle for a run. Throws a Problem if there is none, or if its manifest is invalid. */
export function applyBundle(host: Host, path: string, policy: Policy): AppliedBundle {
  const bundle = openBundle(host, path);
  let reading: Reading = { stop: () => null, waiting: () => {} };
  let isVerified = false;
  const rest = signalPause(host);
  const pause: Pause = () => {
    throwIfInterrupted(reading.stop);
    return rest();
  };
  const { host: bundled, discard } = bundledHost(host, bundle, pause);
  return {
    ...withPauses(bundle, pause),
    host: bundled,
    discard,
    attach(next) {
      reading = next;
    },
    accept: () => accept(host, bundle),
    planned(names) {
      const { absent, older } = comparedPackages(host, bundle);
      const named = new Set(names);
      const isNamed = ({ name }: { name: string }): boolean => named.has(name);
      return [
        ...[...absent, ...older].filter(isNamed).map(({ name, version }) => ({ name, version, requested: true })),
        ...absent.filter((each) => !isNamed(each)).map(({ name, version }) => ({ name, version, requested: false })),
      ];
    },
    requirements(facts) {
      const intact: Requirement = {
        name: "bundle:intact",
        title: "no byte of the bundle is damaged",
        async check() {
          if (isVerified) return null;
          const mebibytes = Math.round(bundle.size / 1024 / 1024);
          if (bundle.size > largeBytes) reading.waiting(`verifying ${path} (${mebibytes} MiB)`);
          await bundle.verify(pause);
          isVerified = true;
          return null;
        },
      };
      return [...fits(bundle, facts, policy), hasSpaceForIndexes(bundle), intact];
    },
  };
}
