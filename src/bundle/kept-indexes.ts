// The package indexes of the last accepted bundle. The next one may hold only what has changed since.

import type { Host, HostReader } from "../host/host.ts";
import type { Manifest } from "./manifest.ts";
import { keptIndexesDir } from "./paths.ts";
import type { Bundle } from "./reader.ts";

const root = { uid: 0, gid: 0 };

/** Keeps the indexes of an accepted bundle, each under its SHA-256, in place of those of the bundle before. */
export async function keepIndexes(host: Host, bundle: Bundle): Promise<void> {
  const paths = new Set(bundle.manifest.repositories.flatMap(({ files }) => files));
  if (paths.size === 0) return;
  if (host.stat(keptIndexesDir) === null) host.makeDirectory(keptIndexesDir, { mode: 0o755, ...root });
  const names = new Set<string>();
  for (const path of paths) {
    const entry = keptEntry(bundle, path);
    const bytes = entry === undefined ? await bundle.bytes(path) : null;
    const name = entry?.sha256 ?? digestOf(bytes ?? new Uint8Array());
    names.add(name);
    const target = `${keptIndexesDir}/${name}`;
    if (bytes !== null && host.stat(target) === null) host.writeFile(target, bytes, { mode: 0o644, ...root });
  }
  for (const name of host.list(keptIndexesDir) ?? []) if (!names.has(name)) host.remove(`${keptIndexesDir}/${name}`);
}

/** Returns the entry of an index that the bundle does not contain, because the host has kept it. */
export function keptEntry({ manifest }: Bundle, path: string): Manifest["kept"][number] | undefined {
  return manifest.kept.find((each) => each.path === path);
}

/** Returns a kept index, or null if the host does not have it unchanged. */
export function keptIndex(reader: HostReader, { sha256 }: Manifest["kept"][number]): Uint8Array | null {
  const bytes = reader.read(`${keptIndexesDir}/${sha256}`);
  return bytes !== null && digestOf(bytes) === sha256 ? bytes : null;
}

function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
