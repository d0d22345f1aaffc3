// What keeps a repository small and known to be readable: the retention, and the verification of its data.

import * as v from "valibot";
import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { parseJson } from "../text/json.ts";
import { runRestic } from "./restic.ts";
import type { Access, Settings } from "./settings.ts";
import { tag } from "./snapshots.ts";
import { readState, writeState } from "./state.ts";

const week = 7 * 24 * 60 * 60_000;
/** A verification reads one of so many parts of the data, so that all of it is read in two months. */
export const verifiedParts = 8;

const forgottenSchema = v.nullable(v.array(v.object({ remove: v.nullable(v.array(v.unknown())) })));

/** What the upkeep did. */
export interface Upkeep {
  /** The number of snapshots that the retention removed. */
  forgotten: number;
  pruned: boolean;
  verified: boolean;
}

/** Applies the retention. Once a week, it also frees the space of removed snapshots, and verifies a part of the data. */
export async function keepUp(host: Host, settings: Settings, access: Access, stop: Stop): Promise<Upkeep> {
  const { keep, host: name, repository } = settings;
  if (keep === null) return { forgotten: 0, pruned: false, verified: false };
  const { prunedMs, verifiedMs } = readState(host, repository);
  const counts = Object.entries(keep).flatMap(([unit, count]) => (count > 0 ? [`--keep-${unit}`, String(count)] : []));
  // A backup after a mistake must not delete the one of this morning, which does not have it yet.
  counts.push("--keep-within", "1d");
  const words = ["--json", "--tag", tag, "--host", name, "--group-by", "host,tags"];
  const output = await runRestic(host, access, ["forget", ...words, ...counts]);
  throwIfInterrupted(stop);
  const groups = v.safeParse(forgottenSchema, parseJson(output.trim() || "null"));
  const forgotten = groups.success ? (groups.output ?? []).flatMap(({ remove }) => remove ?? []).length : 0;
  const pruned = isDue(host, prunedMs);
  if (pruned) {
    await runRestic(host, access, ["prune"]);
    throwIfInterrupted(stop);
    writeState(host, repository, { prunedMs: host.now() });
  }
  const verified = isDue(host, verifiedMs);
  if (verified) await verify(host, settings, access, { all: false, stop });
  return { forgotten, pruned, verified };
}

/** A time in the future is that of a clock that was wrong. */
function isDue(host: Host, lastMs: number | null): boolean {
  return lastMs === null || Math.abs(host.now() - lastMs) >= week;
}

/**
 * Verifies the structure of the repository, and the data: all of it, or the next part. Throws a Problem for a damage,
 * which is recorded for doctor.
 */
export async function verify(
  host: Host,
  { repository }: Settings,
  access: Access,
  { all, stop }: { all: boolean; stop: Stop },
): Promise<void> {
  const { part } = readState(host, repository);
  const data = all ? "--read-data" : `--read-data-subset=${part}/${verifiedParts}`;
  try {
    await runRestic(host, access, ["check", data]);
    throwIfInterrupted(stop);
  } catch (error) {
    throwIfInterrupted(stop);
    const problem = Problem.of(error);
    // An unreachable repository is not a damaged one.
    if (problem.code === "io-error") writeState(host, repository, { damage: problem.message });
    throw error;
  }
  const next = all ? part : (part % verifiedParts) + 1;
  writeState(host, repository, { verifiedMs: host.now(), damage: null, part: next });
}
