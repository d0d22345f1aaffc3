// The nginx directives that require a password for a site or for its previews.

import { passwordPathOfSlug } from "../paths.ts";
import type { PasswordScope, Project } from "../project.ts";

/** nginx reads it at each request, so a new password needs no reload. */
export const passwordPath = (slug: string): string => passwordPathOfSlug.replace("SLUG", slug);

/**
 * Returns the realm of basic authentication, by which the probe recognises the server of a project. To nginx, the word
 * "off" alone would be no realm, and a slug may be that word.
 */
export const realmOf = ({ slug }: Pick<Project, "slug">): string => `site ${slug}`;

/** Returns whether this part of a project requires a password. */
export function isProtected({ password }: Pick<Project, "password">, part: PasswordScope): boolean {
  return password === "site" || password === part;
}

/** Returns the directives that require the password in a server or a location. */
export function passwordLines(project: Project, part: PasswordScope): string[] {
  if (!isProtected(project, part)) return [];
  return [`auth_basic "${realmOf(project)}";`, `auth_basic_user_file ${passwordPath(project.slug)};`];
}

/** A value, and the directives of a server that set the variables in it. */
export interface Computed {
  lines: string[];
  value: string;
}

/**
 * Returns the value of Cache-Control. Shared caches, such as those of a CDN, may keep a response to a request with a
 * password if it is public.
 */
export function cachingOf(project: Project, part: PasswordScope): Computed {
  if (!isProtected(project, part)) return { lines: [], value: "$edox_ops_cache" };
  const lines = [
    "# Only the browser may keep what needs a password.",
    'set $edox_ops_private "private, no-cache";',
    'if ($edox_ops_cache ~ "^public(, .+)$") {',
    '    set $edox_ops_private "private$1";',
    "}",
  ];
  return { lines, value: "$edox_ops_private" };
}
