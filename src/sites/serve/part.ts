// What an nginx server of a project is generated from.

import { keptAssetsOf } from "../deploy/releases.ts";
import { namesOf, type Project } from "../project.ts";
import { type Computed, cachingOf, passwordLines } from "./password-lines.ts";
import { withPreviewPaths } from "./preview-lines.ts";

/** A part of a project that nginx serves by the same rules: the site, or all its previews. */
export interface Part {
  /** The value of server_name. */
  name: string;
  /** Directives that set the variables of the others. */
  before: string[];
  /** Directives that require a password. */
  password: string[];
  root: string;
  /** What precedes a path within the tree. */
  prefix: string;
  /** The value of Cache-Control, and the directives of the variables in it. */
  caching: Computed;
  /** Headers that only this part has. */
  headers: string[];
  /** The tree in which an older set-up has certbot write its challenges. */
  challenges: string;
  /** The directory of the files that earlier releases left; null for none. */
  kept: string | null;
  /** What answers where there is no file: the last word of try_files. */
  missing: string;
  /** The locations of the pages of errors, as a location names them. */
  errorPages: string[];
  /** Locations that only this part has. */
  after: string[];
}

/** Returns the part that is the site. It includes the previews if they have paths of the site. */
export function sitePart(project: Project): Part {
  const { slug, root_path } = project;
  const site: Part = {
    name: namesOf(project).join(" "),
    before: [],
    password: passwordLines(project, "site"),
    root: root_path,
    prefix: "",
    caching: cachingOf(project, "site"),
    headers: [],
    challenges: root_path,
    kept: keptAssetsOf(slug),
    missing: "=404",
    errorPages: ["= /404.html"],
    after: [],
  };
  return project.previews === "path" ? withPreviewPaths(site, project) : site;
}
