// Which previews a project has.

import type { HostReader } from "../../host/host.ts";
import { isPreviewName, previewsOf, treesOf } from "./names.ts";

/** Returns the names of all previews of a project, sorted: those with a tree, with metadata, or with both. */
export function previewNames(reader: HostReader, slug: string): string[] {
  const recorded = (reader.list(previewsOf(slug)) ?? []).flatMap((file) => {
    return file.endsWith(".json") ? [file.slice(0, -".json".length)] : [];
  });
  const names = new Set([...(reader.list(treesOf(slug)) ?? []), ...recorded]);
  return [...names].filter(isPreviewName).sort();
}
