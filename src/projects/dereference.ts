// A source with links that lead out of it, copied with what they lead to in their place: no more than its owner may read.

import { Problem } from "../engine/step.ts";
import type { Host } from "../host/host.ts";
import { type Entry, type Made, type Opened, Refused, type Trees } from "../host/trees.ts";
import { docsRoot } from "../recipes/paths.ts";
import { endOf } from "./links.ts";
import type { Project } from "./project.ts";
import { demandUnchanged, isBetween, survey, tickMs } from "./source.ts";
import { whyNotPublished } from "./source-path.ts";
import { type Asked, freshUnpacked, type Unpacked, unpackLimits } from "./unpacked.ts";
import { SomePaths } from "./unserved.ts";

const rootUid = 0;
const setIdBits = 0o6000;
const stickyBit = 0o1000;

interface Given {
  project: Project;
  /** What the source is called. */
  name: string;
  choices: Asked;
  /** The source, which is a directory. */
  part: Opened;
  host: Host;
  trees: Trees;
}

/**
 * Copies a source beside the backups, where settling the project removes it. A link that leads out of the source is
 * followed where root or the owner of the source owns it, or where its owner owns what it leads to; and only to what the
 * owner of the source may read and anybody may publish; never where a third user could have moved the link. One that leads
 * to nothing is left out, with a note. Throws a Problem for any other.
 */
