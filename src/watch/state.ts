// What alerts remember between two looks: failing checks, and messages that were not delivered yet.

import * as v from "valibot";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { watchSpareStatePath, watchStatePath } from "./paths.ts";

const levelSchema = v.picklist(["warning", "error"]);
const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const trackedSchema = v.object({
  /** When the check failed first, in ISO 8601. */
  since: v.string(),
  /** The level that was reported, or null for a failure that only one look found. */
  reported: v.nullable(levelSchema),
  /** Looks in a row that found what was not reported yet: the failure, its end, or a higher level. */
  looks: countSchema,
  /** What these looks found. */
  found: v.picklist(["failing", "recovered", "worse", "same"]),
  detail: v.string(),
});

const eventSchema = v.object({
  /** Unique on this host. */
  id: countSchema,
  kind: v.picklist(["failing", "worse", "recovered"]),
  check: v.string(),
  status: v.picklist(["ok", "warning", "error"]),
  detail: v.string(),
  affects: v.optional(v.string()),
  hint: v.optional(v.array(v.string())),
  /** The checks that fail because of this one. */
  also: v.array(v.string()),
  /** When the check failed first, and when this was found, in ISO 8601. */
  since: v.string(),
  at: v.string(),
});

const queueSchema = v.object({
  events: v.array(eventSchema),
  /** Failed attempts in a row, and why the last of them failed. */
  attempts: countSchema,
  reason: v.nullable(v.string()),
  /** When the first of them failed, in ISO 8601. */
  failing_since: v.nullable(v.string()),
  /** Looks to wait before the next attempt. */
  skip: countSchema,
  /** The oldest events that were dropped because there were too many. */
  dropped: countSchema,
  /** When something was delivered last, in ISO 8601. */
  delivered: v.nullable(v.string()),
});

const stateSchema = v.object({
  version: v.literal(1),
  looks: countSchema,
  /** In ISO 8601. */
  last_look: v.nullable(v.string()),
  next_event: countSchema,
  checks: v.record(v.string(), trackedSchema),
  queues: v.record(v.string(), queueSchema),
  heartbeat: v.nullable(v.object({ at: v.string(), reason: v.nullable(v.string()) })),
});

export type Level = v.InferOutput<typeof levelSchema>;
export type Tracked = v.InferOutput<typeof trackedSchema>;
export type AlertEvent = v.InferOutput<typeof eventSchema>;
export type Queue = v.InferOutput<typeof queueSchema>;
export type WatchState = v.InferOutput<typeof stateSchema>;

const emptyState: WatchState = {
  ...{ version: 1, looks: 0, last_look: null, next_event: 1 },
  ...{ checks: {}, queues: {}, heartbeat: null },
};

/**
 * Returns the newest state, and a sentence if a file was invalid: alerts then begin anew, because a host that reports
 * failures twice is better than one that reports none. Throws UnknownStateError for a user who may not read it.
 */
export function readState(reader: HostReader): { state: WatchState; fault: string | null } {
  const read = (path: string): WatchState | "invalid" | null => {
    const text = textOf(reader, path);
    if (text === null) return null;
    const found = v.safeParse(stateSchema, jsonIn(text));
    return found.success ? found.output : "invalid";
  };
  const found = [watchStatePath, watchSpareStatePath].map(read);
  const [state = emptyState] = found
    .filter((each) => each !== null && each !== "invalid")
    .sort((one, other) => other.looks - one.looks);
  const isLost = state === emptyState && found.includes("invalid");
  return { state, fault: isLost ? `${watchStatePath} is invalid, so that failing checks are reported again` : null };
}

/**
 * Writes the state. A power cut leaves the old or the new one. On a full or read-only disk, which is when alerts matter,
 * it is kept in memory until a later call or a reboot, and the returned sentence is the reason.
 */
export function writeState(host: Host, state: WatchState): string | null {
  const bytes = new TextEncoder().encode(`${JSON.stringify(state)}\n`);
  const attributes = { mode: 0o600, uid: host.uid, gid: host.uid };
  try {
    host.writeFile(watchStatePath, bytes, attributes);
  } catch (error) {
    // The lock of this run is in the same directory.
    host.writeFile(watchSpareStatePath, bytes, attributes);
    return `${watchStatePath} cannot be written: ${Problem.of(error).message}`;
  }
  if (host.stat(watchSpareStatePath) !== null) host.remove(watchSpareStatePath);
  return null;
}

function jsonIn(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}
