// Renames and completes what belongs to a version on the disk: its tree, its backups and its kept files.

import type { Host, HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { parentOf } from "../../text/path.ts";
import { backupsOf, secureBackups } from "../deploy/releases.ts";
import type { Project } from "../project.ts";
import { theRecord } from "../store.ts";
import { siteTarget, type Target, versionTarget } from "../target.ts";
import { isVersionName } from "./names.ts";
import { aliasPath, readVersions, versionNamed, versionsOf } from "./versions.ts";

interface Rename {
  from: string;
  to: string;
}

/** It exists from before the first move of a rename until its end, so that a killed one is completed. */
const renamePath = (slug: string): string => `${versionsOf(slug)}/.renaming`;

/** Returns all directories that belong to a version. */
export function dirsOfVersion(slug: string, name: string): string[] {
  const { root, key, assets } = versionTarget(slug, name);
  return [root, backupsOf(key), ...(assets === null ? [] : [assets])];
}

/** Returns the rename that is not completed, or null. */
export function pendingRename(reader: HostReader, slug: string): Rename | null {
  const bytes = reader.read(renamePath(slug));
  const [from = "", to = ""] = new TextDecoder()
    .decode(bytes ?? undefined)
    .trim()
    .split(" ");
  return isVersionName(from) && isVersionName(to) ? { from, to } : null;
}

/**
 * Renames a version. Its aliases follow. If the process is killed, {@link settleVersions} completes it. The caller writes
 * what follows from the names, and calls {@link settleVersions} once more at its end.
 */
export async function renameVersion(host: Host, trees: Trees, slug: string, { from, to }: Rename): Promise<void> {
  // A version of this name that was removed by hand may have left backups and kept files.
  for (const dir of dirsOfVersion(slug, to).slice(1)) trees.remove(dir);
  const attributes = { mode: 0o644, uid: host.uid, gid: host.uid };
  host.writeFile(renamePath(slug), new TextEncoder().encode(`${from} ${to}\n`), attributes);
  await settleVersions(host, trees, slug);
}

/**
 * Completes the rename or the removal of a version that was killed, and returns notes. The record may still have the old
 * name: then the rename stays pending, and the next change of the versions writes the new one.
 */
export async function settleVersions(host: Host, trees: Trees, slug: string): Promise<string[]> {
  // Another user may have planted the directory with a rename or a link of its own.
  if (host.stat(versionsOf(slug)) !== null) secureBackups(host, trees, versionTarget(slug, "any"));
  for (const dir of dirsOfVersion(slug, "any").map(parentOf)) {
    for (const name of host.list(dir) ?? []) if (name === `.removing-${slug}`) trees.remove(`${dir}/${name}`);
  }
  if (host.list(versionsOf(slug))?.length === 0) host.remove(versionsOf(slug));
  const pending = pendingRename(host, slug);
  if (pending === null) return [];
  const { from, to } = pending;
  const [before, after] = [from, to].map((name) => dirsOfVersion(slug, name)) as [string[], string[]];
  for (const [i, dir] of before.entries()) {
    if (trees.entry(dir) !== null) trees.move(dir, after[i] as string);
  }
  for (const [alias, target] of readVersions(host, slug).aliases) {
    if (target === from) host.makeLink(aliasPath(slug, alias), to);
  }
  trees.sync(versionsOf(slug));
  const record = await theRecord(host, slug).catch(() => null);
  const isRecorded = record === null || !("project" in record) || record.project.default_version !== from;
  if (isRecorded) host.remove(renamePath(slug));
  return [`completed an interrupted renaming: version ${from} is ${to}`];
}

/**
 * Returns the target whose unchanged files a new version shares: the default version, else the newest one, else the
 * site. Returns null if there is none.
 */
export function baseOf(reader: HostReader, project: Project, name: string): Target | null {
  const found = readVersions(reader, project.slug);
  const preferred = project.default_version === undefined ? null : versionNamed(found, project.default_version);
  const version = [preferred, ...found.versions].find((each) => each !== null && each.name !== name);
  if (version) return versionTarget(project.slug, version.name);
  const site = siteTarget(project);
  return reader.stat(site.root)?.type === "directory" ? site : null;
}
