// What a snapshot contains, and what it says about its host.

import * as v from "valibot";
import { presentVersions } from "../apt/dpkg.ts";
import { dockerSourcePath } from "../docker/paths.ts";
import { dockerRepository } from "../docker/recipe.ts";
import { gatherFacts } from "../engine/facts.ts";
import { stateDir } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { runnerRepository } from "../runner/install.ts";
import { runnerSourcePath } from "../runner/paths.ts";
import { surveyConfig } from "../runner/runners.ts";
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
  return [...leftOut.flatMap((path) => ["--exclude", path]), ...paths, ...runnerFiles(reader)];
}

const runnerKeys = ["tls-ca-file", "tls-cert-file", "tls-key-file"];

/** Returns the files outside of the configuration without which the runners do not reach their GitLab. */
function runnerFiles(reader: HostReader): string[] {
  try {
    const { runners } = surveyConfig(reader);
    const paths = runners.flatMap((runner) => runnerKeys.map((key) => (runner as Record<string, unknown>)[key]));
    const files = paths.filter((path) => v.is(fileSchema, path) && reader.stat(path)?.type === "file") as string[];
    return [...new Set(files)].filter((path) => !configuration.some((dir) => path.startsWith(`${dir}/`))).sort();
  } catch {
    // gitlab-runner cannot read the configuration either.
    return [];
  }
}

/** An absolute path without components that lead up. */
const fileSchema = v.pipe(v.string(), v.regex(/^(?!.*\/\.{0,2}(?:\/|$))\/[^\p{C}]{1,1000}$/u));

/** Returns the projects with a record, sorted. One with an invalid record is backed up as well. */
export async function backedUpProjects(reader: HostReader): Promise<string[]> {
  const { projects, broken } = await readRecords(reader);
  return [...projects.keys(), ...broken.keys()].filter((slug) => /^[a-z0-9][a-z0-9_-]*$/.test(slug)).sort();
}

/** Returns the parts of a project as they are now. */
export async function projectParts(reader: HostReader, slug: string, { with_releases }: Settings): Promise<Part[]> {
  return partsOf(reader, slug, await ownTree(reader, slug), with_releases);
}

/** apt accepts only what its key has signed. */
const mirrorSchema = v.object({
  uri: v.pipe(v.string(), v.regex(/^https?:\/\/[!-~]{1,1000}$/)),
  fingerprint: v.pipe(v.string(), v.regex(/^[0-9A-F]{40,64}$/)),
});

/** Accepts a list without the items that this version does not know. */
function knownItems<T>(item: v.GenericSchema<T>) {
  const items = v.array(v.fallback(v.nullable(item), null));
  const known = v.pipe(
    items,
    v.transform((all) => all.filter((each) => each !== null)),
  );
  return v.optional(v.fallback(known, []), []);
}

const knownMirror = v.fallback(v.optional(mirrorSchema), undefined);
/** The version of a package; an empty one is that of an unknown value. */
const versionSchema = v.fallback(v.string(), "");

const manifestSchema = v.object({
  format: v.literal(1),
  program: v.string(),
  host: v.string(),
  system: v.string(),
  architecture: v.string(),
  with_releases: v.boolean(),
  projects: v.array(v.string()),
  /** The version of each installed package. */
  packages: v.fallback(v.record(v.string(), versionSchema), {}),
  /** The files outside of the directories of a snapshot that the runners need. */
  runner_files: knownItems(fileSchema),
  /** The mirrors of packages that were chosen in place of the vendors' repositories. */
  mirrors: v.optional(v.fallback(v.object({ docker: knownMirror, runner: knownMirror }), {}), {}),
  /** The commands that set up the rest of the host, without `edox-ops`. They are printed for an admin who types them. */
  set_up: knownItems(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*(?: [\w.,:@/-]+)+$/))),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;

/** Returns what a snapshot of this host says about it. */
export function manifestOf(reader: HostReader, { host, with_releases }: Settings, projects: string[]): Manifest {
  const { name, architecture, family } = gatherFacts(reader);
  const docker = mirrorOf(reader, dockerSourcePath, dockerRepository(family));
  const runner = mirrorOf(reader, runnerSourcePath, runnerRepository(family));
  const packages = Object.fromEntries([...presentVersions(reader)].sort());
  return {
    ...{ format: 1, program: EDOX_OPS_VERSION, host, system: name, architecture },
    ...{ with_releases, projects, packages, set_up: setUpCommands(reader) },
    runner_files: runnerFiles(reader),
    mirrors: { ...(docker && { docker }), ...(runner && { runner }) },
  };
}

type Mirror = v.InferOutput<typeof mirrorSchema>;

/** Returns the repository of this source, if it is not the vendor's. */
function mirrorOf(reader: HostReader, sourcePath: string, official: Mirror): Mirror | null {
  const chosen = chosenRepository(reader, sourcePath);
  if (chosen === null) return null;
  const isOfficial = chosen.uri === official.uri && chosen.fingerprint === official.fingerprint;
  return isOfficial || !v.is(mirrorSchema, chosen) ? null : chosen;
}

/** Returns whether the host of a snapshot had Docker. */
export function hadEngine({ packages }: Manifest): boolean {
  return ["docker-ce", "docker.io"].some((name) => Object.hasOwn(packages, name));
}

export interface FoundManifest extends Manifest {
  /** What a later version wrote and this one does not know, each with its key. It is left out of the rest. */
  unknown: string[];
}

/** Returns the manifest in a text, or null if it is none. */
export function readManifest(text: string): FoundManifest | null {
  try {
    const written = JSON.parse(text);
    const found = v.safeParse(manifestSchema, written);
    return found.success ? { ...found.output, unknown: unknownIn(written, found.output) } : null;
  } catch {
    return null;
  }
}

/** In characters: longer values are shortened. */
const mostShown = 80;

function unknownIn(written: Record<string, unknown>, known: Manifest): string[] {
  return (["set_up", "runner_files", "mirrors", "packages"] as const).flatMap((key) => {
    const [value, own] = [written[key], known[key]];
    if (value === undefined) return [];
    const isAlike = typeof value === "object" && value !== null && Array.isArray(value) === Array.isArray(own);
    return (isAlike ? leftOutOf(value, own) : [value]).map((each) => {
      const shown = JSON.stringify(each);
      return `${key}: ${shown.length > mostShown ? `${shown.slice(0, mostShown)}…` : shown}`;
    });
  });
}

/** Returns the items of a list, or the keys of an object, that the other one does not have. */
function leftOutOf(written: object, known: object): unknown[] {
  if (Array.isArray(written)) {
    const own = new Set(known as unknown[]);
    return written.filter((each) => !own.has(each));
  }
  return Object.keys(written).filter((key) => !(known as Record<string, unknown>)[key]);
}
