// Files that nginx sends in the place of another: with gzip_static, X.gz for X, whatever is in it and however old it is.

import type { Trees } from "../host/trees.ts";
import { endOf } from "./links.ts";

export const gzipEnding = ".gz";

/**
 * Returns those of the gzip files that lie beside the file of the name without `.gz` and do not hold its content. Times
 * say nothing of that: a checkout or a copy gives both files any. One with no such file beside it is a download.
 */
export function staleGzips(
  trees: Trees,
  dir: string,
  gzips: readonly string[],
  links: ReadonlyMap<string, string>,
): Set<string> {
  const fileAt = (path: string): string | null => {
    const end = endOf(path, links);
    if (end === null || trees.entry(`${dir}/${end}`)?.type !== "file") return null;
    return `${dir}/${end}`;
  };
  const stale = gzips.filter((path) => {
    const [packed, plain] = [fileAt(path), fileAt(path.slice(0, -gzipEnding.length))];
    return packed !== null && plain !== null && !trees.isGzipOf(packed, plain);
  });
  return new Set(stale);
}
