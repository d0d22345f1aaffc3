// Plans a deploy: checks the source and compares each of its files with the live one.

import { type Host, type HostReader, hasAttributes } from "../../host/host.ts";
import type { NewAttributes, TreeEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { gidOf, noGroup } from "../../resources/group.ts";
import type { Project } from "../project.ts";
import type { FrontPage } from "../serve/answer.ts";
import type { Probe } from "../serve/served.ts";
import type { Selection } from "../source/secrets.ts";
import { type DeploySource, demandPage, isExposed, survey, tickMs } from "../source/source.ts";
import { type Target, usesDigestsOfBase } from "../target.ts";
import { type Comparison, compareTrees } from "./compare.ts";
import { Compression } from "./compression.ts";
import { Digests } from "./digests.ts";
import { backupNames, backupsOf } from "./releases.ts";
import { sideBySide } from "./side-by-side.ts";

const rootUid = 0;

export interface DeployRequest {
  project: Project;
  /** The tree that is replaced: that of the site, of a version or of a preview. */
  target: Target;
  /** The target that a new one shares its unchanged files with; null to copy all files. */
  base: Target | null;
  /** `dir` is the path that the new tree is read from, `name` its name in messages. */
  dir: string;
  name: string;
  /** The live tree, by its name in an open directory, so that no user can replace that directory. */
  live: string;
  /**
   * "others": files of another owner, which may change meanwhile. "release": our own release, whose files may be
   * shared. "unpacked": files that were just unpacked.
   */
  of: "others" | "release" | "unpacked";
  /** The archive that the source was unpacked from, as given: `-` for stdin. */
  archive?: string;
  /** Whether a client of another host made the request. It has no flags for the source. */
  isRemote?: boolean;
  /** Warnings from unpacking. */
  notes?: string[];
  /** Paths of the source to publish or to leave out, in spite of the defaults. */
  select?: Selection | undefined;
  /** Closes the directories of both trees. */
  letGo?: () => void;
  /** The whole command line, for hints. */
  again: readonly string[];
  /** Adapts a command in a warning to its reader: for example, root needs no sudo. By default, it has sudo. */
  hint?: (argv: readonly string[]) => string[];
  /** A dry run: nothing is changed, and the plan is that of a deploy by root. */
  dryRun?: boolean;
  /** Number of backups to keep. */
  keep: number;
  backup: boolean;
  allowEmpty: boolean;
  /** The front page of a version or a preview. */
  front?: FrontPage | undefined;
  /** Whether an address may not vanish without a redirect; the setting of the project by default. */
  strictUrls?: boolean | undefined;
  /**
   * Whether rules that are refused have no effect, in place of ending the deploy: the site was live with them before, or
   * the tree is a backup.
   */
  ignoresRefusedRules?: boolean | undefined;
  /** Null where the site is not probed. */
  probe: Probe | null;
  /**
   * Prepares what depends on the new tree and changes with it, such as its redirects. It is called with the complete
   * tree before the swap, or with the live tree if nothing changed. The returned function undoes it, and is called if
   * the probe fails. An error ends the deploy with nothing changed.
   */
  prepare?: (tree: string, planned: Plan) => Promise<() => Promise<void>>;
  /** Receives the progress at intervals. An error that it throws ends the deploy. */
  pause?: (far: Progress) => Promise<void>;
}

/** Progress of a deploy. `bytes` is the size of the compared files, then of the copied files. */
export interface Progress {
  phase: "read" | "staged";
  files: number;
  /** Number of all entries of the source, or of all files. */
  total: number;
  bytes: number;
}

/** No file has this inode. */
export const noInode = 0;

/** The tree that a file is hard-linked from, or "copy": "live" is {@link Plan.shared}. */
export type Origin = "live" | "source" | "copy";

export interface Plan {
  source: DeploySource;
  /** The tree that unchanged files are shared with: the live one, or that of the base of a new target. */
  shared: string;
  digests: Digests;
  compression: Compression;
  attributes: NewAttributes;
  origins: Origin[];
  /** The inode of the live file with the same content; {@link noInode} for a new or changed file. */
  inodes: TreeEntry["inode"][];
  /** Number of directories to create or remove. */
  folders: number;
  /** Whether the target starts from its base, because it has no tree yet. */
  isNew: boolean;
  /** Whether another user could change something in the shared tree. */
  isExposed: boolean;
  /** Paths of files and symlinks within the tree. */
  added: string[];
  changed: string[];
  removed: string[];
}

/** Returns whether a deploy changes nothing: the live tree equals the result, and no other user can change it. */
export function isSatisfied(planned: Plan): boolean {
  return !planned.isNew && hasSameFiles(planned) && !planned.compression.isDue;
}

/** Returns whether the live tree equals the result, except for compressed files. */
export function hasSameFiles({ origins, added, changed, removed, folders, isExposed }: Plan): boolean {
  const differing = added.length + changed.length + removed.length + folders;
  return differing === 0 && !isExposed && origins.every((origin) => origin === "live");
}

/** Returns the backups that a deploy of this plan prunes. */
export function backupsToPrune(
  reader: HostReader,
  trees: Trees,
  planned: Plan,
  { target, live, keep, backup }: DeployRequest,
): string[] {
  if (isSatisfied(planned)) return [];
  const adds = backup && !hasSameFiles(planned) && !isEmpty(trees, live);
  const old = backupNames(reader, target.key).slice(Math.max(0, keep - (adds ? 1 : 0)));
  return old.map((name) => `${backupsOf(target.key)}/${name}`);
}

/** Returns whether the directory is empty or missing. */
function isEmpty(trees: Trees, dir: string): boolean {
  if (trees.entry(dir) === null) return true;
  for (const { path } of trees.walk(dir)) if (path !== "") return false;
  return true;
}

/** Returns the notes about the source. */
export function notesOf({ notes = [] }: DeployRequest, { source }: Plan): string[] {
  return [...notes, ...source.notes];
}

/** Plans a deploy without changing anything. Throws a Problem for a source that must not be published. */
export async function plan(host: Host, trees: Trees, request: DeployRequest): Promise<Plan> {
  const { project, dir, live } = request;
  const gid = gidOf(host, project.owner_group);
  if (gid === null) {
    const { code, reason, hint } = noGroup(project.owner_group);
    throw new Problem(code, reason, { hint });
  }
  const uid = request.dryRun ? rootUid : host.uid;
  let source = await survey(trees, request, uid, host.now());
  if (request.of === "others" && source.isFresh) {
    // A file that was written just before has a distinguishable time after one clock tick.
    await host.sleep(tickMs);
    source = await survey(trees, request, uid, host.now());
  }
  if (!request.allowEmpty) demandPage(source, request);

  const attributes = { mode: 0o644, uid, gid, modifiedSeconds: 0 };
  const base = trees.entry(live) === null ? request.base : null;
  const isNew = base !== null;
  const [key, shared] = isNew ? [base.key, base.root] : [request.target.key, live];
  const digested = digestedTarget(trees, request, shared) ?? { key, root: shared };
  const digests = new Digests(host, digested.key, trees.entry(digested.root));
  const found: Plan = {
    source,
    shared,
    digests,
    compression: Compression.of(host, trees, request, { key, dir: shared }),
    attributes,
    origins: [],
    inodes: [],
    folders: 0,
    isNew,
    isExposed: false,
    added: [],
    changed: [],
    removed: [],
  };
  const pairs = sideBySide(trees, source.entries, shared);
  let bytes = 0;
  for await (const batch of compareTrees(trees, pairs, { ...request, shared, digests })) {
    add(batch);
    await request.pause?.({ phase: "read", files: found.origins.length, total: source.entries.length, bytes });
  }
  return found;

  function add(batch: Comparison[]): void {
    for (const { pair, same } of batch) {
      const [entry] = pair;
      if (pair[1] !== undefined) found.isExposed ||= isExposed(pair[1], uid);
      const twin = found.compression.withoutOwn(pair, found.origins.length, same);
      if (entry === undefined) {
        if (twin === undefined) continue;
        if (twin.type === "directory") found.folders += 1;
        else found.removed.push(twin.path);
      } else if (entry.type !== "file") {
        const isSame = twin?.type === entry.type && (entry.type === "directory" || sameLink(trees, shared, dir, entry));
        if (entry.type === "directory" && twin === undefined) found.folders += 1;
        else note(found, entry, twin, isSame);
      } else {
        bytes += entry.size;
        note(found, entry, twin, same);
        found.origins.push(originOf(request, entry, same ? twin : undefined, attributes));
        found.inodes.push(same && twin ? twin.inode : noInode);
      }
    }
  }
}

/** Returns the base if its digests apply to the files of this tree. Inodes of two file systems may be the same. */
function digestedTarget(trees: Trees, { target, base }: DeployRequest, shared: string): Target | null {
  return usesDigestsOfBase(target) && base !== null && trees.areOnOneFileSystem(base.root, shared) ? base : null;
}

function note(found: Plan, { path }: TreeEntry, twin: TreeEntry | undefined, equal: boolean): void {
  if (twin === undefined) found.added.push(path);
  else if (!equal) found.changed.push(path);
}

function sameLink(trees: Trees, shared: string, dir: string, { path }: TreeEntry): boolean {
  return trees.linkTarget(`${shared}/${path}`) === trees.linkTarget(`${dir}/${path}`);
}

/** Returns the origin of a file. A file is hard-linked if it already has the owner and mode of the result. */
function originOf(
  { of }: DeployRequest,
  entry: TreeEntry,
  equal: TreeEntry | undefined,
  attributes: NewAttributes,
): Origin {
  if (equal !== undefined && hasAttributes(equal, attributes)) return "live";
  return of !== "others" && hasAttributes(entry, attributes) ? "source" : "copy";
}
