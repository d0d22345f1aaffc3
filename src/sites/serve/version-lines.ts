// The lines of an nginx site that serve versions. Trees and aliases are found on each request, so that a new version
// needs no reload.

import { indexName } from "../versions/names.ts";
import { unservedRules } from "./locations.ts";
import type { Part } from "./part.ts";

/** What the lines depend on. */
export interface ServedVersions {
  /** The directory of the versions. */
  dir: string;
  /** The default version or alias, which unversioned addresses lead to; null for none. */
  defaultName: string | null;
  /** The names that search engines may list; null if all versions may be listed. */
  indexed: readonly string[] | null;
}

const nameClass = "[A-Za-z0-9][A-Za-z0-9._-]*";
/** A path that exists and is neither a file nor a directory. */
const nothing = "/dev/null";

/** Adds the versions to the server of a site. The other rules of the site apply to them unchanged. */
export function withVersions(site: Part, versions: ServedVersions, origin: string): Part {
  const { dir, defaultName, indexed } = versions;
  const byDefault = defaultName !== null;
  return {
    ...site,
    before: [
      ...site.before,
      `# /NAME/ is a version or an alias if ${dir} has it. Everything else is the site itself.`,
      `set $edox_ops_tree ${site.root};`,
      `set $edox_ops_within "${site.prefix}";`,
      'set $edox_ops_is_version "";',
      `set $edox_ops_version ${nothing};`,
      ...(indexed === null ? [] : ['set $edox_ops_listed "";']),
      `if ($uri ~ "^/(${nameClass})(?:/|$)") {`,
      `    set $edox_ops_version ${dir}/$1;`,
      "    set $edox_ops_name /$1;",
      "}",
      "if (-d $edox_ops_version) {",
      `    set $edox_ops_tree ${dir};`,
      "    set $edox_ops_is_version yes;",
      ...(indexed === null ? [] : ["    set $edox_ops_listed noindex;"]),
      "}",
      "# A version without a page for errors has that of the site.",
      "if (-f $edox_ops_version/404.html) {",
      "    set $edox_ops_within $edox_ops_name;",
      "}",
      ...(indexed === null || indexed.length === 0
        ? []
        : [`if ($uri ~ "^/(?:${indexed.map(literal).join("|")})(?:/|$)") {`, '    set $edox_ops_listed "";', "}"]),
      ...(byDefault ? canonicalLines(dir, defaultName, origin) : []),
    ],
    root: "$edox_ops_tree",
    prefix: "$edox_ops_within",
    headers: [
      ...site.headers,
      // nginx sends no header without a value.
      ...(byDefault ? ["add_header Link $edox_ops_canonical;"] : []),
      ...(indexed === null ? [] : ["add_header X-Robots-Tag $edox_ops_listed;"]),
    ],
    missing: byDefault ? "@default_version" : site.missing,
    after: [
      ...site.after,
      // Previews with paths of the site have this location too.
      ...(site.prefix === "" ? unservedRules : []),
      `location = /${indexName} {`,
      `    root ${dir};`,
      "    try_files $uri =404;",
      "}",
      ...(byDefault ? defaultLines(dir, defaultName) : []),
    ],
  };
}

/**
 * Adds the versions to the server of previews with host names: a selector in a preview lists those of the site, and
 * their addresses lead there. What the preview has itself comes first.
 */
export function withVersionsElsewhere(previews: Part, { dir }: ServedVersions, origin: string): Part {
  return {
    ...previews,
    before: [
      ...previews.before,
      "# The versions are those of the site.",
      `set $edox_ops_version ${nothing};`,
      `if ($uri ~ "^/(${nameClass})(?:/|$)") {`,
      `    set $edox_ops_version ${dir}/$1;`,
      "}",
    ],
    missing: "@version_of_site",
    after: [
      ...previews.after,
      `location = /${indexName} {`,
      "    try_files $uri @list_of_versions;",
      "}",
      "location @version_of_site {",
      "    if (-d $edox_ops_version) {",
      `        return 302 ${origin}$request_uri;`,
      "    }",
      "    return 404;",
      "}",
      "location @list_of_versions {",
      `    root ${dir};`,
      `    try_files /${indexName} =404;`,
      "}",
    ],
  };
}

/** Returns a name as a part of a regular expression. */
const literal = (name: string): string => name.replaceAll(".", String.raw`\.`);

/**
 * Sets the canonical address of a page that the default version has as well. It is made from the address as it was
 * sent, because a header cannot hold a decoded one. An address in another than its normal form gets none.
 */
function canonicalLines(dir: string, defaultName: string, origin: string): string[] {
  const safe = "[A-Za-z0-9._~%!&'()*+,;=:@/-]*";
  const odd = String.raw`(?![^?]*(?:/\.|//|%2[EeFf]))`;
  return [
    'set $edox_ops_canonical "";',
    'set $edox_ops_rest "";',
    `set $edox_ops_twin ${nothing};`,
    `set $edox_ops_page ${nothing};`,
    "# nginx would escape $1 here, but not a named part.",
    String.raw`if ($request_uri ~ "^/${nameClass}${odd}(?<edox_ops_sent>/${safe})(?:\?|$)") {`,
    "    set $edox_ops_rest $edox_ops_sent;",
    "}",
    'if ($uri ~ "(?s)^/[^/]+(?<edox_ops_path>/.*)") {',
    `    set $edox_ops_twin ${dir}/${defaultName}$edox_ops_path;`,
    "}",
    String.raw`if ($edox_ops_twin ~ "\.html$") {`,
    "    set $edox_ops_page $edox_ops_twin;",
    "}",
    ...["$edox_ops_page", "$edox_ops_twin.html", "$edox_ops_twin/index.html"].flatMap((path) => [
      `if (-f ${path}) {`,
      `    set $edox_ops_canonical '<${origin}/${defaultName}$edox_ops_rest>; rel="canonical"';`,
      "}",
    ]),
    ...['$edox_ops_rest = ""', '$edox_ops_is_version = ""', `$uri ~ "^/${literal(defaultName)}/"`].flatMap(
      (condition) => [`if (${condition}) {`, '    set $edox_ops_canonical "";', "}"],
    ),
  ];
}

/** Leads the front page, and pages that only the default version has, to that version. */
function defaultLines(dir: string, defaultName: string): string[] {
  const target = `${dir}/${defaultName}`;
  return [
    "# nginx asks for a password before it looks for this file that never exists, and would not before a return.",
    "location = / {",
    `    root ${nothing};`,
    "    try_files /none @default_front;",
    "}",
    "location @default_front {",
    `    return 302 /${defaultName}/$is_args$args;`,
    "}",
    "# An address without a version that only the default version has.",
    "location @default_version {",
    '    set $edox_ops_found "";',
    ...["$uri", "$uri.html", "$uri/index.html", "$edox_ops_folder.html"].flatMap((page) => [
      `    if (-f ${target}${page}) {`,
      "        set $edox_ops_found yes;",
      "    }",
    ]),
    "    if ($edox_ops_is_version = yes) {",
    '        set $edox_ops_found "";',
    "    }",
    "    if ($edox_ops_found = yes) {",
    `        return 302 /${defaultName}$request_uri;`,
    "    }",
    "    return 404;",
    "}",
  ];
}
