// A tree becomes the site of a project: checked, staged beside the live one, and exchanged with it in one moment.

import { Problem } from "../engine/step.ts";
import type { Host } from "../host/host.ts";
import type { Entry, Made, Trees } from "../host/trees.ts";
import { docsRoot } from "../recipes/paths.ts";
import { gidOf } from "../resources/group.ts";
import { dropUnheldAssets, keepAssets } from "./assets.ts";
import { Digests } from "./digests.ts";
import type { Listed } from "./listing.ts";
import type { Project } from "./project.ts";
import {
  backupNames,
  backupsOf,
  lastStampPath,
  makeBackupsDir,
  prune,
  secondsOf,
  sparePath,
  stampName,
} from "./releases.ts";
import { sideBySide } from "./side-by-side.ts";
import { demandPage, demandUnchanged, type Source, survey, tickMs } from "./source.ts";
import { swap } from "./swap.ts";

const filesAPause = 256;
/** A signal waits as long as that: a timer costs a millisecond. */
const msAPause = 100;

export interface Order {
  project: Project;
  /** Where the new tree is read, and what it is called. */
  dir: string;
  name: string;
  /** Somebody's, which may change meanwhile; a release of our own, whose files may be shared; or one just unpacked. */
  of: "others" | "release" | "unpacked";
  /** Ends what is held of it. */
  letGo?: () => void;
  /** How many backups stay. */
  keep: number;
  backup: boolean;
  allowEmpty: boolean;
  /** Whether the site answers with its front page; the reason when not. */
  probe: (() => Promise<string | null>) | null;
  /** How far it is, from time to time. What it throws ends the deploy. */
  pause?: (phase: "read" | "staged", files: number, total: number) => Promise<void>;
}

/** A pause that lets signals in, and then does as it is told. */
export function signalsLetIn(host: Host, then: () => void): () => Promise<void> {
  let last = host.now();
  return async () => {
    if (host.now() - last < msAPause) return;
    await host.sleep(0);
    last = host.now();
    then();
  };
}

export interface Deployed {
  files: number;
  changed: number;
  /** Of the files that were written. */
  bytes: number;
  milliseconds: number;
  /** Where the tree of before is, or null. */
  backup: string | null;
  pruned: string[];
  notes: string[];
}

/** What a file of the new tree is made from. */
type Origin = "live" | "source" | "copy";

export interface Plan {
  source: Source;
  digests: Digests;
  made: Made;
  origins: Origin[];
  /** Of the live file, where that is the origin. */
  inodes: number[];
  /** Directories that come or go. */
  folders: number;
  /** Paths of files and links in the tree. */
  added: string[];
  changed: string[];
  removed: string[];
}

/**
 * Replaces the project's tree. Until the exchange nothing of the live tree is touched; whatever ends it leaves the old
 * tree whole, or the new one, and {@link settle} takes away the rest.
 */
