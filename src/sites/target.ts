// What a deploy replaces: the site of a project, one of its versions, or one of its previews.

import { assetsDir, previewsDir, versionsDir } from "./paths.ts";
import type { Project } from "./project.ts";

/** A tree that deploys replace, and the directories that belong to it. All targets of a project share its lock. */
export interface Target {
  slug: string;
  /** The path of its backups and working files below the directory of all backups: unique on a host. */
  key: string;
  /** The path of its live tree. */
  root: string;
  /** The directory of the hashed files that earlier releases left; null where none are kept. */
  assets: string | null;
  /** It has no cache of digests: it uses that of its base, with which it shares most files. */
  usesDigestsOfBase?: true;
}

export function siteTarget({ slug, root_path }: Pick<Project, "slug" | "root_path">): Target {
  return { slug, key: slug, root: root_path, assets: `${assetsDir}/${slug}` };
}

/** Returns the target of a version. Its kept files are part of the site's, under the name of the version. */
export function versionTarget(slug: string, name: string): Target {
  const root = `${versionsDir}/${slug}/${name}`;
  return { slug, key: `${slug}/versions/${name}`, root, assets: `${assetsDir}/${slug}/${name}` };
}

/** Returns the target of a preview. The last two names of its path are its address within the site: `/-/NAME/`. */
export function previewTarget(slug: string, name: string): Target {
  return {
    slug,
    key: `${slug}/previews/${name}`,
    root: `${previewsDir}/${slug}/-/${name}`,
    assets: null,
    usesDigestsOfBase: true,
  };
}
