// An archive as a source: unpacked beside the backups of its project, within the limits of a site and of the disk.

import { Problem } from "../engine/step.ts";
import type { Host } from "../host/host.ts";
import { type Opened, Refused, type Trees, type UnpackLimits } from "../host/trees.ts";
import { backupsDir, docsRoot } from "../recipes/paths.ts";
import { gidOf } from "../resources/group.ts";
import type { Project } from "./project.ts";
import { demandSecuredBackups, makeBackupsDir, securedBackups, unpackedPath } from "./releases.ts";
import { hintToPack } from "./source-hints.ts";

/** A site is smaller than this; an archive that is not is a mistake, or a trap. */
export const unpackLimits: UnpackLimits = {
  entries: 1_000_000,
  bytes: 10 * 2 ** 30,
  /** Half a kibibyte for each of so many entries. */
  headerBytes: 2 ** 29,
  /** Text shrinks tenfold, and a hundred versions of it in one tar by zstd hundredfold more. */
  ratio: 1000,
  ratioFromBytes: 2 ** 28,
  /** A block of zstd has 128 KiB, of which nothing is seen until it is whole: 1.1 kB/s is enough. */
  idleMs: 120_000,
};

/**
 * What stays free beside an archive, for logs, apt and the records: as much as ext4 keeps for root, but not more than the
 * gibibyte below which doctor warns, and enough for a small disk to work on.
 */
const reserveShare = 0.05;
const [leastReserve, mostReserve] = [64 * 2 ** 20, 2 ** 30];
const inodeReserve = 1000;

export interface Unpacked {
  dir: string;
  /** What a person should know of its names. */
  notes: string[];
}

/** Who asks for it: a dry run, or the deploy that was typed. */
export interface Asked {
  looks: boolean;
  again: readonly string[];
}

/**
 * Makes the empty directory beside the backups, where settling the project removes it. `room`: what may be put into it. A
 * dry run makes it as well, and removes it at its end.
 */
export function freshUnpacked({ slug, owner_group }: Project, { looks, again }: Asked, host: Host, trees: Trees) {
  if (looks && host.uid !== 0) {
    const message = `the source is unpacked in ${backupsDir} to be compared, which only root may`;
    throw new Problem("not-root", message, { hint: again });
  }
  if (looks) demandSecuredBackups(host, slug);
  else securedBackups(host, trees, slug);
  makeBackupsDir(host, slug);
  const dir = unpackedPath(slug);
  const owner = { uid: host.uid, gid: gidOf(host, owner_group) ?? 0 };
  // What a killed one left: the project's lock is ours.
  trees.remove(dir);
  trees.makeDirectory(dir, { mode: 0o755, ...owner });
  const { bytes, inodes, size } = trees.room(dir);
  const reserve = Math.round(Math.min(Math.max(size * reserveShare, leastReserve), mostReserve));
  const room = { bytes: Math.max(0, bytes - reserve), entries: Math.max(0, inodes - inodeReserve) };
  return { dir, owner, room, reserve };
}

/** Unpacks an archive beside the backups, where settling the project removes it. Throws a Problem for one that is refused. */
export async function unpacked(
  project: Project,
  given: string,
  archive: Opened | "-",
  asked: Asked,
  host: Host,
  trees: Trees,
): Promise<Unpacked> {
  const { dir, owner, room, reserve } = freshUnpacked(project, asked, host, trees);
  const name = given === "-" ? "the archive on stdin" : given;
  const limits = {
    ...unpackLimits,
    bytes: Math.min(unpackLimits.bytes, room.bytes),
    entries: Math.min(unpackLimits.entries, room.entries),
  };
  try {
    return { dir, notes: await trees.unpack(archive, dir, { mode: 0o644, ...owner }, limits) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { limit, message } = error;
    const isRoom = (limit === "bytes" || limit === "entries") && limits[limit] === room[limit];
    const kept = limit === "entries" ? `${inodeReserve} inodes` : `${Math.round(reserve / 2 ** 20)} MiB`;
    const why = isRoom ? `${message}, which is what ${docsRoot} has room for, with ${kept} in reserve` : message;
    const hint = limit === "unchanged" ? asked.again : hintFor(given, isRoom, limit);
    throw new Problem("blocked", `${name} is not published: ${why}`, { hint });
  }
}

function hintFor(given: string, isRoom: boolean, limit: Refused["limit"]): string[] {
  if (isRoom) return ["df", limit === "entries" ? "-i" : "-h", docsRoot];
  return given === "-" || limit === undefined ? hintToPack() : ["ls", "-l", given];
}
