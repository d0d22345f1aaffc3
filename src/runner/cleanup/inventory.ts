// Reads what the engine has: images, containers, volumes, build cache.

import * as v from "valibot";
import { ask } from "../../docker/ask.ts";
import { type DataRoots, dataRoots } from "../../docker/data-roots.ts";
import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { mountPointOf } from "../../problem/mount-point.ts";
import type { Room } from "./decide.ts";
import { managedLabel } from "./docker-events.ts";
import type { Inventory } from "./last-use.ts";

const labels = v.nullish(v.record(v.string(), v.string()), {});
const names = v.nullish(v.array(v.string()), []);

const imagesSchema = v.array(
  v.object({ Id: v.string(), RepoTags: names, RepoDigests: names, Size: v.optional(v.number(), 0) }),
);
const containersSchema = v.array(
  v.object({
    Id: v.string(),
    Names: names,
    ImageID: v.string(),
    State: v.string(),
    Labels: labels,
    Created: v.number(),
    Mounts: v.nullish(v.array(v.object({ Type: v.optional(v.string()), Name: v.optional(v.string()) })), []),
  }),
);
const endedSchema = v.object({ State: v.object({ FinishedAt: v.optional(v.string(), "") }) });
const volumesSchema = v.object({
  Volumes: v.nullish(
    v.array(v.object({ Name: v.string(), Labels: labels, CreatedAt: v.optional(v.string(), "") })),
    [],
  ),
});
const usageSchema = v.object({
  Volumes: v.nullish(v.array(v.object({ Name: v.string(), UsageData: v.nullish(v.object({ Size: v.number() })) })), []),
  BuildCache: v.nullish(
    v.array(
      v.object({
        ID: v.string(),
        InUse: v.optional(v.boolean(), false),
        Shared: v.optional(v.boolean(), false),
        Size: v.optional(v.number(), 0),
        CreatedAt: v.optional(v.string(), ""),
        LastUsedAt: v.nullish(v.string(), ""),
      }),
    ),
    [],
  ),
});

/** The engine reads the size of each file in volumes. While jobs use its disk, anything takes long. */
const limitMs = 300_000;

/** States of a container in which it does not run. */
const stopped = ["created", "exited", "dead"];

/**
 * Returns what the engine has. `measured`: also the sizes of volumes, for which the engine reads the size of each file in
 * them. Throws UnknownStateError if the engine does not answer.
 */
export async function readInventory(reader: HostReader, measured: boolean): Promise<Inventory> {
  const [images, containers, { Volumes: volumes }] = [
    await demand(reader, "images/json", imagesSchema),
    await demand(reader, "containers/json?all=1", containersSchema),
    await demand(reader, "volumes", volumesSchema),
  ];
  const usage = (type: string) => demand(reader, `system/df?type=${type}`, usageSchema);
  const { Volumes: used } = measured ? await usage("volume") : { Volumes: [] };
  const sizes = new Map(used.map(({ Name, UsageData }) => [Name, Math.max(0, UsageData?.Size ?? 0)]));
  const { BuildCache: cache } = await usage("build-cache");
  return {
    images: images.map(({ Id, RepoTags, RepoDigests, Size }) => ({
      id: Id,
      // Before version 25, an image without a tag had this one.
      tags: RepoTags.filter((tag) => tag !== "<none>:<none>"),
      digests: RepoDigests.filter((digest) => !digest.startsWith("<none>")),
      bytes: Size,
    })),
    containers: await Promise.all(
      containers.map(async ({ Id, Names, ImageID, State, Labels, Created, Mounts }) => {
        const isRunning = !stopped.includes(State);
        const isManaged = Labels?.[managedLabel] === "true";
        // Only one that may be removed needs the time of its end.
        const endedMs = isManaged && State === "exited" ? await endOf(reader, Id) : 0;
        return {
          id: Id,
          name: Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12),
          image: ImageID,
          ...{ isRunning, isManaged },
          job: Labels?.["com.gitlab.gitlab-runner.job.id"] ?? null,
          type: Labels?.["com.gitlab.gitlab-runner.type"] ?? null,
          usedMs: Math.max(Created * 1000, endedMs),
          volumes: Mounts.flatMap(({ Type, Name }) => (Type === "volume" && Name !== undefined ? [Name] : [])),
        };
      }),
    ),
    volumes: volumes.map(({ Name, Labels, CreatedAt }) => ({
      name: Name,
      createdMs: timeOf(CreatedAt),
      isManaged: Labels?.[managedLabel] === "true",
      bytes: sizes.get(Name) ?? 0,
    })),
    cache: cache.map(({ ID, InUse, Shared, Size, CreatedAt, LastUsedAt }) => ({
      id: ID,
      // What it shares with an image is counted there.
      bytes: Shared ? 0 : Size,
      usedMs: timeOf(LastUsedAt ?? "") || timeOf(CreatedAt),
      inUse: InUse,
    })),
  };
}

async function demand<T extends v.GenericSchema>(
  reader: HostReader,
  path: string,
  schema: T,
): Promise<v.InferOutput<T>> {
  const found = await ask(reader, path, schema, { limitMs });
  if (found === null) throw new UnknownStateError(`Docker does not know /${path}`);
  return found;
}

/** Returns when a container ended last; the far future if it was removed meanwhile. */
async function endOf(reader: HostReader, id: string): Promise<number> {
  const found = await ask(reader, `containers/${id}/json`, endedSchema);
  return found === null ? Number.MAX_SAFE_INTEGER : timeOf(found.State.FinishedAt);
}

/** Returns Unix milliseconds, or 0 for the time of something that did not happen. */
function timeOf(text: string): number {
  return Math.max(0, Date.parse(text) || 0);
}

/** A file system with data of the engine. */
export interface DataRoom extends Room {
  /** The directory of the data. */
  path: string;
}

/**
 * Returns the directories of the engine's data, the same one for both if they are on one file system, and the room of
 * each. Throws UnknownStateError if the engine does not answer, or if the room is unknown.
 */
export async function dataRooms(reader: HostReader): Promise<{ roots: DataRoots; rooms: DataRoom[] }> {
  const found = await dataRoots(reader);
  const isOne = mountPointOf(reader, found.images) === mountPointOf(reader, found.data);
  const roots = isOne ? { images: found.data, data: found.data } : found;
  return { roots, rooms: [...new Set([roots.data, roots.images])].map((path) => roomOf(reader, path)) };
}

/** Measures the room of a directory. Throws UnknownStateError if the directory does not exist. */
function roomOf(reader: HostReader, path: string): DataRoom {
  const space = reader.space(path);
  if (space === null) throw new UnknownStateError(`${path}, in which Docker should store its data, does not exist`);
  return { path, free: space.bytesFree, size: space.bytes ?? space.bytesFree };
}