export async function dereferenced({ project, name, choices, part, host, trees }: Given): Promise<Unpacked> {
  const { again } = choices;
  const { dir, owner, room } = freshUnpacked(project, choices, host, trees);
  const made: Made = { mode: 0o644, ...owner, modifiedSeconds: Math.floor(host.now() / 1000) };
  // A directory of root's may have been moved by the owner of one above it.
  const reader = dirsTo(part.real).findLast(({ uid }) => uid !== rootUid)?.uid ?? rootUid;
  const missing = new SomePaths();
  const notes: string[] = [];
  let [entries, bytes] = [0, 0];
  await copyTree(part, name, "", []);
  if (missing.count > 0) notes.push(`left out, since they are links to nothing: ${missing.described()}`);
  return { dir, notes };

  /** `below`: where the tree comes to lie in the copy. `trail`: the directories of links that lead here. */
  async function copyTree({ path: from, real }: Opened, called: string, below: string, trail: string[]): Promise<void> {
    const sought = { dir: from, name: called, of: "others", again, followsOut: true } as const;
    let source = await survey(trees, sought, host.uid, host.now());
    if (source.isFresh) {
      // What was written just before is older when it is looked at again.
      await host.sleep(tickMs);
      source = await survey(trees, sought, host.uid, host.now());
    }
    // The copy is surveyed again, without what is left out here.
    if (source.left.size > 0) notes.push(...source.notes.slice(-1));
    const out: string[] = [];
    for (const batch of source.entries.batches()) {
      const copies: [string, string, number][] = [];
      for (const entry of batch) {
        if (trail.length > 0) demandReadable(entry, `${called}/${entry.path}`);
        const to = `${dir}${below}/${entry.path}`;
        count(entry);
        if (entry.type === "file") copies.push([`${from}/${entry.path}`, to, entry.size]);
        else if (entry.type === "directory") {
          if (entry.path !== "") trees.makeDirectory(to, { ...made, mode: 0o755 });
        } else if (endOf(entry.path, source.links) === null) out.push(entry.path);
        else trees.makeLink(to, source.links.get(entry.path) ?? "", made);
      }
      if (copies.length > 0) await trees.copies(copies, made);
    }
    await demandUnchanged(trees, source, again, host.now());
    for (const path of out)
      await copyTarget(`${real}/${path}`, `${called}/${path}`, `${below}/${path}`, [...trail, real]);
  }

  /** Copies what a link leads to. */
  async function copyTarget(link: string, called: string, below: string, trail: string[]): Promise<void> {
    demandSettled(link, called);
    const target = openFor(link, called);
    if (target === null) return missing.add(below.slice(1));
    try {
      const { real, type } = target;
      const why = whyNotPublished(real, host);
      if (why !== null) throw refused(called, `leads to ${real}, which is not published: ${why.reason}`, link);
      if (type === "directory") {
        const isAround = trail.some((each) => `${each}/`.startsWith(`${real}/`));
        if (isAround) throw refused(called, `leads to ${real}, which it is part of itself`, link);
        trees.makeDirectory(`${dir}${below}`, { ...made, mode: 0o755 });
        await copyTree(target, called, below, trail);
      } else if (type === "file") await copyFile(real, called, below);
      else throw refused(called, `leads to ${real}, which is neither a file nor a directory`, link);
    } finally {
      target.close();
    }
  }

  /** By its name in a directory that is open: its owner may put another file there, which is noticed, but no link. */
  async function copyFile(real: string, called: string, below: string): Promise<void> {
    const slash = real.lastIndexOf("/");
    const above = openFor(real.slice(0, slash) || "/", called);
    const from = `${above?.path}${real.slice(slash)}`;
    try {
      let [sinceMs, before] = [host.now(), above === null ? null : trees.entry(from)];
      if (before !== null && isBetween(before, sinceMs, sinceMs)) {
        await host.sleep(tickMs);
        [sinceMs, before] = [host.now(), trees.entry(from)];
      }
      if (before?.type !== "file") throw changed(called);
      demandReadable(before, called);
      if ((before.mode & setIdBits) !== 0) throw refused(called, "has a set-user-ID or set-group-ID bit", real);
      count(before);
      await trees.copies([[from, `${dir}${below}`, before.size]], made);
      const after = trees.entry(from);
      const isSame = after?.inode === before.inode && after.changedMs === before.changedMs;
      // Two exchanges within one tick leave the stamp that it had.
      if (!isSame || isBetween(after, sinceMs, host.now())) throw changed(called);
    } finally {
      above?.close();
    }
  }

  /** Each directory of a path without links, from the top down, and what the path itself leads to. */
  function dirsTo(path: string): Entry[] {
    const names = path.split("/").slice(1);
    return names.flatMap((_, i) => trees.entry(`/${names.slice(0, i + 1).join("/")}`) ?? []);
  }

  /** Throws a Problem for a link that another user than root and the reader may have moved, so that it leads elsewhere. */
  function demandSettled(link: string, called: string): void {
    const dirs = dirsTo(link.slice(0, link.lastIndexOf("/")));
    const mover = dirs.find(({ uid, mode }) => (uid !== rootUid && uid !== reader) || isShared(mode));
    if (mover === undefined) return;
    const whose = isShared(mover.mode)
      ? "a directory that several users may write"
      : `a directory of user ${mover.uid}`;
    throw refused(called, `is not followed: it lies in ${whose}, who may have moved it there`, link);
  }

  function openFor(path: string, called: string): Opened | null {
    try {
      return trees.open(path, [rootUid, reader], reader);
    } catch (error) {
      if (error instanceof Refused) throw refused(called, `is not followed: ${error.message}`, path);
      throw error;
    }
  }

  function demandReadable({ type, uid, mode }: Entry, called: string): void {
    if (reader === rootUid || type === "link") return;
    const bits = type === "directory" ? 0o5 : 0o4;
    const granted = uid === reader ? mode >> 6 : mode & (mode >> 3);
    if ((granted & bits) !== bits) throw refused(called, `is not followed: user ${reader} may not read it`);
  }

  /** The limits are those of an archive. */
  function count({ type, size }: Entry): void {
    entries += 1;
    bytes += type === "file" ? size : 0;
    const fits = entries <= Math.min(unpackLimits.entries, room.entries);
    if (fits && bytes <= Math.min(unpackLimits.bytes, room.bytes)) return;
    const message = `${name} is not published: with what its links lead to it is larger than a site may be`;
    throw new Problem("blocked", message, { hint: ["df", fits ? "-h" : "-i", docsRoot] });
  }

  function changed(called: string): Problem {
    return new Problem("blocked", `${called} was changed while it was read: nothing was deployed`, { hint: again });
  }
}

/** Whether more users than the owner may rename what others have in a directory of this mode. */
function isShared(mode: number): boolean {
  return (mode & 0o022) !== 0 && (mode & stickyBit) === 0;
}

function refused(called: string, why: string, path = called): Problem {
  return new Problem("blocked", `${called} ${why}`, { hint: ["namei", "-l", path] });
}
