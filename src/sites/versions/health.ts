// Checks of the versions of sites, for doctor and for `project validate`.

import type { Recipe, Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { projectLogPath, versionsDir } from "../paths.ts";
import type { Project } from "../project.ts";
import { readProjects } from "../store.ts";
import { indexFile } from "./recipe.ts";
import { pendingRename } from "./trees.ts";
import { aliasPath, readVersions, versionNamed } from "./versions.ts";

interface VersionFault {
  detail: string;
  hint: string[];
  mild: true;
}

/** Returns what is wrong with the versions of a project, except for what {@link versionLists} repairs. */
export function versionFaults(reader: HostReader, project: Project): VersionFault[] {
  const { slug, default_version } = project;
  const found = readVersions(reader, slug);
  const command = (...words: string[]): string[] => ["sudo", "edox-ops", "project", "versions", ...words];
  const faults: VersionFault[] = [];
  const pending = pendingRename(reader, slug);
  if (pending !== null) {
    const { from, to } = pending;
    const detail = `the renaming of version ${from} to ${to} was interrupted: the next change completes it`;
    faults.push({ detail, hint: command("rename", slug, from, to), mild: true });
  } else if (default_version !== undefined && versionNamed(found, default_version) === null) {
    const detail = `the default version ${default_version} does not exist`;
    faults.push({ detail, hint: command("default", slug, found.versions[0]?.name ?? "none"), mild: true });
  }
  return faults;
}

/** The lists of versions and the aliases of all projects, which follow from the trees on the disk. */
const lists: Resource = {
  name: "versions:lists",
  title: "the lists of versions match the trees",
  affects: "version selectors",
  optional: true,
  isInstalled: (reader) => reader.stat(versionsDir) !== null,
  repairCommand: () => ["sudo", "edox-ops", "doctor", "--fix"],
  async check(reader, ahead, warn) {
    // A file of records that cannot be read is a finding of its own.
    const projects = await readProjects(reader).catch(() => new Map<string, Project>());
    const changes = [];
    for (const { slug, default_version } of projects.values()) {
      const { versions, aliases } = readVersions(reader, slug);
      for (const [alias, target] of aliases) {
        if (versions.some(({ name }) => name === target) || pendingRename(reader, slug) !== null) continue;
        changes.push({ kind: "link" as const, path: aliasPath(slug, alias), before: target, after: null });
      }
      changes.push(...(await indexFile(slug, () => default_version).check(reader, [...ahead, ...changes], warn)));
    }
    return changes;
  },
};

/** Doctor checks and repairs what it writes. */
export const versionLists: Recipe = {
  command: "doctor --fix",
  logPath: projectLogPath,
  requires: [],
  steps: [{ id: "project.versions", title: lists.title, resources: [lists] }],
  done: "The lists of versions match the trees.",
  failed: "doctor --fix failed at step",
};
