// The record of the last use on the disk, and the events that were not read yet.

import * as v from "valibot";
import { dockerSocket } from "../../docker/paths.ts";
import { root } from "../../engine/change.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { jsonRecord } from "../../problem/json-record.ts";
import { Problem } from "../../problem/problem.ts";
import { cleanupPath, dockerEventsPath, lastUsePath } from "../paths.ts";
import { type DockerEvent, eventFilters, eventsOf } from "./docker-events.ts";
import { type Inventory, type LastUse, learn } from "./last-use.ts";

const time = v.pipe(v.number(), v.minValue(0));
const lastUseSchema = v.strictObject({
  untilMs: time,
  images: v.record(v.string(), v.strictObject({ origin: v.picklist(["job", "runner", "foreign"]), usedMs: time })),
  volumes: v.record(v.string(), time),
  pulls: v.array(v.strictObject({ reference: v.string(), atMs: time })),
});

/**
 * Returns the recorded last use. Without a record nothing is known of the time before the cleanup was enabled: each image
 * of that time is foreign. An invalid record is replaced by that, so that a damaged file does not end the cleanup for
 * ever.
 */
export function readLastUse(reader: HostReader): { lastUse: LastUse; fault: string | null } {
  const enabledMs = reader.stat(cleanupPath)?.changedMs ?? reader.now();
  const nothing: LastUse = { untilMs: enabledMs, images: {}, volumes: {}, pulls: [] };
  try {
    return { lastUse: jsonRecord(reader, lastUsePath, lastUseSchema) ?? nothing, fault: null };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "invalid-config") throw error;
    return { lastUse: nothing, fault: `${error.message}; images that are here now stay` };
  }
}

/** Writes the record, readable by root alone. */
export function writeLastUse(host: Host, lastUse: LastUse): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(lastUse)}\n`);
  host.writeFile(lastUsePath, bytes, { mode: 0o600, ...root });
}

/**
 * Returns what is known now: the record, the events that the service wrote since, and those that Docker still has in its
 * memory. The latter close the gap while the service was not running.
 */
export async function currentLastUse(
  reader: HostReader,
  inventory: Inventory,
): Promise<{ lastUse: LastUse; fault: string | null }> {
  const { lastUse, fault } = readLastUse(reader);
  const written = eventsOf(textOf(reader, dockerEventsPath) ?? "");
  const sinceMs = Math.min(lastUse.untilMs, written[0]?.atMs ?? Number.POSITIVE_INFINITY, reader.now());
  const events = [...written, ...(await rememberedEvents(reader, sinceMs))].sort((a, b) => a.atMs - b.atMs);
  return { lastUse: learn(lastUse, events, inventory, reader.now()), fault };
}

async function rememberedEvents(reader: HostReader, sinceMs: number): Promise<DockerEvent[]> {
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const query = new URLSearchParams({
    since: seconds(Math.max(0, sinceMs - 1)),
    until: seconds(reader.now()),
    filters: JSON.stringify(eventFilters),
  });
  const { status, body } = await reader.get(`http://docker/events?${query}`, { socketPath: dockerSocket });
  return status === 200 ? eventsOf(new TextDecoder().decode(body)) : [];
}

/**
 * Records the last use, and then empties the file of the events. A kill in between only has the events read twice. The
 * service keeps the file open, so it is not replaced.
 */
export async function record(host: Host, lastUse: LastUse): Promise<void> {
  writeLastUse(host, lastUse);
  if (host.stat(dockerEventsPath) !== null) await host.run(["truncate", "--size=0", dockerEventsPath]);
}
