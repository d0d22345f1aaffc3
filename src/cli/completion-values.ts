// Reads the values that a shell completes from the host. A value that this user may not read is not offered.

import { gatherFacts } from "../engine/facts.ts";
import { projectsPath } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import type { Completion } from "../report/command-spec.ts";
import { sizeText } from "../text/size.ts";
import { ageText, utcText } from "../text/time.ts";
import type { Command } from "./command.ts";
import type { Context } from "./context.ts";

/** A word and its description. */
export type Candidate = readonly [word: string, description: string];

interface Request {
  context: Context;
  command: Command;
  /** The slug that was typed before the cursor. */
  slug: string | undefined;
}

/** A larger state file has a fault, and would delay each completion. */
const mostBytes = 1024 * 1024;
/** Milliseconds for the sizes of backups. Those that are not known by then are left out. */
const sizesMs = 100;

/** Returns the values of this kind, as far as they are on this host. Throws if its files cannot be read. */
export async function valuesOnHost(kind: Completion, request: Request): Promise<Candidate[]> {
  const { context, command, slug } = request;
  switch (kind) {
    case "file":
    case "directory":
      return [];
    case "profile": {
      const { profiles } = await import("../runner/registration/profile.ts");
      return Object.entries(profiles).map(([name, { description }]) => [name, description]);
    }
    case "slug":
      return projects(await context.host());
    case "backup":
      return slug === undefined ? [] : backups(slug, context);
    case "preview":
      return slug === undefined ? [] : previews(slug, await context.host());
    case "version":
      return slug === undefined ? [] : versions(slug, await context.host());
    case "key":
      return slug === undefined ? [] : deployKeys(slug, await context.host());
    case "step": {
      const host = await context.host();
      const steps = await command.steps?.(gatherFacts(host), host, slug);
      return (steps ?? []).map(({ id, title }) => [id, title]);
    }
    case "runner":
      return runners(await context.host());
    case "certificate":
      return certificates(await context.host());
  }
}

async function projects(reader: HostReader): Promise<Candidate[]> {
  const { readRecords } = await import("../sites/store.ts");
  const stat = reader.stat(projectsPath);
  if (stat?.type !== "file" || stat.size > mostBytes) return [];
  const { projects, broken } = await readRecords(reader);
  return [
    ...[...projects].map(([slug, { domain }]): Candidate => [slug, domain]),
    ...[...broken.keys()].map((key): Candidate => [key, "invalid record"]),
  ];
}

/** Returns the backups of a project, newest first, with their ages and sizes. */
async function backups(slug: string, { host: loadHost, trees: loadTrees }: Context): Promise<Candidate[]> {
  const { backupNames, backupsOf, secondsOf } = await import("../sites/deploy/releases.ts");
  const { slug: slugSchema } = await import("../sites/project.ts");
  const { is } = await import("valibot");
  // A path that a slug does not name is not read.
  if (!is(slugSchema, slug)) return [];
  const [host, trees] = [await loadHost(), await loadTrees()];
  const end = performance.now() + sizesMs;
  return backupNames(host, slug).map((name) => {
    let bytes: number | null = 0;
    try {
      for (const { type, size } of trees.walk(`${backupsOf(slug)}/${name}`)) {
        if (performance.now() > end) throw new Error("there is no time left");
        if (type === "file") bytes += size;
      }
    } catch {
      bytes = null;
    }
    const age = ageText(secondsOf(name) * 1000, host.now());
    return [name, bytes === null ? age : `${age}, ${sizeText(bytes)}`];
  });
}

/** Returns the previews of a project by name, with the branches that they were built from. */
async function previews(slug: string, reader: HostReader): Promise<Candidate[]> {
  const { branchOf } = await import("../sites/previews/list.ts");
  const { previewNames } = await import("../sites/previews/present.ts");
  const { slug: slugSchema } = await import("../sites/project.ts");
  const { is } = await import("valibot");
  if (!is(slugSchema, slug)) return [];
  return previewNames(reader, slug).map((name) => [name, branchOf(reader, slug, name) ?? ""]);
}

/** Returns the deploy keys of a project by name, with their fingerprints. */
async function deployKeys(slug: string, reader: HostReader): Promise<Candidate[]> {
  const { readKeys } = await import("../deploy-keys/record.ts");
  const keys = readKeys(reader)?.keys ?? [];
  return keys.filter(({ project }) => project === slug).map(({ name, fingerprint }) => [name, fingerprint]);
}

/** Returns the versions and aliases of a project. */
async function versions(slug: string, reader: HostReader): Promise<Candidate[]> {
  const { readVersions } = await import("../sites/versions/versions.ts");
  const { slug: slugSchema } = await import("../sites/project.ts");
  const { is } = await import("valibot");
  // A path that a slug does not name is not read.
  if (!is(slugSchema, slug)) return [];
  const found = readVersions(reader, slug);
  return [
    ...found.versions.map(({ name, title }): Candidate => [name, title === name ? "" : title]),
    ...[...found.aliases].map(([alias, target]): Candidate => [alias, `alias of ${target}`]),
  ];
}

async function runners(reader: HostReader): Promise<Candidate[]> {
  const { surveyConfig } = await import("../runner/runners.ts");
  const { runnerConfigPath } = await import("../runner/paths.ts");
  if ((reader.stat(runnerConfigPath)?.size ?? 0) > mostBytes) return [];
  return surveyConfig(reader).runners.map(({ name, executor, url }) => [name, `${executor}, ${url}`]);
}

async function certificates(reader: HostReader): Promise<Candidate[]> {
  const { readLineages } = await import("../certs/lineage.ts");
  const { lineages } = readLineages(reader);
  return [...lineages.values()].map(({ name, certificate }) => {
    return [name, certificate === null ? "" : `expires ${utcText(certificate.notAfter)}`];
  });
}
