// Records which trees a restore made. Without this record, a second restore would take the release that the first one
// replaced, because that is the newest backup then.

import type { Host, HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import type { Target } from "../target.ts";
import { backupNames, backupsOf, readWorkingFile, stampName, stampOf } from "./releases.ts";

const pathOf = (key: string): string => `${backupsOf(key)}/.restores`;

/**
 * Returns the source backup of each restore, by the stamp of the tree that the restore made. The tree that the restore
 * replaced became the backup with the same stamp. Stamps are unique, so an entry never applies to another tree, and an
 * entry of a restore that was killed before the swap is harmless.
 */
export function readRestores(reader: HostReader, key: string): Map<string, string> {
  const text = new TextDecoder().decode(readWorkingFile(reader, pathOf(key)) ?? undefined);
  return new Map(
    [...text.matchAll(/^(\d{8}T\d{6}Z) (\d{8}T\d{6}Z)$/gm)].map(([, tree = "", from = ""]) => [tree, from]),
  );
}

/** Returns the backup that the live tree was restored from; null where a deploy made the tree, or it changed since. */
export function findRestoreSource(reader: HostReader, trees: Trees, { key, root }: Target): string | null {
  const stamp = stampOf(trees, root);
  return stamp === null ? null : (readRestores(reader, key).get(stamp) ?? null);
}

/** Records a restore durably, before its tree is live. Drops entries whose trees no longer exist. */
export function recordRestore(
  host: Host,
  trees: Trees,
  { target: { key, root }, seconds, from }: { target: Target; seconds: number; from: string },
): void {
  const there = new Set([...backupNames(host, key), stampOf(trees, root)]);
  const restores = [...readRestores(host, key)].filter(([tree]) => there.has(tree));
  const lines = [...restores, [stampName(seconds), from]].map((names) => `${names.join(" ")}\n`);
  const attributes = { mode: 0o600, uid: host.uid, gid: host.uid };
  host.writeFile(pathOf(key), new TextEncoder().encode(lines.join("")), attributes);
}
