// The repository of a vendor, such as Docker's: its key has a pinned fingerprint, and must be one that the target's apt
// accepts.

import type { BundledRole, BundleTarget } from "../../engine/feature.ts";
import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { type Mirror, pinnedKey } from "../../resources/apt-repository.ts";
import { publicKeys, strongSigners } from "../../signature/openpgp.ts";
import { writeText } from "./apt-root.ts";
import type { Source } from "./sources.ts";
import { refusesSha1 } from "./suites.ts";

interface VendorRequest {
  repository: Required<BundledRole>["repository"];
  mirror: Mirror;
  target: BundleTarget;
  /** A directory for the key, which apt reads there. */
  keysDir: string;
}

/** Fetches and verifies the key, and returns the source. */
export async function vendorSource(
  host: Host,
  { repository, mirror, target, keysDir }: VendorRequest,
): Promise<Source> {
  const { name, component } = repository;
  const uri = mirror.uri ?? repository.uri;
  const fingerprint = mirror.fingerprint ?? repository.fingerprint;
  const keyOrigin = mirror.key ?? repository.keyOrigin(uri);
  const bytes = await pinnedKey(host, name, { fingerprint, keyOrigin });
  const keyPath = `${keysDir}/${name}.asc`;
  writeText(host, keyPath, bytes, 0o644);
  // A host asks for the key at the address that follows from its own flags.
  const urls = [keyOrigin, repository.keyOrigin(uri), repository.keyOrigin(repository.uri)];
  return {
    name,
    uri,
    suite: target.codename,
    components: [component],
    keyPath,
    key: {
      bytes,
      path: `keys/${name}.asc`,
      fingerprint,
      urls: [...new Set(urls.filter((each) => /^https?:/.test(each)))],
    },
  };
}

/**
 * Throws a Problem if the target's apt would refuse the repository: its sqv accepts neither a signature nor a key that
 * only SHA-1 vouches for. The apt of this machine may be older and accept both. `release`: the InRelease file.
 */
export function demandAccepted({ name, key }: Source, release: Uint8Array, target: BundleTarget): void {
  if (key === null || !refusesSha1(target)) return;
  const keys = publicKeys(key.bytes);
  const signing = strongSigners(release);
  if (signing.length === 0) {
    const message = `the repository of ${name} is signed over SHA-1 only, which apt of ${target.codename} refuses`;
    throw new Problem("invalid-signature", message);
  }
  const primary = keys.find(({ fingerprint }) => fingerprint === key.fingerprint);
  if (primary !== undefined && !primary.isWeak && keys.some(({ id, isWeak }) => !isWeak && signing.includes(id)))
    return;
  const message = `the key of ${name} is bound by SHA-1 only, which apt of ${target.codename} refuses: ${key.fingerprint}`;
  throw new Problem("invalid-signature", message);
}
