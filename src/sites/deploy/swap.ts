// Swaps two trees: atomically where the file system can, otherwise by copying.

import type { Attributes } from "../../host/host.ts";
import type { NewAttributes, TreeEntry, Trees } from "../../host/trees.ts";
import { encodingOf, plainOf } from "./precompressed.ts";

/**
 * Swaps the live tree and the stage. Returns false where no atomic swap is possible: for a mount point, or a directory
 * of an overlay's lower layer. Then it changes the owner of the live tree to `owner` and replaces the files one by one,
 * each atomically.
 */
export function swap(trees: Trees, live: string, stage: string, owner: Pick<Attributes, "uid" | "gid">): boolean {
  if (trees.exchange(live, stage)) return true;
  const old = `${stage}${wholeCopy}`;
  trees.adopt(live, owner);
  copyTree(trees, live, `${stage}.copy`);
  trees.sync(stage);
  trees.move(`${stage}.copy`, old);
  try {
    overwrite(trees, stage, live);
  } catch (error) {
    overwrite(trees, old, live);
    trees.remove(old);
    throw error;
  }
  trees.sync(live);
  trees.remove(stage);
  trees.move(old, stage);
  return false;
}

/** Suffix of a stage's name for the complete copy of the tree that is being overwritten. */
export const wholeCopy = ".old";

function copyTree(trees: Trees, from: string, to: string): void {
  for (const entry of trees.walk(from)) {
    const [source, target] = [join(from, entry), join(to, entry)];
    if (entry.type === "directory") trees.makeDirectory(target, entry);
    else if (entry.type === "link") trees.makeLink(target, trees.linkTarget(source), withAttributes(entry));
    else if (entry.type === "file") trees.copy(source, target, withAttributes(entry), entry.size);
  }
}

/**
 * Overwrites a tree with another one. New files are in place before old ones are removed, except for compressed files:
 * nginx would send an old one in place of a new file.
 */
export function overwrite(trees: Trees, from: string, to: string): void {
  const old = new Map([...trees.walk(to)].map((entry) => [entry.path, entry]));
  for (const entry of old.values()) {
    const encoding = entry.type === "directory" ? undefined : encodingOf(entry.path);
    if (encoding === undefined) continue;
    const plain = plainOf(entry.path, encoding);
    if (old.has(plain) || trees.entry(`${from}/${plain}`) !== null) trees.remove(join(to, entry));
  }
  for (const entry of trees.walk(from)) {
    const target = join(to, entry);
    const before = old.get(entry.path);
    old.delete(entry.path);
    if (entry.type === "directory") {
      if (before?.type === "directory") continue;
      if (before) trees.remove(target);
      trees.makeDirectory(target, entry);
      continue;
    }
    const fresh = target.replace(/[^/]*$/, ".$&.edox-ops-new");
    trees.remove(fresh);
    if (entry.type === "link") trees.makeLink(fresh, trees.linkTarget(join(from, entry)), withAttributes(entry));
    else trees.copy(join(from, entry), fresh, withAttributes(entry), entry.size);
    if (before?.type === "directory") trees.remove(target);
    trees.move(fresh, target);
  }
  for (const entry of old.values()) if (trees.entry(join(to, entry)) !== null) trees.remove(join(to, entry));
  // The time of a tree is its stamp.
  const top = trees.entry(from);
  if (top !== null) trees.setAttributes(to, withAttributes(top));
}

function join(dir: string, { path }: TreeEntry): string {
  return path === "" ? dir : `${dir}/${path}`;
}

function withAttributes({ mode, uid, gid, modifiedMs }: TreeEntry): NewAttributes {
  return { mode, uid, gid, modifiedSeconds: modifiedMs / 1000 };
}
