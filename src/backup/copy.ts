// Hard links to the trees of the sites. A deploy swaps trees, so restic would read parts of two releases without them.

import { backupsDir } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import type { NewAttributes, Trees } from "../host/trees.ts";
import { backupNames, backupsOf } from "../sites/deploy/releases.ts";
import { assetsDir, previewsDir, versionsDir } from "../sites/paths.ts";
import { versionTarget } from "../sites/target.ts";
import { parentOf } from "../text/path.ts";

/** A tree, and its place below the directory of the copy. */
export interface Part {
  from: string;
  place: string;
}

/** Files beside earlier releases that belong to them. */
const besideReleases = [".restores", ".compressed"];

/** Returns what belongs to a project. `tree` is its live tree, or null if it owns none. */
export function partsOf(reader: HostReader, slug: string, tree: string | null, withReleases: boolean): Part[] {
  const within = (dir: string, name: string): Part[] =>
    visible(reader, `${dir}/${slug}`).map((each) => ({
      from: `${dir}/${slug}/${each}`,
      place: `${slug}/${name}/${each}`,
    }));
  const keys = [slug, ...visible(reader, `${versionsDir}/${slug}`).map((name) => versionTarget(slug, name).key)];
  const releases = keys.flatMap((key) =>
    [...backupNames(reader, key), ...besideReleases].map((name) => ({
      from: `${backupsOf(key)}/${name}`,
      place: `${slug}/releases${backupsOf(key).slice(backupsDir.length + 1 + slug.length)}/${name}`,
    })),
  );
  return [
    ...(tree === null ? [] : [{ from: tree, place: `${slug}/site` }]),
    ...within(versionsDir, "versions"),
    ...within(previewsDir, "previews"),
    { from: `${assetsDir}/${slug}`, place: `${slug}/assets` },
    ...(withReleases ? releases : []),
  ].filter(({ from }) => reader.stat(from) !== null);
}

/** Working files of a deploy begin with a dot. */
function visible(reader: HostReader, dir: string): string[] {
  return (reader.list(dir) ?? []).filter((name) => !name.startsWith("."));
}

/** Returns where a part of a project is on a host, by its place below the directory of the copy. */
export function originOf(slug: string, tree: string, place: string): string | null {
  const [, kind = "", below = ""] = /^(site|versions|previews|assets|releases)(\/.*)?$/s.exec(place) ?? [];
  const roots: Record<string, string> = {
    site: tree,
    versions: `${versionsDir}/${slug}`,
    previews: `${previewsDir}/${slug}`,
    assets: `${assetsDir}/${slug}`,
    releases: backupsOf(slug),
  };
  const root = roots[kind];
  return root === undefined ? null : root + below;
}

interface Linked {
  files: number;
  bytes: number;
}

/** Links a part below `to`, which must exist. A file that cannot be linked is copied. */
export function linkPart(trees: Trees, { from, place }: Part, to: string, owner: { uid: number; gid: number }): Linked {
  makeDirectories(trees, to, parentOf(place), owner);
  return copyTree(trees, from, `${to}/${place}`, (source, target) => trees.share(source, target));
}

/** Copies a tree with its modes, owners and times. A file for which `share` returns true is not copied. */
export function copyTree(
  trees: Trees,
  from: string,
  to: string,
  share: (source: string, target: string) => boolean,
): Linked {
  const linked = { files: 0, bytes: 0 };
  const directories: [path: string, attributes: NewAttributes][] = [];
  for (const { path, type, mode, uid, gid, size, modifiedMs } of trees.walk(from)) {
    const [source, target] = path === "" ? [from, to] : [`${from}/${path}`, `${to}/${path}`];
    const attributes = { mode, uid, gid, modifiedSeconds: modifiedMs / 1000 };
    if (type === "directory") {
      trees.makeDirectory(target, attributes);
      directories.push([target, attributes]);
    } else if (type === "link") {
      trees.makeLink(target, trees.linkTarget(source), attributes);
    } else if (type === "file") {
      if (!share(source, target)) trees.copy(source, target, attributes, size);
      linked.files += 1;
      linked.bytes += size;
    }
  }
  // The time of a tree is the name of its release. Each new entry has changed it.
  for (const [path, attributes] of directories.reverse()) trees.setAttributes(path, attributes);
  return linked;
}

function makeDirectories(trees: Trees, top: string, place: string, owner: { uid: number; gid: number }): void {
  if (place === "" || trees.entry(`${top}/${place}`) !== null) return;
  makeDirectories(trees, top, parentOf(place), owner);
  trees.makeDirectory(`${top}/${place}`, { mode: 0o755, ...owner });
}