export async function deploy(order: Order, host: Host, trees: Trees): Promise<Deployed> {
  const start = host.now();
  const { project } = order;
  const { slug, root_path: live } = project;
  const planned = await plan(order, host, trees);
  const { source, digests, origins } = planned;
  const changed = planned.added.length + planned.changed.length + planned.removed.length;
  const figures = { files: origins.length, changed, bytes: 0, backup: null, pruned: [], notes: [] };
  // A backup of the same would push out one that differs.
  if (changed === 0 && planned.folders === 0 && isLive(planned)) {
    if (order.of === "others") demandUnchanged(trees, source, host.now());
    const notes = digests.grew ? remember(planned, order, host, trees) : [];
    return { ...figures, notes, milliseconds: host.now() - start };
  }

  demandRoom(planned, slug, trees);
  makeBackupsDir(host, slug);
  const seconds = nextStamp(host, trees, project);
  const made = { ...planned.made, modifiedSeconds: seconds };
  const stage = openStage(trees, slug, seconds, made);
  const bytes = await fillStage({ ...planned, made }, stage, order, trees);
  if (order.of === "others") demandUnchanged(trees, source, host.now());
  const before = trees.entry(live);
  if (before !== null) keepAssets(trees, slug, live, planned.removed, made);
  trees.sync(stage);

  const notes: string[] = [];
  if (before === null) trees.move(stage, live);
  else notes.push(...swap(trees, live, stage));
  const unserved = await order.probe?.().catch((error: Error) => error.message);
  if (unserved) {
    if (before === null) trees.move(live, stage);
    else swap(trees, live, stage);
    trees.remove(stage);
    throw new Problem("blocked", `${unserved}; the site is as it was before`, {
      hint: ["curl", "-sI", "--resolve", `${project.domain}:80:127.0.0.1`, `http://${project.domain}/`],
    });
  }
  // The site is live: what fails from here on is no failed deploy.
  const deployed: Deployed = { ...figures, bytes, notes, milliseconds: host.now() - start };
  try {
    if (before !== null) deployed.backup = putAway(order, stage, seconds, host, trees);
    notes.push(...remember(planned, order, host, trees));
    deployed.pruned = prune(host, trees, slug, order.keep, "spare");
    dropUnheldAssets(trees, slug);
    trees.sync(docsRoot);
  } catch (error) {
    notes.push(`the site is live, but ${(error as Error).message}`);
  }
  return deployed;
}

/** For the next deploy, which reads both trees where it cannot be written: that is told, and is no failure. */
function remember({ digests }: Plan, { project }: Order, host: Host, trees: Trees): string[] {
  const { slug, root_path: live } = project;
  try {
    makeBackupsDir(host, slug);
    digests.write(host, slug, (trees.entry(live) as Entry).inode);
    return [];
  } catch (error) {
    return [`the site is live, but ${(error as Error).message}`];
  }
}

/** Nothing would be written: the live files are as they would be made, all of them. */
function isLive({ origins }: Plan): boolean {
  return origins.every((origin) => origin === "live");
}

/** What a deploy would do: the source is checked, and each of its files compared with the live one. */
export async function plan(order: Order, host: Host, trees: Trees): Promise<Plan> {
  const { project, dir } = order;
  const gid = gidOf(host, project.owner_group);
  if (gid === null) {
    throw new Problem("blocked", `there is no group ${project.owner_group}`, {
      hint: ["sudo", "groupadd", "--system", project.owner_group],
    });
  }
  // What was written just before has a stamp that is older than the beginning of the look.
  if (order.of === "others") await host.sleep(tickMs);
  const source = survey(trees, order, host.now());
  if (!order.allowEmpty) demandPage(source);

  const made = { mode: 0o644, uid: host.uid, gid, modifiedSeconds: 0 };
  const top = trees.entry(project.root_path);
  const digests = new Digests(host, project.slug, top);
  const found: Plan = {
    source,
    digests,
    made,
    origins: [],
    inodes: [],
    folders: 0,
    added: [],
    changed: [],
    removed: [],
  };
  const liveTree = top?.type === "directory" ? trees.walk(project.root_path) : [];
  for (const [entry, twin] of sideBySide(source.entries, liveTree)) {
    if (entry === undefined) {
      if (twin.type === "directory") found.folders += 1;
      else found.removed.push(twin.path);
      continue;
    }
    if (entry.type !== "file") {
      const isSame = twin?.type === entry.type && (entry.type === "directory" || sameLink(trees, project, dir, entry));
      if (entry.type === "directory" && twin === undefined) found.folders += 1;
      else note(found, entry, twin, isSame);
      continue;
    }
    const equal = twin?.type === "file" && twin.size === entry.size && holdSame(trees, digests, order, entry, twin);
    note(found, entry, twin, equal);
    found.origins.push(originOf(order, entry, equal ? twin : undefined, made));
    found.inodes.push(equal ? twin.inode : 0);
    if (found.origins.length % filesAPause === 0)
      await order.pause?.("read", found.origins.length, source.entries.length);
  }
  return found;
}

