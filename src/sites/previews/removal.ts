// Removes previews. The caller holds the project's lock.

import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { backupsOf } from "../deploy/releases.ts";
import { previewTarget } from "../target.ts";
import { metadataPathOf, previewsOf, treesOf } from "./names.ts";

/**
 * Removes a preview durably. The tree is renamed first, so that nginx never serves a part of it. The metadata goes last:
 * after a kill, the next prune finds a preview without a tree, and completes the removal. All names are those in an open
 * directory, so that a symlink that another user plants has no effect.
 */
export function removePreview(host: Host, trees: Trees, slug: string, name: string): void {
  const { root, key } = previewTarget(slug, name);
  const dir = previewsOf(slug);
  const opened = trees.open(dir, [0, host.uid]);
  if (opened !== null) {
    const within = (path: string): string => opened.path + path.slice(dir.length);
    try {
      const away = within(`${dir}/.removing-${name}`);
      trees.remove(away);
      if (trees.entry(within(root)) !== null) trees.move(within(root), away);
      trees.remove(away);
      removeBackups(host, trees, key);
      trees.remove(within(metadataPathOf(slug, name)));
    } finally {
      opened.close();
    }
  } else removeBackups(host, trees, key);
  for (const each of [treesOf(slug), dir]) if (host.list(each)?.length === 0) host.remove(each);
}

/** Removes the working files of the deploys of a preview. */
function removeBackups(host: Host, trees: Trees, key: string): void {
  const above = trees.open(parentOf(backupsOf(key)), [0, host.uid]);
  if (above === null) return;
  try {
    trees.remove(`${above.path}/${nameOf(key)}`);
  } finally {
    above.close();
  }
}
