// Opens a bundle for one part of its content, which is verified while it is read: a site, an image or the program. The
// bundle may be for another system than that of this host, and it is not recorded as accepted.

import type { Bundle } from "../bundle/reader.ts";
import type { HostReader } from "../host/host.ts";
import { waitFor } from "../problem/wait.ts";
import type { Arguments, Values } from "./command.ts";
import { bundleFlags, bundlePolicyOf } from "./flags.ts";

/** Returns the flags of a command that takes a part of a bundle. */
export function contentFlags<const Description extends string>(description: Description) {
  return { ...bundleFlags, bundle: { ...bundleFlags.bundle, description } } satisfies Arguments;
}

/**
 * Returns the flags without those of a bundle, for a session that keeps its network. Throws a usage Problem for a flag
 * that needs --bundle.
 */
export function withoutBundle(values: Values): Values {
  bundlePolicyOf(values);
  const none = Object.fromEntries(Object.keys(bundleFlags).map((name) => [name, undefined]));
  return { ...values, ...none };
}

/**
 * Opens the bundle of --bundle, calls `use` with it, and closes it. `warnings` are about its signature. Throws a Problem
 * for a bundle that this host does not trust.
 */
export async function withBundle<T>(
  reader: HostReader,
  values: Values,
  use: (bundle: Bundle, warnings: readonly string[]) => Promise<T>,
): Promise<T> {
  const { openBundle } = await import("../bundle/reader.ts");
  const { notReplayed, signedByTrustedKey } = await import("../bundle/trust.ts");
  const bundle = openBundle(reader, String(values.bundle));
  try {
    const policy = bundlePolicyOf(values);
    const warnings: string[] = [];
    for (const each of [signedByTrustedKey(bundle, policy), notReplayed(bundle, policy)]) {
      warnings.push(...(await waitFor(reader, each)));
    }
    return await use(bundle, warnings);
  } finally {
    bundle.close();
  }
}
