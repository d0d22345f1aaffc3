// Puts a fetched snapshot back. What is missing is put to its place, a live site is replaced by a deploy, and nothing else
// is overwritten.

import type { DeployKey } from "../deploy-keys/record.ts";
import { lockPath } from "../engine/paths.ts";
import type { Host } from "../host/host.ts";
import { changeablePart } from "../host/ownership.ts";
import type { Trees } from "../host/trees.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { runnerConfigPath, runnerHome } from "../runner/paths.ts";
import type { Project } from "../sites/project.ts";
import { draftOf, readRecords } from "../sites/store.ts";
import { few } from "../text/lines.ts";
import { parentOf } from "../text/path.ts";
import type { Manifest } from "./contents.ts";
import { originOf } from "./copy.ts";
import { fetchedPath, putMissing, type Restorable } from "./fetched.ts";
import { runProgram } from "./own-program.ts";
import { copyDir } from "./paths.ts";
import { addKeys, addProject, demandNoConflict, fetchedRecords } from "./records.ts";
import { type Attempt, type RestoredCertificates, restoreCertificates } from "./restore-certificates.ts";

/** What a restore works with. */
export interface RestoreTools {
  host: Host;
  trees: Trees;
  /** The path of this program, whose commands deploy and enable sites under their own locks. */
  program: string;
  /** Takes the lock of the host, and returns what releases it. */
  lockHost(path: string): Promise<() => void>;
  stop: Stop;
  /** A site that was deployed after this time is kept, in Unix milliseconds. Without it, each one is replaced. */
  keepsSinceMs?: number | undefined;
}

export interface Restored extends RestoredCertificates {
  /** Projects whose records and trees are back. */
  projects: string[];
  /** Projects that were there, and whose site is that of the snapshot now. */
  deployed: string[];
  /** Projects that were there, and whose newer site is not replaced. */
  kept: string[];
  runners: boolean;
  /** What was not restored: projects, or parts of the host. */
  failed: string[];
}

/** Returns what a restore has done before its first change. */
export function nothingRestored(): Restored {
  return {
    projects: [],
    deployed: [],
    kept: [],
    certificates: [],
    certbot_files: [],
    runners: false,
    failed: [],
    warnings: [],
  };
}

/**
 * Restores these parts of the fetched snapshot, and adds them to `restored`, which is of use after an error as well. A
 * certificate or a project that fails does not keep the others from being restored.
 */
export async function restore(
  tools: RestoreTools,
  parts: readonly Restorable[],
  { runner_files }: Pick<Manifest, "runner_files">,
  restored: Restored = nothingRestored(),
): Promise<Restored> {
  const { host, trees, stop } = tools;
  const attempt: Attempt = async (what, act, name = what) => {
    throwIfInterrupted(stop);
    try {
      await act();
    } catch (error) {
      const { code, message } = Problem.of(error);
      if (code === "interrupted") throw error;
      restored.failed.push(name);
      restored.warnings.push(`${what}: ${message}`);
    }
  };
  // restic does not sync. After a power cut, a tree that was moved to its place would have empty files.
  trees.sync(fetchedPath(""));
  // A site with HTTPS needs its certificate.
  if (parts.includes("certs")) await restoreCertificates(host, trees, restored, attempt);
  if (parts.includes("sites")) {
    const { projects, keys, failed, warnings } = fetchedRecords(host);
    restored.failed.push(...failed);
    restored.warnings.push(...warnings);
    for (const project of projects.values()) {
      const { slug } = project;
      const restoreOne = async (): Promise<void> => {
        const own = keys.filter((key) => key.project === slug);
        const { what, isKept, warnings } = await restoreProject(tools, project, own);
        restored.warnings.push(...warnings);
        if (isKept) restored.kept.push(slug);
        if (what !== null) restored[what].push(slug);
      };
      await attempt(`project ${slug}`, restoreOne, slug);
    }
  }
  if (parts.includes("runner")) await attempt("runners", () => restoreRunners(tools, runner_files, restored));
  return restored;
}

