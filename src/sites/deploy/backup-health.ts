// The disk space that the backups of a project use, and whether one of them was modified since.

import type { HostReader } from "../../host/host.ts";
import type { TreeEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import type { Project } from "../project.ts";
import { backupNames, backupsOf, secondsOf } from "./releases.ts";

interface BackupHealth {
  /** Size of the files that the live tree does not share, in bytes. A file that several backups share counts once. */
  bytes: number;
  /**
   * A file that was written after its backup was made. Trees share files, so an edit of the live tree in place edits
   * its backups.
   */
  changed: string | null;
  /** Reasons why a backup or the live tree could not be read completely. */
  unread: string[];
}

/** Returns the health of a project's backups. An unreadable tree is listed, and the others are still checked. */
export function backupHealth(reader: HostReader, trees: Trees, { slug, root_path }: Project): BackupHealth {
  const health: BackupHealth = { bytes: 0, changed: null, unread: [] };
  const names = backupNames(reader, slug);
  if (names.length === 0) return health;
  const counted = new Set<TreeEntry["inode"]>();
  readable(() => {
    if (trees.entry(root_path)?.type !== "directory") return;
    for (const { inode } of trees.walk(root_path)) counted.add(inode);
  });
  for (const name of names) readable(() => count(`${backupsOf(slug)}/${name}`, secondsOf(name) * 1000));
  return health;

  function readable(look: () => void): void {
    try {
      look();
    } catch (error) {
      health.unread.push(Problem.of(error).message);
    }
  }

  function count(dir: string, madeMs: number): void {
    for (const { path, type, inode, size, modifiedMs } of trees.walk(dir)) {
      if (type !== "file") continue;
      if (modifiedMs >= madeMs) health.changed ??= `${dir}/${path}`;
      if (counted.has(inode)) continue;
      counted.add(inode);
      health.bytes += size;
    }
  }
}
