// Where a project's trees lie, and what a killed deploy left of them.

import { Problem } from "../engine/step.ts";
import type { Host, HostReader, Stat } from "../host/host.ts";
import type { Opened, Trees } from "../host/trees.ts";
import { assetsDir, backupsDir, lockDir } from "../recipes/paths.ts";
import type { Project } from "./project.ts";
import { overwrite, wholeCopy } from "./swap.ts";

/** As the contract names a backup: UTC to the second. */
const stampPattern = /^\d{8}T\d{6}Z$/;
const stagePattern = /^\.stage-(\d+)-(\d{8}T\d{6}Z)$/;

const unpackedName = ".unpacked";
/** More backups than this are no choice of anybody's. */
export const mostKept = 1000;

export const backupsOf = (slug: string): string => `${backupsDir}/${slug}`;
export const keptAssetsOf = (slug: string): string => `${assetsDir}/${slug}`;
/** What an archive is unpacked into, for the time of a deploy. */
export const unpackedPath = (slug: string): string => `${backupsOf(slug)}/${unpackedName}`;
/** Deploys of two projects run side by side. */
export const projectLockPath = (slug: string): string => `${lockDir}/project-${slug}.lock`;
export const lastStampPath = (slug: string): string => `${backupsOf(slug)}/.last-stamp`;

/** The last that was pruned: most of what the next deploy stages is in it already. */
export const sparePath = (slug: string): string => `${backupsOf(slug)}/.spare`;

/** All that is a project's own on the disk. `tree`: null where none is its alone. */
export function dirsOf(slug: string, tree: string | null): string[] {
  return [...(tree === null ? [] : [tree]), backupsOf(slug), keptAssetsOf(slug)];
}

/**
 * Opens the directory that holds the live tree. The tree's name in it stands for nothing else, whatever happens to the
 * directories above. Throws a Problem where the directory is missing, or is reached by another user's link.
 */
export function openAbove(trees: Trees, { slug, root_path }: Project, uid: number): { live: string } & Opened {
  const slash = root_path.lastIndexOf("/");
  const above = root_path.slice(0, slash);
  const opened = trees.open(above, [0, uid]);
  if (opened !== null) return { ...opened, live: `${opened.path}${root_path.slice(slash)}` };
  throw new Problem("blocked", `${above} is missing`, { hint: ["sudo", "edox-ops", "project", "init", slug] });
}

export function makeBackupsDir(host: Host, slug: string): void {
  for (const [dir, mode] of backupsDirs(slug))
    if (host.stat(dir) === null) host.makeDirectory(dir, { mode, ...of(host) });
}

/**
 * Returns a function that removes the directories of backups which were made since this call. A run that changes nothing in
 * the end leaves none.
 */
export function madeSince(host: Host, trees: Trees, slug: string): () => void {
  const missing = [backupsOf(slug), backupsDir].filter((dir) => host.stat(dir) === null);
  return () => {
    for (const dir of missing) {
      // Another project may have its backups in the common directory by now.
      if (dir === backupsOf(slug) || host.list(dir)?.length === 0) trees.remove(dir);
    }
  };
}

/**
 * Takes the directories of backups and kept assets from any other user who could change names in them: what is moved and
 * removed there is reached by its path. Removes the working files that were in them, which that user may have planted: a
 * link, a pipe, or a staged tree to be put in place. Throws a Problem for one that is no directory.
 */
export function securedBackups(host: Host, trees: Trees, slug: string): void {
  const none = (): boolean => false;
  for (const { dir, mode, drops } of [
    { dir: backupsDir, mode: 0o750, drops: none },
    { dir: backupsOf(slug), mode: 0o755, drops: (name: string) => name.startsWith(".") },
    { dir: assetsDir, mode: 0o755, drops: none },
    { dir: keptAssetsOf(slug), mode: 0o755, drops: () => true },
  ]) {
    const stat = host.stat(dir);
    if (stat === null) continue;
    if (stat.type !== "directory") {
      throw new Problem("blocked", `${dir} is not a directory: move it away`, { hint: ["ls", "-ld", dir] });
    }
    if (isSecured(stat, host.uid)) continue;
    host.setAttributes(dir, { mode: takenMode, ...of(host) });
    for (const name of host.list(dir) ?? []) if (drops(name)) trees.remove(`${dir}/${name}`);
    host.setAttributes(dir, { mode, ...of(host) });
  }
}

