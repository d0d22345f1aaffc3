// Precompressed files: with gzip_static, nginx sends X.gz in place of X, and compares neither content nor age.

import type { Trees } from "../../host/trees.ts";
import { endOf } from "./links.ts";

export const gzipEnding = ".gz";

/**
 * Returns the gzip files that lie beside a file of the same name without `.gz` and do not have its content.
 * Modification times prove nothing here, because a checkout or a copy sets both arbitrarily. A gzip file without such a
 * neighbour is a download and is not checked.
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
