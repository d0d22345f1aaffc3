// What a deploy would do: the source is checked, and each of its files compared with the live one.

import { Problem } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import type { Entry, Made, Trees } from "../host/trees.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { type Compared, compared } from "./compare.ts";
import { Digests } from "./digests.ts";
import type { Project } from "./project.ts";
import { backupNames, backupsOf } from "./releases.ts";
import type { Selection } from "./secrets.ts";
import type { Probe } from "./served.ts";
import { sideBySide } from "./side-by-side.ts";
import { demandPage, isExposed, type Source, survey, tickMs } from "./source.ts";

const rootUid = 0;

export interface Order {
  project: Project;
  /** Where the new tree is read, and what it is called. */
  dir: string;
  name: string;
  /** The live tree, by its name in a directory that is open: nobody can put another directory in the place of that one. */
  live: string;
  /** Somebody's, which may change meanwhile; a release of our own, whose files may be shared; or one just unpacked. */
  of: "others" | "release" | "unpacked";
  /** The archive that it was unpacked from, as it was typed: `-` for stdin. */
  archive?: string;
  /** Warnings from unpacking it. */
  notes?: string[];
  /** What of the source is published in spite of its name, or left out in spite of it. */
  select?: Selection;
  /** Closes what is open of both. */
  letGo?: () => void;
  /** The whole command as it was typed, for hints. */
  again: readonly string[];
  /** How a command is typed by the person who reads a warning; without it as another user than root types it. */
  hint?: (argv: readonly string[]) => string[];
  /** Nothing is changed: what is compared is what a deploy by root would make. */
  looks?: boolean;
  /** How many backups stay. */
  keep: number;
  backup: boolean;
  allowEmpty: boolean;
  /** Null for a site that nobody is to ask for. */
  probe: Probe | null;
  /** How far it is, from time to time. What it throws ends the deploy. */
  pause?: (far: Far) => Promise<void>;
}

/** What is done of a deploy. `bytes`: of the files that were compared; of those that were made. */
export interface Far {
  phase: "read" | "staged";
  files: number;
  /** Entries of the source, or files. */
  total: number;
  bytes: number;
}

/** No file has it. */
export const noInode = 0;

/** What a file of the new tree is made from. */
export type Origin = "live" | "source" | "copy";

export interface Plan {
  source: Source;
  digests: Digests;
  made: Made;
  origins: Origin[];
  /** Of the live file that holds the same bytes; {@link noInode} for a file that is new or changed. */
  inodes: Entry["inode"][];
  /** Directories that come or go. */
  folders: number;
  /** Another user could change something of the live tree. */
  isExposed: boolean;
  /** Paths of files and links in the tree. */
  added: string[];
  changed: string[];
  removed: string[];
}

/** Whether a deploy writes nothing: the live tree is as it would be made, and no other user can change it. */
export function isSatisfied({ origins, added, changed, removed, folders, isExposed }: Plan): boolean {
  const differing = added.length + changed.length + removed.length + folders;
  return differing === 0 && !isExposed && origins.every((origin) => origin === "live");
}

/** Returns the backups that a deploy of this plan removes, besides the one that it adds. */
export function prunedBy(
  planned: Plan,
  { project, live, keep, backup }: Order,
  see: HostReader,
  trees: Trees,
): string[] {
  if (isSatisfied(planned)) return [];
  const adds = backup && !isEmpty(trees, live);
  const old = backupNames(see, project.slug).slice(Math.max(0, keep - (adds ? 1 : 0)));
  return old.map((name) => `${backupsOf(project.slug)}/${name}`);
}

/** Whether the directory has nothing in it, or is missing. */
function isEmpty(trees: Trees, dir: string): boolean {
  if (trees.entry(dir) === null) return true;
  for (const { path } of trees.walk(dir)) if (path !== "") return false;
  return true;
}

/** Returns what a person should know of the source. */
export function notesOf({ notes = [] }: Order, { source }: Plan): string[] {
  return [...notes, ...source.notes];
}

/** Looks only. Throws a Problem for a source that is not to be published. */
export async function plan(order: Order, host: Host, trees: Trees): Promise<Plan> {
  const { project, dir, live } = order;
  const gid = gidOf(host, project.owner_group);
  if (gid === null) {
    const { reason, hint } = noGroup(project.owner_group);
    throw new Problem("blocked", reason, { hint });
  }
  const uid = order.looks ? rootUid : host.uid;
  let source = await survey(trees, order, uid, host.now());
  if (order.of === "others" && source.isFresh) {
    // What was written just before is older when it is looked at again.
    await host.sleep(tickMs);
    source = await survey(trees, order, uid, host.now());
  }
  if (!order.allowEmpty) demandPage(source, order);

  const made = { mode: 0o644, uid, gid, modifiedSeconds: 0 };
  const top = trees.entry(live);
  const digests = new Digests(host, project.slug, top);
  const found: Plan = {
    source,
    digests,
    made,
    origins: [],
    inodes: [],
    folders: 0,
    isExposed: false,
    added: [],
    changed: [],
    removed: [],
  };
  const pairs = sideBySide(source.entries, trees, live);
  let bytes = 0;
  for await (const batch of compared(pairs, order, digests, trees)) {
    add(batch);
    await order.pause?.({ phase: "read", files: found.origins.length, total: source.entries.length, bytes });
  }
  return found;

  function add(batch: Compared[]): void {
    for (const {
      pair: [entry, twin],
      same,
    } of batch) {
      if (twin !== undefined) found.isExposed ||= isExposed(twin, uid);
      if (entry === undefined) {
        if (twin.type === "directory") found.folders += 1;
        else found.removed.push(twin.path);
      } else if (entry.type !== "file") {
        const isSame = twin?.type === entry.type && (entry.type === "directory" || sameLink(trees, live, dir, entry));
        if (entry.type === "directory" && twin === undefined) found.folders += 1;
        else note(found, entry, twin, isSame);
      } else {
        bytes += entry.size;
        note(found, entry, twin, same);
        found.origins.push(originOf(order, entry, same ? twin : undefined, made));
        found.inodes.push(same && twin ? twin.inode : noInode);
      }
    }
  }
}

function note(found: Plan, { path }: Entry, twin: Entry | undefined, equal: boolean): void {
  if (twin === undefined) found.added.push(path);
  else if (!equal) found.changed.push(path);
}

function sameLink(trees: Trees, live: string, dir: string, { path }: Entry): boolean {
  return trees.linkTarget(`${live}/${path}`) === trees.linkTarget(`${dir}/${path}`);
}

/** A file is shared where it is already as it would be made. */
function originOf({ of }: Order, entry: Entry, equal: Entry | undefined, made: Made): Origin {
  if (equal !== undefined && isMade(equal, made)) return "live";
  return of !== "others" && isMade(entry, made) ? "source" : "copy";
}

/** Owner and mode are those that a file is made with. */
export function isMade(entry: Entry, { mode, uid, gid }: Made): boolean {
  return entry.mode === mode && entry.uid === uid && entry.gid === gid;
}