/** Throws a Problem where {@link securedBackups} would change something, for a run that changes nothing. */
export function demandSecuredBackups(see: HostReader, slug: string): void {
  for (const [dir] of backupsDirs(slug)) {
    const stat = see.stat(dir);
    if (stat === null || isSecured(stat, see.uid)) continue;
    const message = `another user can change ${dir}, where an archive is unpacked: a deploy takes it over, a dry run does not`;
    throw new Problem("unseen", message, { hint: ["ls", "-ld", dir] });
  }
}

/** Of a directory whose working files are not removed yet: a run that is killed before that leaves it so. */
const takenMode = 0o700;

function isSecured({ uid, mode }: Stat, ownerUid: number): boolean {
  return uid === ownerUid && (mode & 0o022) === 0 && mode !== takenMode;
}

/** Reads a working file of a project's backups; null where there is none, or where another user could have planted it. */
export function readWorkingFile(see: HostReader, path: string): Uint8Array | null {
  const dir = see.stat(path.slice(0, path.lastIndexOf("/")));
  return dir?.type === "directory" && isSecured(dir, see.uid) ? see.read(path) : null;
}

const backupsDirs = (slug: string): [string, number][] => [
  [backupsDir, 0o750],
  [backupsOf(slug), 0o755],
];

const of = ({ uid }: Host): { uid: number; gid: number } => ({ uid, gid: uid });

export function stampName(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** The contrary of {@link stampName}, Unix seconds. */
export function secondsOf(name: string): number {
  const [, y, m, d, h, min, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(name) ?? [];
  return Date.UTC(Number(y), Number(m) - 1, Number(d), Number(h), Number(min), Number(s)) / 1000;
}

/** Names of the whole ones, the newest first. */
export function backupNames(see: HostReader, slug: string): string[] {
  return (see.list(backupsOf(slug)) ?? []).filter((name) => stampPattern.test(name)).reverse();
}

/**
 * Brings to its end what a deploy left, killed or not. The name of a staged tree has its inode: where another lies under
 * it, the two have changed places already, and what lies there is the tree of before.
 */
export function settle(see: HostReader, trees: Trees, project: Project): string[] {
  const { slug } = project;
  const notes: string[] = [];
  const dir = backupsOf(slug);
  for (const name of see.list(dir) ?? []) {
    const path = `${dir}/${name}`;
    const [, inode, stamp] = stagePattern.exec(name) ?? [];
    if (stamp !== undefined && trees.entry(`${path}${wholeCopy}`) !== null) {
      // It was killed while files were replaced one by one: the copy of before has them all.
      const above = openAbove(trees, project, see.uid);
      overwrite(trees, `${path}${wholeCopy}`, above.live);
      above.close();
      trees.remove(`${path}${wholeCopy}`);
    }
    const found = trees.entry(path);
    if (found === null) continue;
    if (stamp !== undefined && String(found.inode) !== inode && see.list(path)?.length !== 0) {
      const free = freeName(trees, dir, stamp);
      trees.move(path, `${dir}/${free}`);
      notes.push(`a deploy that was killed is over: the tree before it is the backup ${free}`);
    } else if (name === unpackedName || name.startsWith(".stage") || name.startsWith(".trash-")) {
      try {
        trees.remove(path);
        if (name.startsWith(".stage")) notes.push("what a killed deploy had staged is taken away");
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

/** All but the newest are taken away: the name first, so that no half of one is ever listed. */
export function prune(see: HostReader, trees: Trees, slug: string, keep: number, spare: "spare" | "none"): string[] {
  const dir = backupsOf(slug);
  const old = backupNames(see, slug).slice(keep);
  for (const name of old) trees.move(`${dir}/${name}`, `${dir}/.trash-${name}`);
  if (spare === "none" || old.length > 0) trees.remove(sparePath(slug));
  if (spare === "spare" && old.length > 0) trees.move(`${dir}/.trash-${old[0]}`, sparePath(slug));
  for (const name of old) trees.remove(`${dir}/.trash-${name}`);
  return old.map((name) => `${dir}/${name}`);
}
