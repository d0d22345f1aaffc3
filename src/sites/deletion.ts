// Permanently deletes the trees of a project, in an order that never exposes a partly deleted tree to nginx or to a
// command.

import { docsRoot } from "../engine/paths.ts";
import type { Trees } from "../host/trees.ts";
import { Problem } from "../problem/problem.ts";
import { parentOf } from "../text/path.ts";

/** A tree and its size. A file that several trees or names share counts once, in the first tree. */
export interface TreeSize {
  path: string;
  files: number;
  bytes: number;
}

const rootUid = 0;

/**
 * Returns the name that a tree has while it is deleted. It is beside the tree, so that a rename can move it. No slug
 * begins with a dot.
 */
function awayOf(dir: string, slug: string): string {
  return `${above(dir)}/.removing-${slug}`;
}

function above(dir: string): string {
  return parentOf(dir);
}

/**
 * Returns the trees that exist, and the remains of a killed deletion. Throws a Problem that names the first mount point
 * or the first immutable or append-only file in them, which root cannot delete either.
 */
export function planDeletion(trees: Trees, slug: string, dirs: readonly string[]): TreeSize[] {
  for (const path of new Set(dirs.map(above))) {
    if (trees.pinned(path) !== "mount point") refusePinned(trees, path);
  }
  const counted = new Set<number | bigint>();
  const all = dirs.flatMap((dir) => [dir, awayOf(dir, slug)]);
  return all.filter((dir) => trees.entry(dir) !== null).map((dir) => measure(trees, dir, counted));
}

function measure(trees: Trees, dir: string, counted: Set<number | bigint>): TreeSize {
  const tree: TreeSize = { path: dir, files: 0, bytes: 0 };
  for (const { path, type, inode, size } of trees.walk(dir)) {
    refusePinned(trees, path === "" ? dir : `${dir}/${path}`);
    if (type === "directory" || counted.has(inode)) continue;
    counted.add(inode);
    tree.files += 1;
    if (type === "file") tree.bytes += size;
  }
  return tree;
}

function refusePinned(trees: Trees, path: string): void {
  const pinned = trees.pinned(path);
  if (pinned === null) return;
  const hint = {
    "mount point": ["sudo", "umount", path],
    immutable: ["sudo", "chattr", "-i", path],
    "append-only": ["sudo", "chattr", "-a", path],
  };
  const what = pinned === "mount point" ? "a mount point" : pinned;
  throw new Problem(
    pinned === "mount point" ? "in-use" : "permission-denied",
    `${path} is ${what}: nothing was deleted`,
    { hint: hint[pinned] },
  );
}

/**
 * Deletes the trees durably. Each tree is renamed first: nginx never serves a part of one, and no command takes a part
 * of a backup for a whole one. If the process is killed, a second run completes the deletion.
 */
export function deleteTrees(trees: Trees, slug: string, dirs: readonly string[]): void {
  for (const dir of dirs) finish(dir, slug, () => deleteTree(trees, slug, dir));
  if (trees.entry(docsRoot) !== null) finish(docsRoot, slug, () => trees.sync(docsRoot));
}

/**
 * Deletes a tree by its name in an open directory, so that a symlink that another user plants above it has no effect.
 */
function deleteTree(trees: Trees, slug: string, dir: string): void {
  const opened = trees.open(above(dir), [rootUid]);
  if (opened === null) return;
  try {
    const openedDir = `${opened.path}${dir.slice(above(dir).length)}`;
    const away = awayOf(openedDir, slug);
    trees.remove(away);
    if (trees.entry(openedDir) === null) return;
    trees.move(openedDir, away);
    trees.remove(away);
  } finally {
    opened.close();
  }
}

function finish(dir: string, slug: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const { code, message } = Problem.of(error);
    const what = `the files of ${slug} are not all deleted, and it is still registered: ${message}`;
    throw new Problem(code, what, { hint: ["sudo", "ls", "-la", above(dir)], cause: error });
  }
}
