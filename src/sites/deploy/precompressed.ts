// Compressed files of a source: nginx sends X.gz or X.br in place of X, and compares neither content nor age.

import type { Encoding, TreeEntry, Trees } from "../../host/trees.ts";
import { endOf } from "./links.ts";

/** The names that nginx looks for, in the order in which a deploy makes them. */
export const encodings = [".gz", ".br"] as const satisfies Encoding[];

export function encodingOf(path: string): Encoding | undefined {
  return encodings.find((encoding) => path.endsWith(encoding));
}

/** Returns the path of the file that is sent as the compressed file. */
export function plainOf(path: string, encoding: Encoding): string {
  return path.slice(0, -encoding.length);
}

/**
 * Returns the compressed files that lie beside a file of the same name without the ending and do not have its content.
 * Modification times prove nothing here, because a checkout or a copy sets both arbitrarily. A compressed file without
 * such a neighbour is a download and is not checked.
 */
export function staleFiles(
  trees: Trees,
  dir: string,
  compressed: readonly TreeEntry[],
  links: ReadonlyMap<string, string>,
): Set<string> {
  const fileAt = (path: string): string | null => {
    const end = endOf(path, links);
    if (end === null || trees.entry(`${dir}/${end}`)?.type !== "file") return null;
    return `${dir}/${end}`;
  };
  const stale = new Set<string>();
  for (const { path } of compressed) {
    const encoding = encodingOf(path);
    if (encoding === undefined) continue;
    const [packed, plain] = [fileAt(path), fileAt(plainOf(path, encoding))];
    if (packed !== null && plain !== null && !trees.isCompressedOf(packed, plain, encoding)) stale.add(path);
  }
  return stale;
}
