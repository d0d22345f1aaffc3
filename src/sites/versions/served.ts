// What the nginx site of a project serves of its versions.

import type { HostReader } from "../../host/host.ts";
import type { Project } from "../project.ts";
import type { ServedVersions } from "../serve/version-lines.ts";
import { readVersions, versionNamed, versionsOf } from "./versions.ts";

/** Returns what nginx serves of the versions on the disk; null where a project has none. */
export function servedVersions(reader: HostReader, project: Project): ServedVersions | null {
  const { slug, default_version, noindex_old_versions } = project;
  const found = readVersions(reader, slug);
  if (found.versions.length === 0) return null;
  const preferred = default_version === undefined ? null : versionNamed(found, default_version);
  return {
    dir: versionsOf(slug),
    // An address that leads to a missing version would be worse than one that is not found.
    defaultName: preferred === null ? null : (default_version ?? null),
    indexed: noindex_old_versions && preferred !== null ? [preferred.name, ...preferred.aliases] : null,
  };
}
