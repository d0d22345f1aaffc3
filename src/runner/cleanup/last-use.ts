// Learns from events what jobs use and when, and which images their runner pulled. It reads and changes nothing.

import type { DockerEvent } from "./docker-events.ts";

/** What the engine has now. */
export interface Inventory {
  images: readonly Image[];
  containers: readonly Container[];
  volumes: readonly Volume[];
  cache: readonly CacheRecord[];
}

interface Image {
  id: string;
  /** Its tags, such as `node:22`. */
  tags: readonly string[];
  /** Its references by digest, such as `node@sha256:…`. One without them was not pulled. */
  digests: readonly string[];
  bytes: number;
}

export interface Container {
  id: string;
  name: string;
  /** The id of its image. */
  image: string;
  isRunning: boolean;
  /** Whether GitLab Runner created it. */
  isManaged: boolean;
  /** The labels of GitLab Runner: the job that it belongs to, and `build` for the container of its script. */
  job: string | null;
  type: string | null;
  /** When it was created or ended last. */
  usedMs: number;
  /** The names of its volumes. */
  volumes: readonly string[];
}

interface Volume {
  name: string;
  createdMs: number;
  isManaged: boolean;
  bytes: number;
}

interface CacheRecord {
  id: string;
  bytes: number;
  usedMs: number;
  inUse: boolean;
}

/**
 * How an image came to this host. `job`: a runner pulled it, and no job has used it yet. `runner`: a runner pulled it for
 * a job that used it. `foreign`: anything else, and it stays so until the image is removed.
 */
type Origin = "job" | "runner" | "foreign";

export interface LastUse {
  /** The events until this time are included, in Unix milliseconds. */
  untilMs: number;
  images: Readonly<Record<string, { origin: Origin; usedMs: number }>>;
  /** When a container used a volume last. */
  volumes: Readonly<Record<string, number>>;
  /** Pulls of which it is not known yet whether a job follows. */
  pulls: readonly { reference: string; atMs: number }[];
}

/**
 * A runner creates a container of the job right after a pull. A pull that no container of a job follows within this
 * time is that of a person. Shorter would regard the pulls of a job with slow services as those of a person, which only
 * keeps an image.
 */
export const followedMs = 120_000;

/** GitLab Runner loads its helper image from a file, and does so again when it is missing. */
const helperImage = /(^|\/)gitlab-runner-helper(:|@|$)/;

/**
 * Returns what is known after these events. They are in the order of their times, and may repeat earlier ones.
 * Images and volumes that the engine no longer has are forgotten. An image of unknown origin becomes foreign.
 */
export function learn(
  before: LastUse,
  events: readonly DockerEvent[],
  { images, containers, volumes }: Inventory,
  nowMs: number,
): LastUse {
  // After a clock was set back, later events have earlier times.
  const sinceMs = Math.min(before.untilMs, nowMs);
  const named = new Map<string, Image>();
  for (const image of images) for (const name of [image.id, ...image.tags, ...image.digests]) named.set(name, image);
  const known = new Map<string, { origin: Origin | null; usedMs: number }>();
  for (const { id } of images) {
    const { origin = null, usedMs = 0 } = ownOf(before.images, id) ?? {};
    known.set(id, { origin, usedMs: Math.min(nowMs, usedMs) });
  }
  const used = new Map<string, number>();
  for (const { name, createdMs } of volumes) {
    used.set(name, Math.min(nowMs, ownOf(before.volumes, name) ?? Math.max(createdMs, sinceMs)));
  }

  const touch = (id: string, atMs: number): void => {
    const record = known.get(id);
    if (record !== undefined) record.usedMs = Math.max(record.usedMs, Math.min(atMs, nowMs));
  };
  const settle = (id: string, origin: Origin): void => {
    const record = known.get(id);
    if (record === undefined || record.origin === "foreign") return;
    if (origin === "job" && record.origin === "runner") return;
    record.origin = origin;
  };
  /** A pull may name a tag that leads to another image by now: its image is then one without that tag. */
  const pulled = (reference: string): Image[] => {
    const exact = named.get(reference);
    if (exact !== undefined) return [exact];
    return images.filter(({ digests }) => digests.some((each) => repositoryOf(each) === repositoryOf(reference)));
  };
  /** `isLater`: it ran after what is known, and so after a pull that is known. */
  const ran = (image: Image, isManaged: boolean, atMs: number, isLater: boolean): void => {
    touch(image.id, atMs);
    if (!isManaged) settle(image.id, "foreign");
    else if (isLater && known.get(image.id)?.origin === "job") settle(image.id, "runner");
    else if (image.tags.some((tag) => helperImage.test(tag)) && known.get(image.id)?.origin === null) {
      settle(image.id, "runner");
    }
  };

  let pending = [...before.pulls];
  const settlePulls = (atMs: number, isFollowed: boolean): void => {
    const [open, late]: [typeof pending, typeof pending] = [[], []];
    for (const pull of pending) (atMs - pull.atMs > followedMs ? late : open).push(pull);
    for (const { reference } of late) for (const { id } of pulled(reference)) settle(id, "foreign");
    if (isFollowed) {
      for (const { reference } of open) for (const { id } of pulled(reference)) settle(id, "job");
    }
    pending = isFollowed ? [] : open;
  };

  for (const event of events) {
    if (event.kind === "mounted") {
      const last = used.get(event.volume);
      if (last !== undefined) used.set(event.volume, Math.max(last, Math.min(event.atMs, nowMs)));
    } else if (event.kind === "pulled") {
      for (const { id } of pulled(event.reference)) touch(id, event.atMs);
      // An event that is read twice was judged already.
      if (event.atMs > sinceMs) pending.push({ reference: event.reference, atMs: event.atMs });
    } else if (event.kind === "made") {
      const image = named.get(event.image);
      if (image !== undefined && !image.tags.some((tag) => helperImage.test(tag))) settle(image.id, "foreign");
    } else {
      if (event.atMs > sinceMs) settlePulls(event.atMs, event.isManaged && event.isNew);
      const image = named.get(event.image);
      if (image !== undefined) ran(image, event.isManaged, event.atMs, event.atMs > sinceMs);
    }
  }
  settlePulls(nowMs, false);
  for (const container of containers) {
    const image = named.get(container.image);
    if (image !== undefined) ran(image, container.isManaged, container.isRunning ? nowMs : container.usedMs, true);
    for (const name of container.volumes) if (container.isRunning && used.has(name)) used.set(name, nowMs);
  }

  const waiting = new Set(pending.flatMap(({ reference }) => pulled(reference)).map(({ id }) => id));
  const settled = [...known].flatMap(([id, { origin, usedMs }]) => {
    if (origin === null && waiting.has(id)) return [];
    return [[id, { origin: origin ?? "foreign", usedMs }] as const];
  });
  const last = events.at(-1)?.atMs ?? 0;
  return {
    untilMs: Math.max(sinceMs, Math.min(last, nowMs)),
    images: Object.fromEntries(settled),
    volumes: Object.fromEntries(used),
    pulls: pending,
  };
}

/** Returns the value of a name, which may be that of something that every object has: `constructor` is a valid volume. */
export function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Returns the name of an image without its tag or digest: `host:5000/name` of `host:5000/name:tag`. */
function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
}
