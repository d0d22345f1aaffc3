// Removes previews. The caller holds the project's lock.

import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { backupsOf } from "../deploy/releases.ts";
import { previewTarget } from "../target.ts";
import { metadataPathOf, previewsOf, treesOf } from "./names.ts";

/**
 * Removes a preview durably. The tree is renamed first, so that nginx never serves a part of it. The metadata goes last:
 * after a kill, the next prune finds a preview without a tree, and completes the removal.
 */
export function removePreview(host: Host, trees: Trees, slug: string, name: string): void {
  const { root, key } = previewTarget(slug, name);
  const away = `${previewsOf(slug)}/.removing-${name}`;
  trees.remove(away);
  if (trees.entry(root) !== null) trees.move(root, away);
  trees.remove(away);
  trees.remove(backupsOf(key));
  trees.remove(metadataPathOf(slug, name));
  for (const dir of [treesOf(slug), previewsOf(slug)]) if (host.list(dir)?.length === 0) host.remove(dir);
}
