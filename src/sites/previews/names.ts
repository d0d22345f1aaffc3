// The names, the paths and the addresses of previews.

import * as v from "valibot";
import { previewsDir } from "../paths.ts";
import type { Project } from "../project.ts";
import type { FrontPage } from "../serve/answer.ts";
import { previewTarget } from "../target.ts";

/** A label of a host name. GitLab's CI_COMMIT_REF_SLUG is one. */
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const previewName = v.pipe(
  v.string(),
  v.regex(
    namePattern,
    "a preview has lower-case letters, digits and -, a letter or digit first and last, at most 63 characters",
  ),
);

export function isPreviewName(name: string): boolean {
  return namePattern.test(name);
}

/** A CI job that never stops its previews reaches this number. */
export const mostPreviews = 500;

/** Returns the directory of all previews of a project: the metadata, and the trees in `-`. */
export const previewsOf = (slug: string): string => `${previewsDir}/${slug}`;
export const treesOf = (slug: string): string => `${previewsOf(slug)}/-`;
export const metadataPathOf = (slug: string, name: string): string => `${previewsOf(slug)}/${name}.json`;

/** Returns the name below which each preview has a host name of its own. */
export function previewDomainOf({ domain }: Pick<Project, "domain">): string {
  return `preview.${domain}`;
}

/** Returns the host name of a preview. */
export function previewHostOf(project: Pick<Project, "domain">, name: string): string {
  return `${name}.${previewDomainOf(project)}`;
}

/**
 * Returns the front page of a preview in the mode of its project. `certified`: nginx serves it with a certificate of its
 * own.
 */
export function previewFront(project: Project, name: string, certified = false): FrontPage {
  const { root } = previewTarget(project.slug, name);
  const { domain, tls, previews, preview_certificate } = project;
  const part = "previews";
  if (previews === "path") return { name: domain, tls, path: `/-/${name}/`, root, part };
  const isSecure = certified || preview_certificate !== undefined;
  return { name: previewHostOf(project, name), tls: isSecure, path: "/", root, part };
}
