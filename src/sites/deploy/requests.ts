// Prepares a deploy of a source or a restore of a backup: opens the source and the live tree.

import type { BundledSite } from "../../bundle/sites.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { type OpenedEntry, RejectedArchive, type Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { withFlag } from "../../text/with-flag.ts";
import type { Project } from "../project.ts";
import { isDormant } from "../rules/dormant.ts";
import { probeOf } from "../serve/served.ts";
import { dereferenceTree } from "../source/dereference.ts";
import { closedPart } from "../source/secrets.ts";
import { openSource } from "../source/source-path.ts";
import { siteTarget, type Target } from "../target.ts";
import type { DeployRequest } from "./plan.ts";
import { backupNames, backupsOf, isWithoutDirs, openAbove } from "./releases.ts";
import { findRestoreSource, readRestores } from "./restores.ts";
import { type Upload, unpackArchive } from "./unpacked.ts";

export interface Choices
  extends Pick<DeployRequest, "keep" | "backup" | "allowEmpty" | "strictUrls" | "again" | "hint"> {
  /** Whether the front page is requested from nginx after the deploy. */
  asks: boolean;
  /** Whether this is a dry run. */
  dryRun: boolean;
  /** Lets pending signals arrive, and throws a Problem if the run is to end. */
  pauseForSignals?: () => Promise<void>;
  /** How stdin arrives, if a client of another host sends it. */
  upload?: Upload;
}

/** What a deploy replaces if it is not the site: its tree, its front page, and what is prepared before the swap. */
export type Destination = Pick<DeployRequest, "target" | "base" | "front" | "prepare">;

interface DeploySelection extends Pick<DeployRequest, "select">, Partial<Destination> {
  /**
   * A directory, an archive, "-" for a tar on stdin, or a site of a bundle; null for the source path of the record.
   */
  source: string | BundledSite | null;
  /** The subdirectory of the source that is the site. */
  subdir: string | null;
  /** Whether symlinks that lead out of the source are replaced by their targets. */
  dereference?: boolean;
  /** Users whose symlinks on the path to the source are followed to any target. */
  trusted: readonly number[];
}

const pageName = /\.x?html?$/i;

/**
 * Opens the source and the live tree, and unpacks an archive. {@link DeployRequest.letGo} closes the open directories,
 * and {@link cleanUp} removes unpacked files. Throws a Problem for a source that may not be published.
 */
export async function deployRequest(
  host: Host,
  trees: Trees,
  {
    project,
    selection: {
      source,
      subdir,
      trusted,
      dereference = false,
      target = siteTarget(project),
      base = null,
      front,
      ...more
    },
    choices,
  }: { project: Project; selection: DeploySelection; choices: Choices },
): Promise<DeployRequest> {
  const from = source ?? project.source_path;
  if (from === null) {
    const hint = withFlag(choices.again, "--source", "DIRECTORY");
    throw new Problem("missing-value", `${project.slug} has no source path: pass --source`, { hint });
  }
  const given = typeof from === "string" ? from : from.name;
  const shown = given === "-" ? "stdin" : given;
  const name = subdir === null ? shown : `${shown}/${subdir}`;
  const shape = {
    project,
    target,
    base,
    front,
    name,
    ...more,
    ...choices,
    isRemote: choices.upload !== undefined,
    ignoresRefusedRules: isDormant(host, project),
    probe: probeOf(host, project, choices.asks, front),
  };
  return openRequest(host, trees, shape, async (open) => {
    const opened = typeof from !== "string" || from === "-" ? from : open(openSource(host, trees, from, trusted));
    const directory = opened !== "-" && "type" in opened && opened.type === "directory" ? opened : null;
    if (directory === null && pageName.test(given)) {
      const above = given.includes("/") ? parentOf(given) : ".";
      const at = choices.again.indexOf(given);
      // The source is a word of the command, or the value of its flag.
      const isWord = at > 0 && choices.again[at - 1] !== "--source";
      const hint = isWord ? choices.again.with(at, above) : withFlag(choices.again, "--source", above);
      throw new Problem(
        "invalid-source",
        `${given} is a single page: the source must be a directory or an archive of one`,
        {
          hint,
        },
      );
    }
    if (directory === null && dereference) throw new Problem("usage", "--dereference needs a directory as its source");
    if (directory !== null && dereference) {
      const part = subdir === null ? directory : open(partOf(trees, directory.path, subdir));
      return { ...(await dereferenceTree({ target, project, name, choices, part, host, trees })), of: "unpacked" };
    }
    const { dir: whole, notes } = directory
      ? { dir: directory.path, notes: [] }
      : await unpackArchive(host, trees, { target, project, given, archive: opened, request: choices });
    const dir = subdir === null ? whole : open(partOf(trees, whole, subdir)).path;
    return { dir, of: directory ? "others" : "unpacked", ...(directory === null && { archive: given }), notes };
  });
}