function note(found: Plan, { path }: Listed, twin: Entry | undefined, equal: boolean): void {
  if (twin === undefined) found.added.push(path);
  else if (!equal) found.changed.push(path);
}

/** Of two files of one size: what is known of the live one is not read. Numbers of inodes are of one file system. */
function holdSame(trees: Trees, digests: Digests, { dir, of, project }: Order, file: Listed, twin: Entry): boolean {
  const path = `${dir}/${file.path}`;
  const known = digests.of(twin);
  const read = (): Uint8Array => trees.digest(path, twin.size, digests.seeds);
  const isOne = of === "release" && file.inode === twin.inode;
  const isSame = isOne || (known?.equals(read()) ?? trees.same(path, `${project.root_path}/${file.path}`));
  if (isSame) digests.keep(twin, known ?? read());
  return isSame;
}

function sameLink(trees: Trees, { root_path }: Project, dir: string, { path }: Listed): boolean {
  return trees.linkTarget(`${root_path}/${path}`) === trees.linkTarget(`${dir}/${path}`);
}

/** A file is shared where it is already as it would be made. */
function originOf({ of }: Order, entry: Listed, equal: Entry | undefined, made: Made): Origin {
  if (equal !== undefined && isMade(equal, made)) return "live";
  return of !== "others" && isMade(entry, made) ? "source" : "copy";
}

function isMade(entry: Listed, { mode, uid, gid }: Made): boolean {
  return entry.mode === mode && entry.uid === uid && entry.gid === gid;
}

/** The spare tree is given for it. */
function demandRoom(planned: Plan, slug: string, trees: Trees): void {
  if (lacking(planned, trees) === null) return;
  trees.remove(sparePath(slug));
  const lack = lacking(planned, trees);
  if (lack !== null) throw lack;
}

/** In blocks, and by apparent size: a hole in a file is filled by a copy. */
function lacking({ source, origins }: Plan, trees: Trees): Problem | null {
  const { bytes, inodes, block } = trees.room(docsRoot);
  let [neededBytes, neededInodes, file] = [0, 0, 0];
  for (const { type, size } of source.entries) {
    if (type === "file" && origins[file++] !== "copy") continue;
    neededInodes += 1;
    neededBytes += Math.ceil((type === "file" ? size : 1) / block) * block;
  }
  if (neededBytes > bytes) return noRoom(`${mebibytes(neededBytes)} are needed and ${mebibytes(bytes)} free`, []);
  if (neededInodes > inodes) return noRoom(`${neededInodes} inodes are needed and ${inodes} free`, ["-i"]);
  return null;
}

function noRoom(what: string, flags: string[]): Problem {
  return new Problem("blocked", `no room for the new tree in ${docsRoot}: ${what}`, {
    hint: ["df", ...flags, docsRoot],
  });
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}

/**
 * The second that new files are stamped with: later than any that the project has given, so that no two contents of one
 * path have one ETag, which nginx makes of time and size. It is on the disk before a file has it.
 */
function nextStamp(host: Host, trees: Trees, { slug, root_path }: Project): number {
  const now = Math.floor(host.now() / 1000);
  const bytes = host.read(lastStampPath(slug));
  const last = bytes === null ? newestBefore(trees, root_path, now) : Number(new TextDecoder().decode(bytes));
  // The tree that is replaced is to have a name of its own among the backups.
  const newest = backupNames(host, slug)[0];
  const taken = [last, newest === undefined ? 0 : secondsOf(newest)].filter(Number.isSafeInteger);
  const seconds = Math.max(now, ...taken.map((second) => second + 1));
  host.writeFile(lastStampPath(slug), new TextEncoder().encode(`${seconds}\n`), {
    mode: 0o600,
    uid: host.uid,
    gid: host.uid,
  });
  return seconds;
}

