// One cleanup: what was used since the last one, whether there is enough space, and the removals.

import { dockerAnswers, isSocketLink } from "../../docker/engine.ts";
import { type Host, type HostReader, UnknownStateError } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../../problem/wait.ts";
import {
  type Candidate,
  candidatesOf,
  isJobPreparing,
  nextRemoval,
  plannedRemovals,
  type Removal,
  type Settings,
} from "./decide.ts";
import { type DataRoom, dataRooms, readInventory } from "./inventory.ts";
import type { Inventory, LastUse } from "./last-use.ts";
import { currentLastUse, record } from "./recorded.ts";
import { remove } from "./remove.ts";
import { readSettings } from "./settings.ts";

/** What a cleanup found. */
export interface Survey {
  settings: Settings;
  inventory: Inventory;
  lastUse: LastUse;
  /** What may be removed, the least recently used first. */
  candidates: Candidate[];
  rooms: DataRoom[];
  /** What is wrong with the record, or null. */
  fault: string | null;
}

export interface Cleanup {
  /** What the engine did not remove, and why. */
  kept: { removal: Removal; reason: string }[];
  rooms: DataRoom[];
}

/** An engine whose disk is full of work is slow, and needs the cleanup all the more. */
const answerMs = 60_000;
const showDocker = ["sudo", "systemctl", "status", "docker"];

/** Returns the settings. Throws a Problem if the cleanup is not enabled. */
function demandSettings(reader: HostReader): Settings {
  const settings = readSettings(reader);
  if (settings !== null) return settings;
  const hint = ["sudo", "edox-ops", "gitlab-runner", "cleanup", "enable", "--yes"];
  throw new Problem("precondition-failed", "the cleanup is not enabled, so it is unknown what jobs use", { hint });
}

/** Reads what the engine has and what jobs used. Throws a Problem if the cleanup is not enabled. */
export async function survey(reader: HostReader, measured: boolean): Promise<Survey> {
  const settings = demandSettings(reader);
  if (isSocketLink(reader) || !(await dockerAnswers(reader, answerMs))) {
    throw new Problem("unreachable", "no Docker answers on this host", { hint: showDocker });
  }
  return surveyed(reader, settings, measured);
}

async function surveyed(reader: HostReader, settings: Settings, measured: boolean): Promise<Survey> {
  try {
    const { roots, rooms } = await dataRooms(reader);
    const inventory = await readInventory(reader, measured);
    const { lastUse, fault } = await currentLastUse(reader, inventory);
    const candidates = candidatesOf(inventory, lastUse, roots, reader.now());
    return { settings, inventory, lastUse, candidates, rooms, fault };
  } catch (error) {
    // Root may ask everything, so it is the engine that does not answer as it should.
    if (!(error instanceof UnknownStateError) || reader.uid !== 0) throw error;
    throw new Problem("unexpected-response", error.message, { hint: showDocker });
  }
}

/** Returns what a cleanup would remove now. */
export function planned({ settings, inventory, candidates, rooms }: Survey, nowMs: number): Removal[] {
  const isPreparing = isJobPreparing(inventory);
  return plannedRemovals({ settings, candidates, isPreparing, nowMs, roomOf: roomIn(rooms) });
}

/**
 * Removes until enough space is free. One removal can take minutes, in which jobs start: everything is read again after
 * each. The record is written last: a full disk must not keep the cleanup from making room. `onRemoved`: is called after
 * each removal, because a later one may fail.
 */
export async function clean(
  host: Host,
  first: Survey,
  stop: Stop,
  onRemoved: (removal: Removal) => void,
): Promise<Cleanup> {
  const { settings } = first;
  const kept: Cleanup["kept"] = [];
  const tried = new Set<string>();
  const keyOf = ({ kind, id }: Candidate): string => `${kind} ${id}`;
  for (let found = first; ; found = await surveyed(host, settings, false)) {
    throwIfInterrupted(stop);
    const { inventory, lastUse, rooms } = found;
    const next = nextRemoval({
      ...{ settings, roomOf: roomIn(rooms), isPreparing: isJobPreparing(inventory), nowMs: host.now() },
      candidates: found.candidates.filter((each) => !tried.has(keyOf(each))),
    });
    if (next === null) {
      await record(host, lastUse);
      return { kept, rooms };
    }
    tried.add(keyOf(next.candidate));
    const reason = await remove(host, next.candidate);
    if (reason === null) onRemoved(next);
    else kept.push({ removal: next, reason });
  }
}

function roomIn(rooms: readonly DataRoom[]): (root: string) => DataRoom {
  return (root) => rooms.find(({ path }) => path === root) ?? { path: root, free: Number.POSITIVE_INFINITY, size: 0 };
}
