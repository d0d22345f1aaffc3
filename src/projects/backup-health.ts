// What the backups of a project really hold, and whether one of them is still what it was.

import type { HostReader } from "../host/host.ts";
import type { Entry, Trees } from "../host/trees.ts";
import type { Project } from "./project.ts";
import { backupNames, backupsOf, secondsOf } from "./releases.ts";

export interface BackupHealth {
  /** Of files that the live tree does not have as well, each once however many backups have it. */
  bytes: number;
  /** A file that was written to after its backup was made: whoever edits a tree in place edits its backups. */
  changed: string | null;
}

export function backupHealth(see: HostReader, trees: Trees, { slug, root_path }: Project): BackupHealth {
  const names = backupNames(see, slug);
  if (names.length === 0) return { bytes: 0, changed: null };
  const counted = new Set<Entry["inode"]>();
  if (trees.entry(root_path)?.type === "directory") {
    for (const { inode } of trees.walk(root_path)) counted.add(inode);
  }
  let bytes = 0;
  let changed: string | null = null;
  for (const name of names) {
    const dir = `${backupsOf(slug)}/${name}`;
    const madeMs = secondsOf(name) * 1000;
    for (const { path, type, inode, size, modifiedMs } of trees.walk(dir)) {
      if (type !== "file") continue;
      if (modifiedMs >= madeMs) changed ??= `${dir}/${path}`;
      if (counted.has(inode)) continue;
      counted.add(inode);
      bytes += size;
    }
  }
  return { bytes, changed };
}
