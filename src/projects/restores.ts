// Which trees a restore made. Without this a second restore would take the release that the first one left, which is the
// newest backup by then, and bring it back.

import type { Host, HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import type { Project } from "./project.ts";
import { backupNames, backupsOf, readWorkingFile, stampName } from "./releases.ts";

const pathOf = (slug: string): string => `${backupsOf(slug)}/.restores`;

/**
 * Returns the backup that each restore took, by the stamp of the tree that it made. The tree that it left became the
 * backup of that same stamp. A stamp is given once, so that nothing here is ever true of another tree, and a restore
 * that was killed before its tree was live is recorded without harm.
 */
export function readRestores(see: HostReader, slug: string): Map<string, string> {
  const text = new TextDecoder().decode(readWorkingFile(see, pathOf(slug)) ?? undefined);
  return new Map(
    [...text.matchAll(/^(\d{8}T\d{6}Z) (\d{8}T\d{6}Z)$/gm)].map(([, tree = "", from = ""]) => [tree, from]),
  );
}

/** Returns the backup that the live tree was restored from; null where a deploy made it, or somebody changed it since. */
export function findRestoreSource(see: HostReader, trees: Trees, project: Project): string | null {
  const stamp = stampOfLive(trees, project);
  return stamp === null ? null : (readRestores(see, project.slug).get(stamp) ?? null);
}

/** Records a restore, on the disk, before its tree is live. Restores whose trees are gone are dropped. */
export function recordRestore(host: Host, trees: Trees, project: Project, seconds: number, from: string): void {
  const there = new Set([...backupNames(host, project.slug), stampOfLive(trees, project)]);
  const restores = [...readRestores(host, project.slug)].filter(([tree]) => there.has(tree));
  const lines = [...restores, [stampName(seconds), from]].map((names) => `${names.join(" ")}\n`);
  const attributes = { mode: 0o600, uid: host.uid, gid: host.uid };
  host.writeFile(pathOf(project.slug), new TextEncoder().encode(lines.join("")), attributes);
}

/** A deploy gives its tree the time of its stamp. */
function stampOfLive(trees: Trees, { root_path }: Project): string | null {
  const live = trees.entry(root_path);
  return live === null || live.modifiedMs % 1000 !== 0 ? null : stampName(live.modifiedMs / 1000);
}
