// What is left of a bundle if the host has an earlier one: the members that changed.

import { Problem } from "../../problem/problem.ts";
import type { Manifest } from "../manifest.ts";
import type { Bundle } from "../reader.ts";

/**
 * Returns the manifest without what `since` has already. The package indexes that did not change are listed as kept;
 * `digests`: their SHA-256 in hex, by path. Throws a Problem if the earlier bundle is for another system.
 */
export function deltaOf(manifest: Manifest, since: Bundle, digests: ReadonlyMap<string, string>): Manifest {
  const old = since.manifest;
  const [from, to] = [old.target, manifest.target].map(({ codename, architecture }) => `${codename} ${architecture}`);
  if (from !== to) throw new Problem("usage", `${since.path} is a bundle for ${from}, and this one is for ${to}`);
  const before = new Map(old.members.map((member) => [member.path, member]));
  const keptBefore = new Map(old.kept.map((each) => [each.path, each.sha256]));
  const indexes = new Set(manifest.repositories.flatMap(({ files }) => files));
  const keys = new Set(manifest.keys.map(({ path }) => path));
  const isSame = ({ path, size, chunks }: Manifest["members"][number]): boolean => {
    const earlier = before.get(path);
    if (earlier === undefined) return indexes.has(path) && keptBefore.get(path) === digests.get(path);
    return earlier.size === size && earlier.chunks.join() === chunks.join();
  };
  // A key is small, and a host that removed it would ask for it.
  const same = manifest.members.filter((member) => !keys.has(member.path) && isSame(member));
  const samePaths = new Set(same.map(({ path }) => path));
  const isChanged = ({ path }: { path: string }): boolean => !samePaths.has(path);
  return {
    ...manifest,
    since: { id: since.id, serial: old.serial },
    packages: manifest.packages.filter(isChanged),
    images: manifest.images.filter(isChanged),
    sites: manifest.sites.filter(isChanged),
    program: manifest.program !== null && isChanged(manifest.program) ? manifest.program : null,
    kept: same.flatMap(({ path, size }) =>
      indexes.has(path) ? [{ path, sha256: digests.get(path) ?? "", size }] : [],
    ),
    members: manifest.members.filter(isChanged),
  };
}
