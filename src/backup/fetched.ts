// A snapshot that is fetched into a directory of root, and what is put from there to its place.

import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { Problem } from "../problem/problem.ts";
import { parentOf } from "../text/path.ts";
import { configuration, type FoundManifest, readManifest } from "./contents.ts";
import { copyTree } from "./copy.ts";
import { copyDir, manifestPath, restoredDir } from "./paths.ts";
import { runRestic } from "./restic.ts";
import type { Access } from "./settings.ts";
import { type Snapshot, shortLength } from "./snapshots.ts";
import { makeBackupDir } from "./state.ts";

/** What can be restored alone. */
export const restorable = ["sites", "certs", "runner"] as const;
export type Restorable = (typeof restorable)[number];

const [records = "", nginx = "", certificates = "", runner = ""] = configuration;

/** The paths of a snapshot that each part needs. */
const included: Record<Restorable, string[]> = {
  sites: [copyDir, records, nginx],
  certs: [certificates],
  runner: [runner, records],
};

/** Returns the path of something in the fetched snapshot. */
export function fetchedPath(path: string): string {
  return `${restoredDir}${path}`;
}

/** Fetches these parts of a snapshot, and returns what it says about its host. The caller removes them. */
export async function fetchSnapshot(
  host: Host,
  access: Access,
  snapshot: Snapshot,
  parts: readonly Restorable[],
): Promise<FoundManifest> {
  makeBackupDir(host);
  const fetch = (paths: readonly string[]): Promise<string> => {
    const words = paths.flatMap((path) => ["--include", patternOf(path)]);
    return runRestic(host, access, ["restore", snapshot.id, "--target", restoredDir, ...words]);
  };
  await fetch([manifestPath]);
  const bytes = host.read(fetchedPath(manifestPath));
  const manifest = bytes === null ? null : readManifest(new TextDecoder().decode(bytes));
  if (manifest === null) {
    const id = snapshot.id.slice(0, shortLength);
    const message = `snapshot ${id} was not made by edox-ops, or by a later version of it`;
    throw new Problem("invalid-source", message, { hint: ["sudo", "edox-ops", "backup", "list"] });
  }
  const files = parts.includes("runner") ? manifest.runner_files : [];
  await fetch([...new Set([...parts.flatMap((part) => included[part]), ...files])]);
  return manifest;
}

/** Returns the pattern of restic that matches this path alone. */
function patternOf(path: string): string {
  return path.replace(/[*?[\]\\]/g, "\\$&");
}

/**
 * Puts a fetched entry to its place, if nothing is there, and returns the paths of what was put. `depth`: how many levels
 * of directories that exist are completed. Nothing is overwritten.
 */
export function putMissing(host: Host, trees: Trees, from: string, to: string, depth: number): string[] {
  const entry = trees.entry(from);
  if (entry === null) return [];
  const there = trees.entry(to);
  if (there === null) {
    makeParents(host, parentOf(to));
    put(trees, from, to);
    return [to];
  }
  if (depth === 0 || entry.type !== "directory" || there.type !== "directory") return [];
  const names = host.list(from) ?? [];
  return names.flatMap((name) => putMissing(host, trees, `${from}/${name}`, `${to}/${name}`, depth - 1));
}

/** Moves an entry. On another file system it is copied beside its place first, so that it appears whole or not at all. */
function put(trees: Trees, from: string, to: string): void {
  if (trees.areOnOneFileSystem(from, parentOf(to))) {
    trees.move(from, to);
    return;
  }
  const incoming = `${parentOf(to)}/.edox-ops-incoming`;
  trees.remove(incoming);
  copyTree(trees, from, incoming, () => false);
  trees.sync(incoming);
  trees.move(incoming, to);
}

function makeParents(host: Host, dir: string): void {
  if (host.stat(dir) !== null) return;
  makeParents(host, parentOf(dir));
  host.makeDirectory(dir, { mode: 0o755, uid: host.uid, gid: host.uid });
}
