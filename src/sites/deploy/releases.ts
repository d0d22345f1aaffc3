// The directories of a project's releases and backups, and the cleanup after a killed deploy.

import { backupsDir, lockDir } from "../../engine/paths.ts";
import type { Host, HostReader, Stat } from "../../host/host.ts";
import type { OpenedEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { assetsDir, previewsDir, versionsDir } from "../paths.ts";
import type { Target } from "../target.ts";
import { overwrite, wholeCopy } from "./swap.ts";

/** The format of a backup's name in the contract: UTC to the second. */
const stampPattern = /^\d{8}T\d{6}Z$/;
const stagePattern = /^\.stage-(\d+)-(\d{8}T\d{6}Z)$/;

const unpackedName = ".unpacked";
/** Largest accepted number of backups: a higher one is surely a mistake. */
export const mostKept = 1000;

/** Returns the directory of the backups and working files of a target, by its key. */
export const backupsOf = (key: string): string => `${backupsDir}/${key}`;
export const keptAssetsOf = (slug: string): string => `${assetsDir}/${slug}`;
/** The directory that an archive is unpacked into during a deploy. */
export const unpackedPath = (key: string): string => `${backupsOf(key)}/${unpackedName}`;
/**
 * Each project has its own lock, so that deploys of two projects can run in parallel. Its versions and previews share
 * files, and therefore the lock.
 */
export const projectLockPath = (slug: string): string => `${lockDir}/project-${slug}.lock`;
/** The versions of a site share it: an alias leads from one address to another version, and both may not have one ETag. */
export const lastStampPath = (key: string): string =>
  `${backupsOf(key.replace(/(?<=\/versions)\/[^/]+$/, ""))}/.last-stamp`;

/** The last pruned backup. It already contains most files of the next deploy. */
export const sparePath = (key: string): string => `${backupsOf(key)}/.spare`;

/** Returns all directories that belong to a project. `tree` is null where the project owns no tree exclusively. */
export function dirsOf(slug: string, tree: string | null): string[] {
  const shared = [versionsDir, previewsDir].map((dir) => `${dir}/${slug}`);
  return [...(tree === null ? [] : [tree]), ...shared, backupsOf(slug), keptAssetsOf(slug)];
}

/**
 * Opens the directory that holds the live tree, so that the tree's path stays valid if the directories above are
 * moved. Throws a Problem where the directory is missing, or where the path has a symlink of another user.
 */
export function openAbove(trees: Trees, { slug, root }: Target, uid: number): { live: string } & OpenedEntry {
  const above = parentOf(root);
  const opened = trees.open(above, [0, uid]);
  if (opened !== null) return { ...opened, live: `${opened.path}/${nameOf(root)}` };
  throw new Problem("not-found", `${above} is missing`, { hint: ["sudo", "edox-ops", "project", "init", slug] });
}

/** Creates the directories of the backups where they are missing. */
export function makeBackupsDir(host: Host, key: string): void {
  for (const [dir, mode] of backupsDirs(key))
    if (host.stat(dir) === null) host.makeDirectory(dir, { mode, ...of(host) });
}

/** Creates the directories above the tree of a version or a preview where they are missing. */
export function makeDirsAbove(host: Host, target: Target): void {
  for (const dir of ownDirsAbove(target)) {
    if (host.stat(dir) === null) host.makeDirectory(dir, { mode: 0o755, ...of(host) });
  }
}

/** Returns whether {@link makeDirsAbove} would create the directory that holds the tree. */
export function isWithoutDirs(reader: HostReader, target: Target): boolean {
  return ownDirsAbove(target).some((dir) => reader.stat(dir) === null);
}

/** Returns the directories above the tree that edox-ops owns, outermost first: none for a site. */
function ownDirsAbove({ kind, root }: Target): string[] {
  return kind === "site" ? [] : dirsBetween(kind === "version" ? versionsDir : previewsDir, parentOf(root));
}

/** Returns the directories from `top` to `dir`, both included. */
function dirsBetween(top: string, dir: string): string[] {
  return dir === top ? [top] : [...dirsBetween(top, parentOf(dir)), dir];
}

/**
 * Returns a function that removes the backup directories which were created since this call, so that a run without
 * changes leaves none.
 */
export function directoriesMadeSince(host: Host, trees: Trees, target: Target): () => void {
  const own = backupsOf(target.key);
  const above = [...dirsBetween(backupsDir, parentOf(own)), ...ownDirsAbove(target)].toReversed();
  const missing = [own, ...above].filter((dir) => host.stat(dir) === null);
  return () => {
    for (const dir of missing) {
      // Another target may have created its own directories in the shared ones meanwhile.
      if (dir === own || host.list(dir)?.length === 0) trees.remove(dir);
    }
  };
}

/**
 * Takes ownership of the directories of backups and kept assets where another user could change names in them: entries
 * are moved and removed there by path. Removes the working files that such a user may have planted: a symlink, a pipe,
 * or a staged tree. Throws a Problem for a path that is not a directory.
 */
export function secureBackups(host: Host, trees: Trees, target: Target): void {
  const none = (): boolean => false;
  const working = (name: string): boolean => name.startsWith(".");
  for (const { dir, mode, drops } of [
    ...backupsDirs(target.key).map(([dir, mode]) => ({ dir, mode, drops: dir === backupsDir ? none : working })),
    { dir: assetsDir, mode: 0o755, drops: none },
    { dir: keptAssetsOf(target.slug), mode: 0o755, drops: () => true },
    ...ownDirsAbove(target).map((dir) => ({ dir, mode: 0o755, drops: working })),
  ]) {
    const stat = host.stat(dir);
    if (stat === null) continue;
    if (stat.type !== "directory") {
      throw new Problem("conflict", `${dir} is not a directory: move it away`, { hint: ["ls", "-ld", dir] });
    }
    if (isSecured(stat, host.uid)) continue;
    host.setAttributes(dir, { mode: takenMode, ...of(host) });
    for (const name of host.list(dir) ?? []) if (drops(name)) trees.remove(`${dir}/${name}`);
    host.setAttributes(dir, { mode, ...of(host) });
  }
}

/** Throws a Problem where {@link secureBackups} would change something. It is for a dry run. */
export function demandSecuredBackups(reader: HostReader, key: string): void {
  for (const [dir] of backupsDirs(key)) {
    const stat = reader.stat(dir);
    if (stat === null || isSecured(stat, reader.uid)) continue;
    const message = `another user can change ${dir}, where archives are unpacked: a deploy resets its owner, a dry run does not`;
    throw new Problem("unknown-state", message, { hint: ["ls", "-ld", dir] });
  }
}

/**
 * The mode of a directory whose working files are not removed yet. A killed run leaves this mode, so that the next run
 * finishes.
 */
const takenMode = 0o700;

function isSecured({ uid, mode }: Stat, ownerUid: number): boolean {
  return uid === ownerUid && (mode & 0o022) === 0 && mode !== takenMode;
}

/** Returns a working file of a project's backups; null where it is missing or another user could have planted it. */
export function readWorkingFile(reader: HostReader, path: string): Uint8Array | null {
  const dir = reader.stat(parentOf(path));
  return dir?.type === "directory" && isSecured(dir, reader.uid) ? reader.read(path) : null;
}

function backupsDirs(key: string): [dir: string, mode: number][] {
  return dirsBetween(backupsDir, backupsOf(key)).map((dir) => [dir, dir === backupsDir ? 0o750 : 0o755]);
}

const of = ({ uid }: Host): { uid: number; gid: number } => ({ uid, gid: uid });

/** Returns the name of a backup for a Unix time in seconds. */
export function stampName(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** Returns the Unix time of a backup name, in seconds: the inverse of {@link stampName}. */
export function secondsOf(name: string): number {
  const [, y, m, d, h, min, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(name) ?? [];
  return Date.UTC(Number(y), Number(m) - 1, Number(d), Number(h), Number(min), Number(s)) / 1000;
}

/** Returns the stamp of a tree, or null. A deploy sets the modification time of its tree to the stamp. */
export function stampOf(trees: Trees, dir: string): string | null {
  const tree = trees.entry(dir);
  return tree === null || tree.modifiedMs % 1000 !== 0 ? null : stampName(tree.modifiedMs / 1000);
}

/** Returns the names of the complete backups of a target, newest first. */
export function backupNames(reader: HostReader, key: string): string[] {
  return (reader.list(backupsOf(key)) ?? []).filter((name) => stampPattern.test(name)).reverse();
}

/**
 * Completes or cleans up an earlier deploy, killed or not, and returns notes. The name of a staged tree contains its
 * inode. Where another inode lies under that name, the swap has happened, and the tree there is the previous one.
 */
export function cleanUp(reader: HostReader, trees: Trees, target: Target): string[] {
  const notes: string[] = [];
  const dir = backupsOf(target.key);
  for (const name of reader.list(dir) ?? []) {
    const path = `${dir}/${name}`;
    const [, inode, stamp] = stagePattern.exec(name) ?? [];
    if (stamp !== undefined && trees.entry(`${path}${wholeCopy}`) !== null) {
      // The deploy was killed while it replaced files one by one: the copy of the previous tree is complete.
      const above = openAbove(trees, target, reader.uid);
      overwrite(trees, `${path}${wholeCopy}`, above.live);
      above.close();
      trees.remove(`${path}${wholeCopy}`);
    }
    const found = trees.entry(path);
    if (found === null) continue;
    const isPrevious = stamp !== undefined && String(found.inode) !== inode && reader.list(path)?.length !== 0;
    if (isPrevious && target.kind !== "preview") {
      const free = freeName(trees, dir, stamp);
      trees.move(path, `${dir}/${free}`);
      notes.push(`completed an interrupted deploy: the previous tree is backup ${free}`);
    } else if (name === unpackedName || name.startsWith(".stage") || name.startsWith(".trash-")) {
      try {
        trees.remove(path);
        if (name.startsWith(".stage")) notes.push("removed the staged files of an interrupted deploy");
      } catch (error) {
        notes.push(Problem.of(error).message);
      }
    }
  }
  return notes;
}

function freeName(trees: Trees, dir: string, stamp: string): string {
  let seconds = secondsOf(stamp);
  while (trees.entry(`${dir}/${stampName(seconds)}`) !== null) seconds += 1;
  return stampName(seconds);
}

/**
 * Removes all backups except the newest `keep` and returns their paths. Each is renamed first, so that no partial
 * backup is ever listed. "spare" keeps the newest removed backup as the spare tree.
 */
export function prune(
  reader: HostReader,
  trees: Trees,
  { key, keep, spare }: { key: string; keep: number; spare: "spare" | "none" },
): string[] {
  const dir = backupsOf(key);
  const old = backupNames(reader, key).slice(keep);
  for (const name of old) trees.move(`${dir}/${name}`, `${dir}/.trash-${name}`);
  if (spare === "none" || old.length > 0) trees.remove(sparePath(key));
  if (spare === "spare" && old.length > 0) trees.move(`${dir}/.trash-${old[0]}`, sparePath(key));
  for (const name of old) trees.remove(`${dir}/.trash-${name}`);
  return old.map((name) => `${dir}/${name}`);
}
