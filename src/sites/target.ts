// What a deploy replaces: the site of a project, one of its versions, or one of its previews.

import { assetsDir, previewsDir, versionsDir } from "./paths.ts";
import type { Project } from "./project.ts";

/** A tree that deploys replace, and the directories that belong to it. All targets of a project share its lock. */
export interface Target {
  kind: "site" | "version" | "preview";
  slug: string;
  /** The path of its backups and working files below the directory of all backups: unique on a host. */
  key: string;
  /** The path of its live tree. */
  root: string;
  /** The directory of the hashed files that earlier releases left; null where none are kept. */
  assets: string | null;
}

export function siteTarget({ slug, root_path }: Pick<Project, "slug" | "root_path">): Target {
  return { kind: "site", slug, key: slug, root: root_path, assets: `${assetsDir}/${slug}` };
}

/** Returns the target of a version. Its kept files are part of the site's, under the name of the version. */
export function versionTarget(slug: string, name: string): Target {
  const root = `${versionsDir}/${slug}/${name}`;
  return { kind: "version", slug, key: `${slug}/versions/${name}`, root, assets: `${assetsDir}/${slug}/${name}` };
}

/** Returns the target of a preview. The last two names of its path are its address within the site: `/-/NAME/`. */
export function previewTarget(slug: string, name: string): Target {
  const root = `${previewsDir}/${slug}/-/${name}`;
  return { kind: "preview", slug, key: `${slug}/previews/${name}`, root, assets: null };
}

/** Returns whether a target has no digests of its own. A preview shares most files with its base, and is short-lived. */
export function usesDigestsOfBase({ kind }: Target): boolean {
  return kind === "preview";
}
