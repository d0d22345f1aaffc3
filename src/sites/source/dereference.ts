// Copies a source whose symlinks lead out of it, with the targets in place of the links. It copies only what the owner
// of the source may read.

import { docsRoot } from "../../engine/paths.ts";
import type { Host } from "../../host/host.ts";
import { type NewAttributes, type OpenedEntry, RejectedArchive, type TreeEntry, type Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { endOf } from "../deploy/links.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { type Unpacked, type UnpackRequest, unpackFresh, unpackLimits } from "../deploy/unpacked.ts";
import { SomePaths } from "../serve/unserved.ts";
import { demandUnchanged, isBetween, survey, tickMs } from "./source.ts";
import { whyNotPublished } from "./source-path.ts";

const rootUid = 0;
const setIdBits = 0o6000;
const stickyBit = 0o1000;

interface DereferenceRequest extends Pick<DeployRequest, "target" | "project"> {
  /** The name of the source in messages. */
  name: string;
  choices: UnpackRequest;
  /** The open source directory. */
  part: OpenedEntry;
  host: Host;
  trees: Trees;
}

/**
 * Copies a source into a directory beside the backups, which {@link cleanUp} removes. A symlink that leads out of the
 * source is followed if root or the owner of the source owns it. It is also followed if its owner owns its target. The
 * owner of the source must be able to read the target, and the target must be publishable. A symlink that a third user
 * could have moved is never followed. A dangling symlink is left out, with a note. Throws a Problem for any other
 * symlink.
 */
export async function dereferenceTree({
  target,
  project,
  name,
  choices,
  part,
  host,
  trees,
}: DereferenceRequest): Promise<Unpacked> {
  const { again } = choices;
  const { dir, owner, room } = unpackFresh(host, trees, { target, project }, choices);
  const attributes: NewAttributes = { mode: 0o644, ...owner, modifiedSeconds: Math.floor(host.now() / 1000) };
  // The owner of a directory above could have moved a directory that root owns.
  const reader = dirsTo(part.real).findLast(({ uid }) => uid !== rootUid)?.uid ?? rootUid;
  const missing = new SomePaths();
  const notes: string[] = [];
  let [entries, bytes] = [0, 0];
  await copyTree(part, name, "", []);
  if (missing.count > 0) notes.push(`left out, since they are links to nothing: ${missing.described()}`);
  return { dir, notes };

  /** `below` is the position of the tree in the copy. `trail` lists the directories whose symlinks led here. */
  async function copyTree(
    { path: from, real }: OpenedEntry,
    called: string,
    below: string,
    trail: string[],
  ): Promise<void> {
    const sought = { dir: from, name: called, of: "others", again, followsOut: true } as const;
    let source = await survey(trees, sought, host.uid, host.now());
    if (source.isFresh) {
      // A file that was written just before has a distinguishable time after one clock tick.
      await host.sleep(tickMs);
      source = await survey(trees, sought, host.uid, host.now());
    }
    // The copy is surveyed again, but without the files that are left out here.
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
          if (entry.path !== "") trees.makeDirectory(to, { ...attributes, mode: 0o755 });
        } else if (endOf(entry.path, source.links) === null) out.push(entry.path);
        else trees.makeLink(to, source.links.get(entry.path) ?? "", attributes);
      }
      if (copies.length > 0) await trees.copies(copies, attributes);
      await choices.pauseForSignals?.();
    }
    await demandUnchanged(trees, source, again, host.now());
    for (const path of out)
      await copyTarget(`${real}/${path}`, `${called}/${path}`, `${below}/${path}`, [...trail, real]);
  }

  /** Copies the target of a symlink. */
  async function copyTarget(link: string, called: string, below: string, trail: string[]): Promise<void> {
    demandSettled(link, called);
    const target = openFor(link, called);
    if (target === null) return missing.add(below.slice(1));
    try {
      const { real, type } = target;
      const why = whyNotPublished(host, real);
      if (why !== null) throw refusal(called, `leads to ${real}, which is not published: ${why.reason}`, link);
      if (type === "directory") {
        const isAround = trail.some((each) => `${each}/`.startsWith(`${real}/`));
        if (isAround) throw refusal(called, `leads to ${real}, which it is part of itself`, link);
        trees.makeDirectory(`${dir}${below}`, { ...attributes, mode: 0o755 });
        await copyTree(target, called, below, trail);
      } else if (type === "file") await copyFile(real, called, below);
      else throw refusal(called, `leads to ${real}, which is neither a file nor a directory`, link);
    } finally {
      target.close();
    }
  }

  /**
   * Copies a file by its name in an open directory. A file that its owner replaces meanwhile is detected, and a symlink
   * is not followed.
   */
  async function copyFile(real: string, called: string, below: string): Promise<void> {
    const above = openFor(parentOf(real), called);
    const from = `${above?.path}/${nameOf(real)}`;
    try {
      let [sinceMs, before] = [host.now(), above === null ? null : trees.entry(from)];
      if (before !== null && isBetween(before, sinceMs, sinceMs)) {
        await host.sleep(tickMs);
        [sinceMs, before] = [host.now(), trees.entry(from)];
      }
      if (before?.type !== "file") throw changedProblem(called);
      demandReadable(before, called);
      if ((before.mode & setIdBits) !== 0) throw refusal(called, "has a set-user-ID or set-group-ID bit", real);
      count(before);
      await trees.copies([[from, `${dir}${below}`, before.size]], attributes);
      await choices.pauseForSignals?.();
      const after = trees.entry(from);
      const isSame = after?.inode === before.inode && after.changedMs === before.changedMs;
      // Two exchanges within one clock tick restore the timestamp, so a timestamp in this span proves nothing.
      if (!isSame || isBetween(after, sinceMs, host.now())) throw changedProblem(called);
    } finally {
      above?.close();
    }
  }

  /** Returns each directory of a path without symlinks, from the top down, and the entry at the path itself. */
  function dirsTo(path: string): TreeEntry[] {
    const names = path.split("/").slice(1);
    return names.flatMap((_, i) => trees.entry(`/${names.slice(0, i + 1).join("/")}`) ?? []);
  }

  /**
   * Throws a Problem for a symlink that a user other than root and the reader could have moved to change its target.
   */
  function demandSettled(link: string, called: string): void {
    const dirs = dirsTo(parentOf(link));
    const mover = dirs.find(({ uid, mode }) => (uid !== rootUid && uid !== reader) || isShared(mode));
    if (mover === undefined) return;
    const whose = isShared(mover.mode)
      ? "a directory that several users may write"
      : `a directory of user ${mover.uid}`;
    throw refusal(called, `is not followed: it lies in ${whose}, who may have moved it there`, link);
  }

  function openFor(path: string, called: string): OpenedEntry | null {
    try {
      return trees.open(path, [rootUid, reader], reader);
    } catch (error) {
      if (error instanceof RejectedArchive) throw refusal(called, `is not followed: ${error.message}`, path);
      throw error;
    }
  }

  function demandReadable({ type, uid, mode }: TreeEntry, called: string): void {
    if (reader === rootUid || type === "link") return;
    const bits = type === "directory" ? 0o5 : 0o4;
    const granted = uid === reader ? mode >> 6 : mode & (mode >> 3);
    if ((granted & bits) !== bits) throw refusal(called, `is not followed: user ${reader} may not read it`);
  }

  /** Enforces the limits of an archive. */
  function count({ type, size }: TreeEntry): void {
    entries += 1;
    bytes += type === "file" ? size : 0;
    const fits = entries <= Math.min(unpackLimits.entries, room.entries);
    if (fits && bytes <= Math.min(unpackLimits.bytes, room.bytes)) return;
    const isRoom = fits ? room.bytes < unpackLimits.bytes : room.entries < unpackLimits.entries;
    const message = `${name} is not published: with what its links lead to it is larger than a site may be`;
    throw new Problem(isRoom ? "no-space" : "limit-exceeded", message, { hint: ["df", fits ? "-h" : "-i", docsRoot] });
  }

  function changedProblem(called: string): Problem {
    return new Problem("concurrent-change", `${called} was changed while it was read: nothing was deployed`, {
      hint: again,
    });
  }
}

/** Returns whether users other than the owner may rename entries of others in a directory of this mode. */
function isShared(mode: number): boolean {
  return (mode & 0o022) !== 0 && (mode & stickyBit) === 0;
}

function refusal(called: string, why: string, path = called): Problem {
  return new Problem("unsafe-source", `${called} ${why}`, { hint: ["namei", "-l", path] });
}
