// Compressed files beside files: nginx sends X.gz or X.br in place of X, and compares neither content nor age. They are
// files of the source, or a deploy wrote them.

import type { Attributes } from "../../host/host.ts";
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

/** The files of a source get another mode, so that the mode distinguishes the two without reading them. */
const ownMode = 0o444;

/** Returns the attributes of a compressed file. */
export const compressedAttributes = ({ uid, gid }: Attributes): Attributes => ({ mode: ownMode, uid, gid });

/** Returns whether an entry is a compressed file that a deploy wrote beside `file`. */
export function isOwn(entry: TreeEntry | null, file: TreeEntry | undefined): boolean {
  return (
    entry?.type === "file" &&
    entry.mode === ownMode &&
    file?.type === "file" &&
    Math.floor(entry.modifiedMs / 1000) === Math.floor(file.modifiedMs / 1000)
  );
}

/** Returns the paths of the files that earlier deploys wrote into a release. */
export function ownFilesIn(trees: Trees, dir: string, candidates: readonly TreeEntry[]): string[] {
  const own = candidates.filter((entry) => {
    const encoding = encodingOf(entry.path);
    if (encoding === undefined || entry.mode !== ownMode) return false;
    return isOwn(entry, trees.entry(`${dir}/${plainOf(entry.path, encoding)}`) ?? undefined);
  });
  return own.map(({ path }) => path);
}
