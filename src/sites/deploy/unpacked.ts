// Unpacks an archive beside the backups of its project, within the limits of a site and of the disk.

import type { BundledSite } from "../../bundle/sites.ts";
import { backupsDir, docsRoot } from "../../engine/paths.ts";
import type { Host } from "../../host/host.ts";
import { type OpenedEntry, RejectedArchive, type Trees, type UnpackLimits } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { gidOf } from "../../resources/group.ts";
import { hintToPack } from "../source/source-hints.ts";
import type { DeployRequest } from "./plan.ts";
import { demandSecuredBackups, makeBackupsDir, secureBackups, unpackedPath } from "./releases.ts";

/** No real site exceeds these limits: an archive that does is a mistake or an attack. */
export const unpackLimits: UnpackLimits = {
  entries: 1_000_000,
  bytes: 10 * 2 ** 30,
  /** About 512 bytes for each of so many entries. */
  headerBytes: 2 ** 29,
  /**
   * Text shrinks by a factor of ten, and zstd shrinks a hundred versions of it in one tar by another factor of a
   * hundred.
   */
  ratio: 1000,
  ratioFromBytes: 2 ** 28,
  /** zstd yields a block of 128 KiB only when it is complete: 1.1 kB/s is enough. */
  idleMs: 120_000,
};

/**
 * The space that stays free for logs, apt and the records: the share that ext4 reserves for root, at most the 1 GiB
 * below which doctor warns, and at least enough for a small disk.
 */
const reserveShare = 0.05;
const [leastReserve, mostReserve] = [64 * 2 ** 20, 2 ** 30];
const inodeReserve = 1000;

/** An upload over a connection, which its client may break off or prolong. */
export interface Upload {
  /** Limits that are stricter than {@link unpackLimits}. */
  limits: Pick<UnpackLimits, "entries" | "bytes">;
  /** Called before the first byte is read, and after the last one. An error that it throws ends the deploy. */
  begin(): Promise<void>;
  end(): Promise<void>;
  /** Called often during the upload. An error that it throws ends the deploy. */
  pause(): void;
}

export interface Unpacked {
  dir: string;
  /** Notes about names in the archive. */
  notes: string[];
}

/** The run that unpacks: whether it is a dry run, and the command line for hints. */
export interface UnpackRequest {
  dryRun: boolean;
  again: readonly string[];
  /** Lets pending signals arrive, and throws a Problem if the run is to end. It is called often. */
  pauseForSignals?: () => Promise<void>;
  upload?: Upload;
}

/**
 * Creates the empty directory beside the backups, which {@link cleanUp} removes. A dry run creates it too, and removes
 * it at its end. Returns `room`, the limits of what may be put into it.
 */
export function unpackFresh(
  host: Host,
  trees: Trees,
  { target, project }: Pick<DeployRequest, "target" | "project">,
  { dryRun, again }: UnpackRequest,
) {
  if (dryRun && host.uid !== 0) {
    const message = `the source is unpacked in ${backupsDir} to be compared, which only root may`;
    throw new Problem("not-root", message, { hint: again });
  }
  const { key } = target;
  if (dryRun) demandSecuredBackups(host, key);
  else secureBackups(host, trees, target);
  makeBackupsDir(host, key);
  const dir = unpackedPath(key);
  const owner = { uid: host.uid, gid: gidOf(host, project.owner_group) ?? 0 };
  // A killed deploy may have left the directory. This process holds the project's lock.
  trees.remove(dir);
  trees.makeDirectory(dir, { mode: 0o755, ...owner });
  const { bytes, inodes, size } = trees.room(dir);
  const reserve = Math.round(Math.min(Math.max(size * reserveShare, leastReserve), mostReserve));
  const room = { bytes: Math.max(0, bytes - reserve), entries: Math.max(0, inodes - inodeReserve) };
  return { dir, owner, room, reserve };
}

/**
 * Unpacks an archive into a directory beside the backups, which {@link cleanUp} removes. Throws a Problem for a
 * rejected archive.
 */
export async function unpackArchive(
  host: Host,
  trees: Trees,
  {
    given,
    archive,
    request,
    ...of
  }: Pick<DeployRequest, "target" | "project"> & {
    given: string;
    archive: OpenedEntry | BundledSite | "-";
    request: UnpackRequest;
  },
): Promise<Unpacked> {
  const { dir, owner, room, reserve } = unpackFresh(host, trees, of, request);
  const { upload } = request;
  const name = given === "-" ? "the archive on stdin" : given;
  const limits = {
    ...unpackLimits,
    bytes: Math.min(unpackLimits.bytes, room.bytes, upload?.limits.bytes ?? unpackLimits.bytes),
    entries: Math.min(unpackLimits.entries, room.entries, upload?.limits.entries ?? unpackLimits.entries),
    async pause() {
      upload?.pause();
      await request.pauseForSignals?.();
    },
  };
  try {
    const pieces = archive !== "-" && "chunks" in archive ? archive.chunks() : archive;
    await upload?.begin();
    const notes = await trees.unpack(pieces, dir, { mode: 0o644, ...owner }, limits);
    await upload?.end();
    return { dir, notes };
  } catch (error) {
    if (!(error instanceof RejectedArchive)) throw error;
    const { limit, message } = error;
    const isRoom = (limit === "bytes" || limit === "entries") && limits[limit] === room[limit];
    const kept = limit === "entries" ? `${inodeReserve} inodes` : `${Math.round(reserve / 2 ** 20)} MiB`;
    const why = isRoom ? `${message}, which is what ${docsRoot} has room for, with ${kept} in reserve` : message;
    const path = archive !== "-" && "chunks" in archive ? archive.bundle : given;
    const hint = limit === "unchanged" ? request.again : hintFor(path, isRoom, limit);
    throw new Problem(isRoom ? "no-space" : Problem.of(error).code, `${name} is not published: ${why}`, { hint });
  }
}

function hintFor(given: string, isRoom: boolean, limit: RejectedArchive["limit"]): string[] {
  if (isRoom) return ["df", limit === "entries" ? "-i" : "-h", docsRoot];
  return given === "-" || limit === undefined ? hintToPack() : ["ls", "-l", given];
}
