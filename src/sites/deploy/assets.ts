// Hashed files of earlier releases, for pages that were opened before a deploy. nginx serves them where the live tree
// has no such file.

import { docsRoot } from "../../engine/paths.ts";
import type { NewAttributes, Trees } from "../../host/trees.ts";
import { hasHashedName } from "../../nginx/hashed-names.ts";
import { parentOf } from "../../text/path.ts";
import { assetsDir } from "../paths.ts";
import type { Target } from "../target.ts";
import { keptAssetsOf } from "./releases.ts";

/** A file of an earlier release that is still served, by its path within the site. */
export interface KeptAsset {
  path: string;
  bytes: number;
}

/**
 * Hard-links those of the removed files whose names carry a hash. It runs before the new tree is live, so that no
 * request finds a file missing.
 */
export function keepAssets(
  trees: Trees,
  {
    target: { assets },
    live,
    removed,
    attributes,
  }: { target: Target; live: string; removed: readonly string[]; attributes: NewAttributes },
): void {
  if (assets === null) return;
  for (const path of removed) {
    if (!hasHashedName(path) || trees.entry(`${live}/${path}`)?.type !== "file") continue;
    const to = `${assets}/${path}`;
    if (trees.entry(to) !== null) trees.remove(to);
    makeAbove(trees, to, attributes);
    trees.share(`${live}/${path}`, to);
  }
}

/** Returns the files of earlier releases that are still served, sorted by path. */
export function listKeptAssets(trees: Trees, dir: string | null): KeptAsset[] {
  if (dir === null || trees.entry(dir) === null) return [];
  const files = [...trees.walk(dir)].filter(({ type }) => type !== "directory");
  return files.map(({ path, size }) => ({ path, bytes: size }));
}

/**
 * Removes kept files that no longer belong here: files that no backup has any more (this is the last hard link), and
 * files that the live tree has again. An earlier version also kept files without a hash in their names; they are
 * removed too.
 */
export function pruneAssets(trees: Trees, { assets: dir, root }: Target): void {
  if (dir === null || trees.entry(dir) === null) return;
  const unheld = [...trees.walk(dir)].filter(({ path, type, names }) => {
    return type === "file" && (names === 1 || !hasHashedName(path) || trees.entry(`${root}/${path}`) !== null);
  });
  for (const { path } of unheld) trees.remove(`${dir}/${path}`);
}

/** Removes all kept files of a project. The removal is durable: it survives a power failure. */
export function removeAssets(trees: Trees, slug: string): void {
  trees.remove(keptAssetsOf(slug));
  trees.sync(docsRoot);
}

function makeAbove(trees: Trees, path: string, attributes: NewAttributes): void {
  const above = parentOf(path);
  if (trees.entry(above) !== null) return;
  if (above !== assetsDir) makeAbove(trees, above, attributes);
  trees.makeDirectory(above, { ...attributes, mode: 0o755 });
}