function restoreRunners({ host, trees }: RestoreTools, needed: readonly string[], restored: Restored): void {
  const missing = trees.entry(runnerConfigPath) === null ? needed : [];
  const files = missing.filter((path) => !isTheirs(host, path));
  for (const path of missing.filter((each) => !files.includes(each))) {
    const why = "others than root may change its directory";
    restored.warnings.push(`${path}, which a runner needs, is not restored: ${why}`);
  }
  // The configuration is the last: a restore that was killed before completes the others.
  const put = ["/etc/edox-ops/runner.json", "/etc/gitlab-runner/certs", ...files, runnerConfigPath].map(
    (path) => putMissing(host, trees, fetchedPath(path), path, 0).length > 0,
  );
  restored.runners = put.at(-1) === true;
  const fetched = fetchedPath(runnerConfigPath);
  if (restored.runners || trees.entry(fetched) === null) return;
  const areFiles = [fetched, runnerConfigPath].every((path) => trees.entry(path)?.type === "file");
  if (!areFiles || !trees.same(fetched, runnerConfigPath)) {
    restored.warnings.push(`this host has runners already: ${runnerConfigPath} stays as it is`);
  }
}

/**
 * Returns whether links of another user could lead root to another place than this path. The home of the runner is made
 * with its user: a directory of root in its place would keep jobs from running.
 */
function isTheirs(host: Host, path: string): boolean {
  return path.startsWith(`${runnerHome}/`) || (host.uid === 0 && changeablePart(host.stat, parentOf(path)) !== null);
}

/** Throws a Problem if a project was not restored. */
export function demandWhole({ failed }: Restored): void {
  if (failed.length === 0) return;
  const hint = ["sudo", "edox-ops", "doctor"];
  throw new Problem("command-failed", `not restored: ${few(failed)}`, { hint });
}

interface RestoredProject {
  /** Whether its record and trees are back, or its site was deployed; null without a change. */
  what: "projects" | "deployed" | null;
  /** Whether its site is newer, and is not replaced. */
  isKept: boolean;
  warnings: string[];
}

/** Restores a project. `keys`: those of the snapshot that deploy it, which a project of this host may have revoked. */
async function restoreProject(
  tools: RestoreTools,
  project: Project,
  keys: readonly DeployKey[],
): Promise<RestoredProject> {
  const { host, trees, program, lockHost, keepsSinceMs = Number.POSITIVE_INFINITY } = tools;
  const { slug, root_path } = project;
  const record = (await readRecords(host)).projects.get(slug);
  const isNew = (await draftOf(host, slug)) === null;
  const warnings: string[] = [];
  const password = `/etc/nginx/edox-ops-password-${slug}`;
  if (isNew) {
    await demandNoConflict(host, project);
    putMissing(host, trees, fetchedPath(password), password, 0);
  }
  const put = restoreTrees(host, trees, project);
  if (isNew) {
    const release = await lockHost(lockPath);
    try {
      // A project without its keys would not get them in a later restore.
      warnings.push(...addKeys(host, keys, program));
      await addProject(host, project);
    } finally {
      release();
    }
  }
  // A restore that was killed, or that nginx refused, has recorded a site that is not served yet.
  const isServed = project.enabled && (isNew || record?.enabled === true);
  const enabled = isServed ? await runProgram(tools, ["project", "enable", slug]) : "ok";
  // Nothing was put where a tree is: that of a live site, or of a removed project.
  const site = fetchedPath(`${copyDir}/${slug}/site`);
  const isThere = !put.includes(root_path) && host.stat(site) !== null;
  const deploy = ["project", "deploy", slug, "--source", site];
  const isNewer = isThere && !isNew && (trees.entry(root_path)?.modifiedMs ?? 0) > keepsSinceMs;
  const isKept = isNewer && (await runProgram(tools, [...deploy, "--dry-run"])) === "pending";
  const outcome = isThere && !isNewer ? await runProgram(tools, deploy) : "ok";
  if (!isNew && outcome === "changed") return { what: "deployed", isKept, warnings };
  const isCompleted = isNew || put.length > 0 || enabled === "changed";
  return { what: isCompleted ? "projects" : null, isKept, warnings };
}

/** Puts the trees of a project that are missing to their places. Returns their paths. */
function restoreTrees(host: Host, trees: Trees, { slug, root_path }: Project): string[] {
  const from = fetchedPath(`${copyDir}/${slug}`);
  return (host.list(from) ?? []).flatMap((kind) => {
    const to = originOf(slug, root_path, kind);
    const depth = { versions: 1, previews: 2, releases: 3 }[kind] ?? 0;
    return to === null ? [] : putMissing(host, trees, `${from}/${kind}`, to, depth);
  });
}
