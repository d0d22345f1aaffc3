// One backup: hard links to the sites, a snapshot of them and of the configuration, and the retention.

import * as v from "valibot";
import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { projectLockPath } from "../sites/deploy/releases.ts";
import { parseJson } from "../text/json.ts";
import { backedUpProjects, backupWords, manifestOf, projectParts } from "./contents.ts";
import { linkPart } from "./copy.ts";
import { copyDir, manifestPath, movingPath, restoredDir } from "./paths.ts";
import { runRestic } from "./restic.ts";
import type { Access, Settings } from "./settings.ts";
import { tag } from "./snapshots.ts";
import { failureIn, makeBackupDir, recordFailure, writeState } from "./state.ts";

/** What a command of backups works with. */
export interface Tools {
  host: Host;
  trees: Trees;
  /** Takes the lock of a project, and returns what releases it. */
  lockProject(path: string): Promise<() => void>;
  stop: Stop;
}

/** Sizes are in bytes. */
export interface BackupResult {
  snapshot: string;
  projects: string[];
  files: number;
  bytes: number;
  /** What the repository did not have before. */
  added_bytes: number;
  milliseconds: number;
}

const summarySchema = v.object({
  message_type: v.literal("summary"),
  snapshot_id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8,64}$/)),
  total_files_processed: v.number(),
  total_bytes_processed: v.number(),
  data_added: v.number(),
});

/** restic made a snapshot without a file that it could not read: another program had removed it. */
const incomplete = 3;

/**
 * Makes a snapshot, and records it. The lock of a project is held only while its tree is linked. A failure leaves no
 * links, and is recorded for doctor.
 */
export async function backUp(tools: Tools, settings: Settings, access: Access): Promise<BackupResult> {
  const { host, trees, stop } = tools;
  const start = performance.now();
  makeBackupDir(host);
  try {
    // A killed run has left its links, and a killed restore its files, which hold secrets. A host with backups is no
    // longer one that is set up from another one's.
    for (const path of [copyDir, restoredDir, movingPath]) trees.remove(path);
    const projects = await linkProjects(tools, settings);
    const text = `${JSON.stringify(manifestOf(host, settings, projects), null, 2)}\n`;
    host.writeFile(manifestPath, new TextEncoder().encode(text), { mode: 0o600, uid: host.uid, gid: host.uid });
    const summary = await snapshotNow(host, settings, access);
    throwIfInterrupted(stop);
    writeState(host, settings.repository, { backedUpMs: host.now(), failure: null, hint: [] });
    const { snapshot_id, total_files_processed, total_bytes_processed, data_added } = summary;
    return {
      ...{ snapshot: snapshot_id, projects, files: total_files_processed, bytes: total_bytes_processed },
      ...{ added_bytes: data_added, milliseconds: Math.round(performance.now() - start) },
    };
  } catch (error) {
    throwIfInterrupted(stop);
    const problem = error instanceof Problem ? error : withDiskFault(host, Problem.of(error));
    recordFailure(host, settings.repository, failureIn(problem));
    throw problem;
  } finally {
    trees.remove(copyDir);
  }
}

async function linkProjects({ host, trees, lockProject, stop }: Tools, settings: Settings): Promise<string[]> {
  const owner = { uid: host.uid, gid: host.uid };
  trees.makeDirectory(copyDir, { mode: 0o700, ...owner });
  const slugs = await backedUpProjects(host);
  for (const slug of slugs) {
    throwIfInterrupted(stop);
    const release = await lockProject(projectLockPath(slug));
    try {
      // A deploy may have changed the project while its lock was waited for.
      for (const part of await projectParts(host, slug, settings)) linkPart(trees, part, copyDir, owner);
    } finally {
      release();
    }
  }
  return slugs;
}

async function snapshotNow(host: Host, { host: name }: Settings, access: Access) {
  // A hard link changes the time of the inode, but not the file.
  const words = ["backup", "--json", "--quiet", "--host", name, "--tag", tag, "--ignore-ctime"];
  const run = (): Promise<string> => runRestic(host, access, [...words, ...backupWords(host)]);
  const output = await run().catch((error: unknown) => {
    if (error instanceof Problem && error.returncode === incomplete) return run();
    throw error;
  });
  for (const line of output.split("\n").reverse()) {
    const found = line.startsWith("{") ? v.safeParse(summarySchema, parseJson(line)) : null;
    if (found?.success) return found.output;
  }
  throw new Problem("command-failed", "restic ended without a summary of its snapshot", {
    hint: ["sudo", "edox-ops", "backup", "list"],
  });
}
