// The nginx directives in which previews differ from a site. Each preview has a host name, or a path of the site.

import { previewDomainOf, previewsOf, treesOf } from "../previews/names.ts";
import type { Project } from "../project.ts";
import { unservedRules } from "./locations.ts";
import type { Part } from "./part.ts";
import { isProtected, passwordLines, passwordPath, realmOf } from "./password-lines.ts";

/** A name of a preview is used again for another content, so that no cache keeps a file. */
const previewCaching = "private, no-cache";
const robots = "noindex";

/**
 * Adds the previews to the server of a site. The path of a preview is a path below the directory of all previews, so
 * that the other rules of the site apply to it unchanged.
 */
export function withPreviewPaths(site: Part, project: Project): Part {
  // The password of the site protects its previews too.
  const realm = isProtected(project, "previews") && !isProtected(project, "site") ? realmOf(project) : null;
  const { caching } = site;
  return {
    ...site,
    before: [
      "# A preview has a path of the site.",
      `set $edox_ops_root ${site.root};`,
      'set $edox_ops_prefix "";',
      'set $edox_ops_robots "";',
      ...(realm === null ? [] : ["set $edox_ops_realm off;"]),
      "if ($uri ~ ^(/-/[a-z0-9-]+)(?:/|$)) {",
      `    set $edox_ops_root ${previewsOf(project.slug)};`,
      "    set $edox_ops_prefix $1;",
      `    set $edox_ops_robots ${robots};`,
      ...(realm === null ? [] : [`    set $edox_ops_realm "${realm}";`]),
      "}",
    ],
    password:
      realm === null
        ? site.password
        : ["auth_basic $edox_ops_realm;", `auth_basic_user_file ${passwordPath(project.slug)};`],
    root: "$edox_ops_root",
    prefix: "$edox_ops_prefix",
    caching: {
      lines: [
        ...caching.lines,
        `set $edox_ops_caching ${caching.value};`,
        "if ($edox_ops_prefix) {",
        `    set $edox_ops_caching "${previewCaching}";`,
        "}",
      ],
      value: "$edox_ops_caching",
    },
    // nginx sends no header without a value.
    headers: ["add_header X-Robots-Tag $edox_ops_robots always;"],
    errorPages: [...site.errorPages, "~ ^/-/[a-z0-9-]+/404\\.html$"],
    after: [...site.after, ...unservedRules],
  };
}

/**
 * Returns the part that is all previews with host names, so that a new preview needs no reload of nginx, or only those
 * of these names. A regular expression takes no place in nginx's table of names, for which long names are too long.
 */
export function previewHosts(project: Project, names: readonly string[] = ["[a-z0-9-]+"]): Part {
  const root = `${treesOf(project.slug)}/$edox_ops_preview`;
  const domain = previewDomainOf(project).toLowerCase().replaceAll(".", "\\.");
  return {
    name: names.map((name) => `~^(?<edox_ops_preview>${name})\\.${domain}$`).join(" "),
    before: [],
    password: passwordLines(project, "previews"),
    root,
    prefix: "",
    caching: { lines: [], value: previewCaching },
    headers: [`add_header X-Robots-Tag ${robots} always;`],
    challenges: root,
    kept: null,
    missing: "=404",
    errorPages: ["= /404.html"],
    after: unservedRules,
  };
}
