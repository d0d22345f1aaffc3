// The records of projects and deploy keys in a fetched snapshot, and how they are added to those of this host.

import * as v from "valibot";
import { deployKeysPath } from "../deploy-keys/paths.ts";
import { type DeployKey, idOf, isPlainPath, readKeys, snapshotKeys } from "../deploy-keys/record.ts";
import { projectsPath } from "../engine/paths.ts";
import type { Host, HostReader } from "../host/host.ts";
import { jsonRecord } from "../problem/json-record.ts";
import { Problem } from "../problem/problem.ts";
import { type Project, projectSchema } from "../sites/project.ts";
import { judgeDraft, recordsText } from "../sites/store.ts";
import { fetchedPath } from "./fetched.ts";

export interface FetchedRecords {
  projects: Map<string, Project>;
  keys: DeployKey[];
  /** The projects and deploy keys without a valid record, and "deploy keys" if there is no list of them. */
  failed: string[];
  /** Why, a sentence for each. */
  warnings: string[];
}

/** Returns the records of the fetched snapshot. An invalid one does not keep the others from being returned. */
export function fetchedRecords(reader: HostReader): FetchedRecords {
  const found: FetchedRecords = { projects: new Map(), keys: [], failed: [], warnings: [] };
  const attempt = <T>(failed: string, what: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      found.failed.push(failed);
      found.warnings.push(`${what} in the snapshot are invalid: ${snapshotFault(error)}`);
      return undefined;
    }
  };
  const all = attempt("all projects", "the records of projects", () => {
    return jsonRecord(reader, fetchedPath(projectsPath), v.record(v.string(), v.unknown()));
  });
  for (const [slug, value] of Object.entries(all ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const read = v.safeParse(projectSchema, value);
    if (read.success && read.output.slug === slug) found.projects.set(slug, read.output);
    else {
      found.failed.push(slug);
      found.warnings.push(`the record of project ${slug} in the snapshot is invalid: it is not restored`);
    }
  }
  const read = attempt("deploy keys", "the deploy keys", () => snapshotKeys(reader, fetchedPath(deployKeysPath)));
  found.keys.push(...(read?.keys ?? []));
  const own = ownKeys(reader);
  for (const { id, words, reason } of read?.invalid ?? []) {
    // The admin has added it, as the warning of an earlier restore says.
    if (own.has(id)) continue;
    const add = `sudo edox-ops project key add ${words.join(" ")} --key FILE`;
    found.failed.push(`deploy key ${id}`);
    found.warnings.push(`deploy key ${id} in the snapshot is invalid: ${reason}; add it with its limits again: ${add}`);
  }
  return found;
}

/** Returns the names of the deploy keys of this host; none if their record is invalid. */
function ownKeys(reader: HostReader): Set<string> {
  try {
    return new Set(readKeys(reader)?.keys.map(idOf));
  } catch {
    return new Set();
  }
}

/** Returns why a fetched file is invalid, without its path, which is gone after the restore. */
export function snapshotFault(error: unknown): string {
  return Problem.of(error).message.replace(/^\/.* is invalid: /, "");
}

/** Throws a Problem for a project that would conflict with one of this host. */
export async function demandNoConflict(reader: HostReader, project: Project): Promise<void> {
  const found = await judgeDraft(reader, project.slug, project);
  if ("reason" in found) throw new Problem("conflict", found.reason, { hint: found.hint });
}

/**
 * Adds the record of a project, which may not be served yet: a repeated restore sees from it what is left to do. The caller
 * holds the lock of the host.
 */
export async function addProject(host: Host, project: Project): Promise<void> {
  await demandNoConflict(host, project);
  const { bytes } = await recordsText(host, project.slug, project);
  writeRecord(host, projectsPath, bytes);
}

/**
 * Adds deploy keys to the record, and returns why some are not added. sshd accepts them when the deploy keys are set up
 * again. The caller holds the lock of the host.
 */
export function addKeys(host: Host, added: readonly DeployKey[], program: string): string[] {
  // Invalid keys of this host are no reason to refuse a project without keys.
  if (added.length === 0) return [];
  const record = readKeys(host) ?? { program, keys: [] };
  if (!isPlainPath(record.program)) {
    return added.map((key) => `deploy key ${idOf(key)} is not restored: a rule of sudo cannot name ${record.program}`);
  }
  const keys = [...record.keys];
  const warnings = added.flatMap((key) => {
    const holder = keys.find((each) => idOf(each) === idOf(key) || each.public_key === key.public_key);
    if (holder === undefined) {
      keys.push(key);
      return [];
    }
    // A killed restore has added it.
    if (idOf(holder) === idOf(key) && holder.public_key === key.public_key) return [];
    const why = idOf(holder) === idOf(key) ? "this host has another one" : `${idOf(holder)} has its public key`;
    return [`deploy key ${idOf(key)} is not restored: ${why}`];
  });
  if (keys.length > record.keys.length) {
    const text = `${JSON.stringify({ ...record, keys }, null, 2)}\n`;
    writeRecord(host, deployKeysPath, new TextEncoder().encode(text));
  }
  return warnings;
}

function writeRecord(host: Host, path: string, bytes: Uint8Array): void {
  host.writeFile(path, bytes, { mode: 0o600, uid: host.uid, gid: host.uid });
}
