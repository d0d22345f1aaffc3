// The nginx directives in which a site and its previews differ. Each preview has a host name, or a path of the site.

import { keptAssetsOf } from "../deploy/releases.ts";
import { previewDomainOf, previewsOf, treesOf } from "../previews/names.ts";
import { namesOf, type Project } from "../project.ts";
import {
  type Computed,
  cachingOf,
  isProtected,
  openLines,
  passwordLines,
  passwordPath,
  realmOf,
} from "./password-lines.ts";

/** A part of a project that nginx serves by the same rules: the site, or all its previews. */
export interface Part {
  /** The value of server_name. */
  name: string;
  /** Directives that set the variables of the others. */
  before: string[];
  /** Directives that require a password. */
  password: string[];
  /** The directives of a location that requires none. */
  open: string[];
  root: string;
  /** What precedes a path within the tree. */
  prefix: string;
  /** The value of Cache-Control, and the directives of the variables in it. */
  caching: Computed;
  /** Headers that only this part has. */
  headers: string[];
  /** The tree in which an older set-up has certbot write its challenges. */
  challenges: string;
  /** The location of files that are not in the tree. */
  earlier: string[];
  /** Directives that answer for a folder without a page. */
  noFolder: string[];
  /** Locations that only this part has. */
  after: string[];
}

/** A name of a preview is used again for another content, so that no cache keeps a file. */
const previewCaching = "private, no-cache";
const robots = "noindex";

const noFolder = ["    return 404;"];

/** Returns the part that is the site. It includes the previews if they have paths of the site. */
export function sitePart(project: Project): Part {
  const { slug, root_path } = project;
  const site: Part = {
    name: namesOf(project).join(" "),
    before: [],
    password: passwordLines(project, "site"),
    open: openLines(project, "site"),
    root: root_path,
    prefix: "",
    caching: cachingOf(project, "site"),
    headers: [],
    challenges: root_path,
    earlier: [
      "# What a page that was opened before the last deploys asks for.",
      "location @earlier {",
      `    root ${keptAssetsOf(slug)};`,
      "    try_files $uri =404;",
      "}",
    ],
    noFolder,
    after: [],
  };
  return project.previews === "path" ? withPreviewPaths(site, project) : site;
}

/**
 * Adds the previews to the server of a site. The path of a preview is a path below the directory of all previews, so
 * that the other rules of the site apply to it unchanged.
 */
function withPreviewPaths(site: Part, project: Project): Part {
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
    after: ["location ~ ^/-/[a-z0-9-]+/404\\.html$ {", "}"],
  };
}

/** Returns whether the previews of a project have host names, which are those of a server of their own. */
export function hasPreviewHosts({ previews }: Project): boolean {
  return previews === "host";
}

/** Returns the part that is all previews with host names. A new preview needs no reload of nginx. */
export function previewHosts(project: Project): Part {
  const root = `${treesOf(project.slug)}/$edox_ops_preview`;
  return {
    name: `~^(?<edox_ops_preview>[a-z0-9-]+)\\.${previewDomainOf(project).toLowerCase().replaceAll(".", "\\.")}$`,
    before: [],
    password: passwordLines(project, "previews"),
    open: openLines(project, "previews"),
    root,
    prefix: "",
    caching: { lines: [], value: previewCaching },
    headers: [`add_header X-Robots-Tag ${robots} always;`],
    challenges: root,
    earlier: ["location @earlier {", "    return 404;", "}"],
    noFolder,
    after: [],
  };
}
