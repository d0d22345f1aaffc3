// Decides what a cleanup may remove, in which order, and when it has removed enough. It reads and changes nothing.

import type { DataRoots } from "../../docker/data-roots.ts";
import { type Container, type Inventory, type LastUse, ownOf } from "./last-use.ts";

export interface Settings {
  /** The free space to keep on each file system of Docker: bytes, or a share from 0 to 1. */
  keep: { bytes: number } | { share: number };
  /** What no job has used for this time is removed although there is enough space; null for never. */
  unusedForMs: number | null;
}

export interface Candidate {
  kind: "container" | "cache" | "volume" | "image";
  /** Identifies it to the engine: an id, the name of a volume. All records of a cache are one candidate an hour. */
  id: string;
  /** For people. */
  name: string;
  /** Its size. What it shares with others counts as well, so that its removal may free less. */
  bytes: number;
  usedMs: number;
  /** The directory whose file system becomes emptier. */
  root: string;
}

export interface Removal {
  candidate: Candidate;
  /** `unused`: nothing used it for the time of the settings. `space`: there is too little space. */
  why: "unused" | "space";
}

/** The free bytes of the file system of a root, and its size. */
export interface Room {
  free: number;
  size: number;
}

/** A stopped container may belong to a job between two of its stages, whose other containers do not run either. */
const stoppedMs = 3_600_000;
const hourMs = 3_600_000;
/** GitLab Runner creates a volume right before the first container that uses it. */
const newMs = 60_000;

/** The volumes that GitLab Runner names: before version 17 they had no label. */
const cacheVolume = /^runner-.+-cache-[0-9a-f]{32}(-protected)?$/;
const kinds: readonly Candidate["kind"][] = ["container", "cache", "volume", "image"];

/**
 * Returns what may be removed, the least recently used first: images that a runner pulled for a job and no container
 * uses, build cache that is not in use, and containers and volumes of GitLab Runner that no job uses. Nothing else is
 * ever removed.
 */
export function candidatesOf(
  { images, containers, volumes, cache }: Inventory,
  lastUse: LastUse,
  roots: DataRoots,
  nowMs: number,
): Candidate[] {
  const runs = new Set(containers.filter(({ isRunning }) => isRunning).map(({ job }) => job));
  const isLeft = (each: Container): boolean => {
    return (
      each.isManaged && !each.isRunning && each.job !== null && !runs.has(each.job) && nowMs - each.usedMs > stoppedMs
    );
  };
  const mounted = new Set(containers.flatMap((each) => each.volumes));
  const imagesInUse = new Set(containers.map(({ image }) => image));
  const hours = Map.groupBy(
    cache.filter(({ inUse }) => !inUse),
    ({ usedMs }) => Math.floor(usedMs / hourMs),
  );
  const all: Candidate[] = [
    ...containers.filter(isLeft).map(({ id, name, usedMs }) => {
      return { kind: "container" as const, id, name, bytes: 0, usedMs, root: roots.images };
    }),
    ...[...hours].map(([hour, records]) => {
      const bytes = records.reduce((sum, each) => sum + each.bytes, 0);
      const usedMs = records.reduce((last, each) => Math.max(last, each.usedMs), 0);
      const name = `${records.length} ${records.length === 1 ? "record" : "records"}`;
      return { kind: "cache" as const, id: String(hour), name, bytes, usedMs, root: roots.images };
    }),
    ...volumes.flatMap(({ name, isManaged, createdMs, bytes }) => {
      const usedMs = ownOf(lastUse.volumes, name);
      if (!(isManaged || cacheVolume.test(name)) || mounted.has(name) || usedMs === undefined) return [];
      if (Math.abs(nowMs - createdMs) < newMs) return [];
      return [{ kind: "volume" as const, id: name, name, bytes, usedMs, root: roots.data }];
    }),
    ...images.flatMap(({ id, tags, digests, bytes }) => {
      const { origin, usedMs } = ownOf(lastUse.images, id) ?? { origin: "foreign", usedMs: 0 };
      if (origin !== "runner" || imagesInUse.has(id)) return [];
      return [{ kind: "image" as const, id, name: tags[0] ?? digests[0] ?? id, bytes, usedMs, root: roots.images }];
    }),
  ];
  return all.sort(
    (a, b) =>
      a.usedMs - b.usedMs || kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
}

/** Returns the bytes that should be free in a room of this size. */
export function wantedBytes({ keep }: Settings, { size }: Room): number {
  return "bytes" in keep ? keep.bytes : Math.ceil(keep.share * size);
}

/**
 * Returns whether a job has started and has no container of its script yet. With a pull policy that uses a present image,
 * it may rely on any image now, and the engine does not know that.
 */
export function isJobPreparing({ containers }: Pick<Inventory, "containers">): boolean {
  const jobs = Map.groupBy(
    containers.filter(({ isManaged, job }) => isManaged && job !== null),
    ({ job }) => job,
  );
  return [...jobs.values()].some(
    (all) => all.some(({ isRunning }) => isRunning) && !all.some(({ type }) => type === "build"),
  );
}

interface Situation {
  settings: Settings;
  /** Those of {@link candidatesOf} that were not tried yet, in that order. */
  candidates: readonly Candidate[];
  /** Returns the present room of a root. */
  roomOf(root: string): Room;
  isPreparing: boolean;
  nowMs: number;
}

/**
 * Returns what to remove next, or null if that was enough. The caller measures the room again after each removal. While
 * a job is being prepared, images stay until only half of the wanted space is free.
 */
export function nextRemoval({ settings, candidates, roomOf, isPreparing, nowMs }: Situation): Removal | null {
  const { unusedForMs } = settings;
  for (const candidate of candidates) {
    const room = roomOf(candidate.root);
    const wanted = wantedBytes(settings, room);
    if (candidate.kind === "image" && isPreparing && room.free >= wanted / 2) continue;
    if (unusedForMs !== null && nowMs - candidate.usedMs > unusedForMs) return { candidate, why: "unused" };
    if (room.free < wanted) return { candidate, why: "space" };
  }
  return null;
}

/** Returns all removals in order, where each one frees the bytes of its candidate. */
export function plannedRemovals({ roomOf, ...situation }: Situation): Removal[] {
  const freed = new Map<string, number>();
  const planned: Removal[] = [];
  let candidates = situation.candidates;
  const roomThen = (root: string): Room => {
    const room = roomOf(root);
    return { ...room, free: room.free + (freed.get(root) ?? 0) };
  };
  for (;;) {
    const next = nextRemoval({ ...situation, candidates, roomOf: roomThen });
    if (next === null) return planned;
    const { candidate } = next;
    planned.push(next);
    freed.set(candidate.root, (freed.get(candidate.root) ?? 0) + candidate.bytes);
    candidates = candidates.filter((each) => each !== candidate);
  }
}
