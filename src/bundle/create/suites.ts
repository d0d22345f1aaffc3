// The systems that a bundle can be made for, and the rule that their apt has for keys.

import type { BundleTarget } from "../../engine/feature.ts";

interface Suite {
  family: BundleTarget["family"];
  /** Whether its apt verifies with sqv, which refuses a key that only SHA-1 binds (since 2026-02-01). */
  refusesSha1: boolean;
}

const known: Record<string, Suite> = {
  bookworm: { family: "debian", refusesSha1: false },
  trixie: { family: "debian", refusesSha1: true },
  jammy: { family: "ubuntu", refusesSha1: false },
  noble: { family: "ubuntu", refusesSha1: false },
  resolute: { family: "ubuntu", refusesSha1: true },
};

/** The codenames of the suites. */
export const suiteNames = Object.keys(known);

/** Returns the target, or null for a suite or an architecture that edox-ops does not support. */
export function targetOf(codename: string, architecture: string): BundleTarget | null {
  const suite = Object.hasOwn(known, codename) ? known[codename] : undefined;
  if (suite === undefined || (architecture !== "amd64" && architecture !== "arm64")) return null;
  return { family: suite.family, codename, architecture };
}

/** Returns whether the target's apt refuses keys and signatures that only SHA-1 vouches for. */
export function refusesSha1({ codename }: BundleTarget): boolean {
  return known[codename]?.refusesSha1 === true;
}
