// The package indexes of the last accepted bundle. A delta to it contains only those that have changed since.

import { root } from "../engine/change.ts";
import type { Host, HostReader } from "../host/host.ts";
import { digestOf, piecesOf, writePieces } from "../host/large-file.ts";
import { Problem } from "../problem/problem.ts";
import { chunkBytes, type Manifest } from "./manifest.ts";
import { keptIndexesDir } from "./paths.ts";
import type { Bundle } from "./reader.ts";

type Kept = Manifest["kept"][number];

const pathOf = (sha256: string): string => `${keptIndexesDir}/${sha256}`;

/** Keeps the indexes of an accepted bundle, each under its SHA-256, in place of those of the bundle before. */
export async function keepIndexes(host: Host, bundle: Bundle): Promise<void> {
  const paths = new Set(bundle.manifest.repositories.flatMap(({ files }) => files));
  if (paths.size === 0) return;
  if (host.stat(keptIndexesDir) === null) host.makeDirectory(keptIndexesDir, { mode: 0o755, ...root });
  const names = new Set<string>();
  for (const path of paths) {
    const name = keptEntry(bundle, path)?.sha256 ?? (await streamDigest(memberPieces(host, bundle, path)));
    names.add(name);
    if (host.stat(pathOf(name)) !== null) continue;
    await writePieces(host, pathOf(name), { mode: 0o644, ...root }, memberPieces(host, bundle, path));
  }
  for (const name of host.list(keptIndexesDir) ?? []) if (!names.has(name)) host.remove(pathOf(name));
}

/** Returns the entry of an index that the bundle does not contain, because the host has kept it. */
export function keptEntry({ manifest }: Bundle, path: string): Kept | undefined {
  return manifest.kept.find((each) => each.path === path);
}

/** Returns whether the host has the index unchanged. */
export function hasKept(reader: HostReader, { sha256 }: Kept): boolean {
  return digestOf(reader, pathOf(sha256)) === sha256;
}

/** Yields a kept index; nothing if the host does not have it. */
function* keptPieces(reader: HostReader, { sha256 }: Kept): Generator<Uint8Array> {
  const file = reader.openFile(pathOf(sha256));
  if (file === null) return;
  try {
    yield* piecesOf(file, chunkBytes);
  } finally {
    file.close();
  }
}

/**
 * Yields the verified pieces of a member, or of an index that the host has kept. Throws a Problem that names the bundle,
 * because its medium may be removed at any time.
 */
export async function* memberPieces(reader: HostReader, bundle: Bundle, path: string): AsyncGenerator<Uint8Array> {
  const kept = keptEntry(bundle, path);
  try {
    if (kept === undefined) yield* bundle.chunks(path);
    else yield* keptPieces(reader, kept);
  } catch (error) {
    const problem = Problem.of(error);
    throw problem.with({ message: `cannot read the bundle ${bundle.path}: ${problem.message}` });
  }
}

async function streamDigest(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const piece of pieces) hasher.update(piece);
  return hasher.digest("hex");
}
