// Sites that were live with `_redirects` or `_headers` before nginx had rules of sites. The files are ordinary ones until
// a deploy has checked them, and a line that is refused must not end the deploys of such a site.

import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import type { Project } from "../project.ts";
import { ruleMapsInclude } from "../serve/rule-lines.ts";
import { vhostLinkPath, vhostPath } from "../serve/vhost-paths.ts";
import { rulePaths } from "./resources.ts";
import type { Rules } from "./rules.ts";
import { hasRules, liveRules } from "./tree-rules.ts";

/** Returns whether the live tree has files of rules although nginx has none of the site. */
export function isDormant(reader: HostReader, { slug, root_path }: Project): boolean {
  try {
    if (!hasRules(reader, root_path) || rulePaths(slug).some((path) => reader.stat(path) !== null)) return false;
    return textOf(reader, vhostPath(slug))?.includes(ruleMapsInclude(slug)) !== true;
  } catch (error) {
    // The check of the tree reports that it cannot be read.
    if (error instanceof UnknownStateError) return false;
    throw error;
  }
}

/** Returns the rules that nginx should have for the live tree, or null: a served site gets its first rules by a deploy. */
export function servedRules(reader: HostReader, project: Project): Rules | null {
  const { slug } = project;
  const isServed = reader.readLink(vhostLinkPath(slug)) === vhostPath(slug);
  return isServed && textOf(reader, vhostPath(slug)) !== null && isDormant(reader, project)
    ? null
    : liveRules(reader, project);
}