/** Builds a request: opens the live tree, and calls `read` to open the new one. Closes everything if it throws. */
async function openRequest(
  host: Host,
  trees: Trees,
  request: Omit<DeployRequest, "dir" | "of" | "live">,
  read: (
    open: <T extends OpenedEntry>(opened: T) => T,
  ) => Promise<Pick<DeployRequest, "dir" | "of" | "archive" | "notes">>,
): Promise<DeployRequest> {
  const all: OpenedEntry[] = [];
  const closeAll = () => {
    for (const each of all.splice(0)) each.close();
  };
  const open = <T extends OpenedEntry>(opened: T): T => {
    all.push(opened);
    return opened;
  };
  try {
    const isMissing = request.dryRun === true && isWithoutDirs(host, request.target);
    const live = isMissing ? request.target.root : open(openAbove(trees, request.target, host.uid)).live;
    return { ...request, live, letGo: closeAll, ...(await read(open)) };
  } catch (error) {
    closeAll();
    throw error;
  }
}

/** Throws a Problem for a subdirectory that is missing, closed or outside of the source. */
function partOf(trees: Trees, whole: string, subdir: string): OpenedEntry {
  const closed = closedPart(subdir);
  if (closed !== null) {
    const reason = `${closed} holds secrets or version control data, and is not published`;
    throw new Problem("usage", `--subdir '${subdir}': ${reason}`);
  }
  const part = openBelow(trees, whole, subdir);
  if (part?.type === "directory") return part;
  part?.close();
  throw new Problem("usage", `--subdir '${subdir}' is no directory in what is published`);
}

function openBelow(trees: Trees, whole: string, subdir: string): OpenedEntry | null {
  try {
    return trees.openBelow(whole, subdir);
  } catch (error) {
    if (error instanceof RejectedArchive) return null;
    throw error;
  }
}

/**
 * Opens a backup and the live tree. `typed` is the name or the path of a backup; null selects the newest backup that a
 * deploy left. Returns null where there is nothing to restore: the live tree was restored already, and no earlier
 * release is left.
 */
export async function restoreRequest(
  host: Host,
  trees: Trees,
  {
    project,
    target = siteTarget(project),
    front,
    typed,
    choices,
  }: { project: Project; target?: Target; front?: DeployRequest["front"]; typed: string | null; choices: Choices },
): Promise<DeployRequest | null> {
  const names = backupNames(host, target.key);
  const dir = backupsOf(target.key);
  const name = backupToRestore(host, target.key, typed);
  if (name === undefined && findRestoreSource(host, trees, target) !== null) return null;
  const missing = (): Problem => {
    const way = choices.upload === undefined ? ": choose one with --backup" : "";
    const left = names.length === 0 ? "" : ` that a deploy left${way}`;
    const what = `${project.slug} has no backup${typed === null ? left : ` ${typed}`}`;
    const selected = target.kind === "site" ? [] : ["--as", nameOf(target.key)];
    const hint = ["edox-ops", "project", "backups", "list", project.slug, ...selected];
    return new Problem("not-found", what, { hint });
  };
  if (name === undefined || !names.includes(name)) throw missing();
  const from = `${dir}/${name}`;
  const probe = probeOf(host, project, choices.asks, front);
  const request = { project, target, base: null, front, name: from, ...choices, ignoresRefusedRules: true, probe };
  return openRequest(host, trees, request, async (open) => {
    const backups = trees.open(dir, [0, host.uid]);
    if (backups === null) throw missing();
    const opened = trees.openBelow(open(backups).path, name);
    if (opened === null) throw missing();
    if (open(opened).type !== "directory") throw new Problem("conflict", `${from} is not a directory`);
    return { dir: opened.path, of: "release" };
  });
}

/** Returns the name of the typed backup, which may not exist; for null that of the release before the live one. */
export function backupToRestore(reader: HostReader, key: string, typed: string | null): string | undefined {
  return typed === null ? newestDeployed(reader, key) : nameWithin(backupsOf(key), typed);
}

/**
 * Returns the release before the live one. A backup that a restore left allows an undo, but it is not an earlier
 * release.
 */
function newestDeployed(reader: HostReader, key: string): string | undefined {
  const restores = readRestores(reader, key);
  return backupNames(reader, key).find((name) => !restores.has(name));
}

/** Returns the name of a backup that was given by its name or its path. */
function nameWithin(dir: string, typed: string): string {
  return typed.startsWith(`${dir}/`) ? typed.slice(dir.length + 1) : typed;
}
