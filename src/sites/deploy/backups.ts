// The backups of a project, as the commands list them.

import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { backupNames, backupsOf } from "./releases.ts";
import { readRestores } from "./restores.ts";

export interface Backup {
  name: string;
  path: string;
  /** Total size of the files; null where they cannot all be read. */
  bytes: number | null;
  left_by_restore: boolean;
}

/** Returns all backups, oldest first. Adds a sentence to `unread` for each backup that cannot be read. */
export function listBackups(reader: HostReader, trees: Trees, slug: string, unread: string[]): Backup[] {
  return describeBackup(reader, trees, { names: backupNames(reader, slug).toReversed(), slug, unread });
}

/** Returns all backups except the newest `keep`, newest first. */
export function oldBackups(reader: HostReader, trees: Trees, slug: string, keep: number): Backup[] {
  return describeBackup(reader, trees, { names: backupNames(reader, slug).slice(keep), slug, unread: [] });
}

function describeBackup(
  reader: HostReader,
  trees: Trees,
  { names, slug, unread }: { names: string[]; slug: string; unread: string[] },
): Backup[] {
  const restores = readRestores(reader, slug);
  return names.map((name) => {
    const path = `${backupsOf(slug)}/${name}`;
    return { name, path, bytes: bytesIn(trees, path, unread), left_by_restore: restores.has(name) };
  });
}

function bytesIn(trees: Trees, dir: string, unread: string[]): number | null {
  let bytes = 0;
  try {
    for (const { type, size } of trees.walk(dir)) if (type === "file") bytes += size;
    return bytes;
  } catch (error) {
    unread.push(Problem.of(error).message);
    return null;
  }
}

/** Returns the files of a backup, each by a path that begins with the backup's name. */
export function filesIn(trees: Trees, { name, path: dir }: Backup): string[] {
  const files = [...trees.walk(dir)].filter(({ type }) => type !== "directory");
  return files.map(({ path }) => `${name}/${path}`);
}
