// What a snapshot contains, and what it says about its host.

import * as v from "valibot";
import { presentVersions } from "../apt/dpkg.ts";
import { gatherFacts } from "../engine/facts.ts";
import { stateDir } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import { ownTree, readRecords } from "../sites/store.ts";
import { type Part, partsOf } from "./copy.ts";
import { copyDir, environmentPath, manifestPath, passwordPath } from "./paths.ts";
import { setUpCommands } from "./set-up.ts";
import type { Settings } from "./settings.ts";

/** The directories of a snapshot beside the sites: records, nginx, certificates with their accounts, and runners. */
export const configuration = [stateDir, "/etc/nginx", "/etc/letsencrypt", "/etc/gitlab-runner"];
/** What opens a repository is no part of it, because the copy of another repository would open this one. */
const leftOut = [passwordPath, environmentPath];

/** Returns the words for restic: paths and exclusions. The paths that exist are the same in each run. */
export function backupWords(reader: HostReader): string[] {
  const paths = [...configuration, copyDir, manifestPath].filter((path) => reader.stat(path) !== null);
  return [...leftOut.flatMap((path) => ["--exclude", path]), ...paths];
}

/** Returns the parts of each project, by slug. A project with an invalid record is a part too. */
export async function projectParts(reader: HostReader, { with_releases }: Settings): Promise<Map<string, Part[]>> {
  const { projects, broken } = await readRecords(reader);
  const parts = new Map<string, Part[]>();
  for (const slug of [...projects.keys(), ...broken.keys()].sort()) {
    if (!/^[a-z0-9][a-z0-9_-]*$/.test(slug)) continue;
    parts.set(slug, partsOf(reader, slug, await ownTree(reader, slug), with_releases));
  }
  return parts;
}

const manifestSchema = v.object({
  format: v.literal(1),
  program: v.string(),
  host: v.string(),
  system: v.string(),
  architecture: v.string(),
  with_releases: v.boolean(),
  projects: v.array(v.string()),
  /** The version of each installed package. */
  packages: v.record(v.string(), v.string()),
  /** The commands that set up the rest of the host, without `edox-ops`. They are printed for an admin who types them. */
  set_up: v.optional(v.array(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*(?: [\w.,:@/-]+)+$/))), []),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;

/** Returns what a snapshot of this host says about it. */
export function manifestOf(reader: HostReader, { host, with_releases }: Settings, projects: string[]): Manifest {
  const { name, architecture } = gatherFacts(reader);
  const packages = Object.fromEntries([...presentVersions(reader)].sort());
  return {
    ...{ format: 1, program: EDOX_OPS_VERSION, host, system: name, architecture },
    ...{ with_releases, projects, packages, set_up: setUpCommands(reader) },
  };
}

/** Returns whether the host of a snapshot had Docker. */
export function hadEngine({ packages }: Manifest): boolean {
  return ["docker-ce", "docker.io"].some((name) => Object.hasOwn(packages, name));
}

/** Returns the manifest in a text, or null if it is none. */
export function readManifest(text: string): Manifest | null {
  try {
    const found = v.safeParse(manifestSchema, JSON.parse(text));
    return found.success ? found.output : null;
  } catch {
    return null;
  }
}
