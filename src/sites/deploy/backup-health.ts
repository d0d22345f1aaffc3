// The disk space that the backups of a project use, and whether one of them was modified since.

import type { HostReader } from "../../host/host.ts";
import type { TreeEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import type { Project } from "../project.ts";
import { siteTarget, versionTarget } from "../target.ts";
import { readVersions } from "../versions/versions.ts";
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

/** Returns the health of the backups of a project and of its versions. An unreadable tree is listed, and the others are still checked. */
export function backupHealth(reader: HostReader, trees: Trees, project: Project): BackupHealth {
  const health: BackupHealth = { bytes: 0, changed: null, unread: [] };
  const { slug } = project;
  const versions = readVersions(reader, slug).versions.map(({ name }) => versionTarget(slug, name));
  const targets = [siteTarget(project), ...versions];
  const backups = targets.flatMap(({ key }) => backupNames(reader, key).map((name) => [backupsOf(key), name] as const));
  if (backups.length === 0) return health;
  const counted = new Set<TreeEntry["inode"]>();
  for (const { root } of targets) {
    readable(() => {
      if (trees.entry(root)?.type !== "directory") return;
      for (const { inode } of trees.walk(root)) counted.add(inode);
    });
  }
  for (const [dir, name] of backups) readable(() => count(`${dir}/${name}`, secondsOf(name) * 1000));
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
