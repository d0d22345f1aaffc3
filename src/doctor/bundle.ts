// Checks whether a bundle fits this host.

import { fits, hasSpace, versionsFinding } from "../bundle/fit.ts";
import { hasSpaceForImages } from "../bundle/images.ts";
import { openBundle } from "../bundle/reader.ts";
import type { Policy } from "../bundle/trust.ts";
import { gatherFacts } from "../engine/facts.ts";
import type { Check, Finding } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { signalPause } from "../problem/wait.ts";
import { examine, fromRequirement } from "./doctor.ts";

/** The time to read a bundle of some gigabytes from a slow stick, in milliseconds. */
const readLimitMs = 1_800_000;

/** Checks whether this bundle fits this host and no byte of it is damaged. */
export async function examineBundle(reader: HostReader, path: string, policy: Policy): Promise<Finding[]> {
  const bundle = openBundle(reader, path);
  try {
    const versions: Check = { name: "bundle:versions", run: (host) => versionsFinding(host, bundle) };
    const intact: Check = {
      name: "bundle:intact",
      async run() {
        await bundle.verify(signalPause(reader));
        return { status: "ok", detail: `${path} is intact` };
      },
    };
    const images = bundle.manifest.images.length === 0 ? [] : [hasSpaceForImages(bundle)];
    const requirements = [...fits(bundle, gatherFacts(reader), policy), hasSpace(bundle), ...images];
    return await examine(reader, [], [...requirements.map(fromRequirement), versions, intact], readLimitMs);
  } finally {
    bundle.close();
  }
}
