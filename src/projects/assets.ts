// Files of earlier releases, for pages that were opened before: nginx asks for them where the tree has none.

import type { Made, Trees } from "../host/trees.ts";
import { assetsDir } from "../recipes/paths.ts";
import { keptAssetsOf } from "./releases.ts";

/** A name with a hash in it, as the generators of sites make them: app.4f283b18.js, theme.BvQ0Vm3t.js. */
const fingerprinted = /[.-](?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{8,}\.(?!html?$)[a-z0-9]+$/;

/** Of what the next tree has no more, by a second name: before it is live, or a reader is between. */
export function keepAssets(trees: Trees, slug: string, live: string, removed: readonly string[], made: Made): void {
  for (const path of removed) {
    if (!fingerprinted.test(path) || trees.entry(`${live}/${path}`)?.type !== "file") continue;
    const to = `${keptAssetsOf(slug)}/${path}`;
    if (trees.entry(to) !== null) trees.remove(to);
    makeAbove(trees, to, made);
    trees.share(`${live}/${path}`, to);
  }
}

/** A file that no backup has any more has one name left: this one. */
export function dropUnheldAssets(trees: Trees, slug: string): void {
  const dir = keptAssetsOf(slug);
  if (trees.entry(dir) === null) return;
  const unheld = [...trees.walk(dir)].filter(({ type, names }) => type === "file" && names === 1);
  for (const { path } of unheld) trees.remove(`${dir}/${path}`);
}

function makeAbove(trees: Trees, path: string, made: Made): void {
  const above = path.slice(0, path.lastIndexOf("/"));
  if (trees.entry(above) !== null) return;
  if (above !== assetsDir) makeAbove(trees, above, made);
  trees.makeDirectory(above, { ...made, mode: 0o755 });
}
