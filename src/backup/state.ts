// What the last runs did, for doctor. It is a cache: without it, the next run writes a new one.

import * as v from "valibot";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { backupDir, statePath } from "./paths.ts";
import { isSameRepository } from "./repository.ts";

/** In Unix milliseconds, within the range of Date. */
const time = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));

const stateSchema = v.object({
  /** The repository that the rest is about. */
  repository: v.string(),
  /** Times; null for never. */
  backedUpMs: v.nullable(time),
  verifiedMs: v.nullable(time),
  prunedMs: v.nullable(time),
  /** Why the last run failed; null after a success. */
  failure: v.nullable(v.string()),
  /** What to type about that failure; empty if there is no hint. */
  hint: v.optional(v.array(v.string()), []),
  /** What the last upkeep did not do, and why, with what to type; null after a success. */
  upkeep: v.optional(v.nullable(v.object({ failure: v.string(), hint: v.array(v.string()) })), null),
  /** Why the last verification failed. */
  damage: v.nullable(v.string()),
  /** The part of the data that is verified next. */
  part: v.number(),
});

export type State = v.InferOutput<typeof stateSchema>;

/** Returns what is known about this repository. */
export function readState(reader: HostReader, repository: string): State {
  const never = { backedUpMs: null, verifiedMs: null, prunedMs: null };
  const none = { repository, ...never, failure: null, hint: [], upkeep: null, damage: null, part: 1 };
  try {
    const found = v.safeParse(stateSchema, parseJson(textOf(reader, statePath) ?? "null"));
    return found.success && isSameRepository(found.output.repository, repository) ? found.output : none;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return none;
    throw error;
  }
}

/** Writes the state with these changes. */
export function writeState(host: Host, repository: string, changes: Partial<State>): void {
  makeBackupDir(host);
  const text = JSON.stringify({ ...readState(host, repository), ...changes });
  host.writeFile(statePath, new TextEncoder().encode(`${text}\n`), { mode: 0o600, uid: host.uid, gid: host.uid });
}

/** Returns what is recorded of a failure. */
export function failureIn({ message, hint = [] }: Problem): { failure: string; hint: string[] } {
  return { failure: message, hint: [...hint] };
}

/** Records a failure. A disk that is full keeps the earlier state, which soon is too old: the failure itself is reported. */
export function recordFailure(host: Host, repository: string, changes: Partial<State>): void {
  try {
    writeState(host, repository, changes);
  } catch {
    // See above.
  }
}

/** Creates the directory of the state, for root alone. */
export function makeBackupDir(host: Host): void {
  const owner = { uid: host.uid, gid: host.uid };
  for (const dir of ["/var/lib/edox-ops", backupDir]) {
    if (host.stat(dir) === null) host.makeDirectory(dir, { mode: dir === backupDir ? 0o700 : 0o755, ...owner });
  }
}