/** Of a tree that somebody else made. One from the far future would take all stamps there with it. */
function newestBefore(trees: Trees, live: string, now: number): number {
  const day = 24 * 3600;
  let newest = 0;
  if (trees.entry(live) === null) return newest;
  for (const { modifiedMs } of trees.walk(live)) {
    const seconds = Math.floor(modifiedMs / 1000);
    if (seconds > newest && seconds < now + day) newest = seconds;
  }
  return newest;
}

/**
 * A tree beside the backups, whose name has its inode: what `settle` knows it by. The spare one, if nobody else could
 * ever write to it; or an empty one.
 */
function openStage(trees: Trees, slug: string, seconds: number, made: Made): string {
  const spare = trees.entry(sparePath(slug));
  const isOurs = spare !== null && isFolder(spare, made);
  const unnamed = isOurs ? sparePath(slug) : `${backupsOf(slug)}/.stage`;
  if (!isOurs) trees.makeDirectory(unnamed, { ...made, mode: 0o755 });
  const stage = `${backupsOf(slug)}/.stage-${trees.entry(unnamed)?.inode}-${stampName(seconds)}`;
  trees.move(unnamed, stage);
  return stage;
}

function isFolder(entry: Entry, made: Made): boolean {
  return entry.type === "directory" && isMade(entry, { ...made, mode: 0o755 });
}

/** Takes from a stage what the new tree has not. Answers for each entry of the source whether it is there. */
function clearStage({ source, made, origins, inodes }: Plan, stage: string, trees: Trees): boolean[] {
  const there: boolean[] = [];
  const gone: string[] = [];
  let file = 0;
  for (const [entry, old] of sideBySide(source.entries, trees.walk(stage))) {
    const index = entry?.type === "file" ? file++ : -1;
    const goes = old?.path.startsWith(`${gone.at(-1)}/`);
    const stays =
      old !== undefined &&
      !goes &&
      (entry?.type === "directory" ? isFolder(old, made) : origins[index] === "live" && old.inode === inodes[index]);
    if (entry !== undefined) there.push(stays);
    if (old !== undefined && !stays && !goes) gone.push(old.path);
  }
  for (const path of gone) trees.remove(`${stage}/${path}`);
  return there;
}

/** Answers the bytes that were written. */
async function fillStage(planned: Plan, stage: string, order: Order, trees: Trees): Promise<number> {
  const { source, made, origins } = planned;
  const live = order.project.root_path;
  const there = clearStage(planned, stage, trees);
  let [bytes, file, index] = [0, 0, 0];
  for (const { path, type, size } of source.entries) {
    if (type === "file" && ++file % filesAPause === 0) await order.pause?.("staged", file, origins.length);
    if (there[index++]) continue;
    const to = `${stage}/${path}`;
    const from = `${source.dir}/${path}`;
    if (type === "directory") trees.makeDirectory(to, { ...made, mode: 0o755 });
    else if (type === "link") trees.makeLink(to, trees.linkTarget(from), made);
    else {
      const origin = origins[file - 1];
      const shared = origin !== "copy" && trees.share(origin === "live" ? `${live}/${path}` : from, to);
      if (!shared) trees.copy(from, to, made, size);
      else if (origin === "source" && order.of === "unpacked") trees.setAttributes(to, made);
      else continue;
      bytes += size;
    }
  }
  return bytes;
}

/** The tree of before: a backup, or nothing where there is nothing to keep. */
function putAway(order: Order, stage: string, seconds: number, host: Host, trees: Trees): string | null {
  const empty = host.list(stage)?.length === 0;
  const dir = backupsOf(order.project.slug);
  const name = stampName(seconds);
  if (order.backup && !empty) {
    trees.move(stage, `${dir}/${name}`);
    return `${dir}/${name}`;
  }
  trees.move(stage, `${dir}/.trash-${name}`);
  trees.remove(`${dir}/.trash-${name}`);
  return null;
}
