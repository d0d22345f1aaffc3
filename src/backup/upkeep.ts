// What keeps a repository small and known to be readable: the retention, and the verification of its data.

import * as v from "valibot";
import type { Host } from "../host/host.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { parseJson } from "../text/json.ts";
import { runRestic } from "./restic.ts";
import type { Access, Keep, Settings } from "./settings.ts";
import { tag } from "./snapshots.ts";
import { failureIn, readState, recordFailure, writeState } from "./state.ts";

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

/**
 * Applies the retention. Once a week, it also frees the space of removed snapshots, and verifies a part of the data. A
 * failure is recorded for doctor, until all of it works again.
 */
export async function keepUp(host: Host, settings: Settings, access: Access, stop: Stop): Promise<Upkeep> {
  const { keep, repository } = settings;
  if (keep === null) return { forgotten: 0, pruned: false, verified: false };
  const { prunedMs, verifiedMs, upkeep } = readState(host, repository);
  const [pruned, verified] = [isDue(host, prunedMs), isDue(host, verifiedMs)];
  let undone = "old snapshots were not removed";
  try {
    const forgotten = await forget(host, settings, keep, access, stop);
    undone = "the space of removed snapshots was not freed";
    if (pruned) {
      await runRestic(host, access, ["prune"]);
      throwIfInterrupted(stop);
      writeState(host, repository, { prunedMs: host.now() });
    }
    undone = "the data was not verified";
    if (verified) await verify(host, settings, access, { all: false, stop });
    undone = "the success of the upkeep was not recorded";
    if (upkeep !== null) writeState(host, repository, { upkeep: null });
    return { forgotten, pruned, verified };
  } catch (error) {
    throwIfInterrupted(stop);
    const problem = error instanceof Problem ? error : withDiskFault(host, Problem.of(error));
    // A damage that the verification has found has a check of its own.
    const isDamage = readState(host, repository).damage === problem.message;
    const failed = isDamage ? problem : problem.with({ message: `${undone}: ${problem.message}` });
    recordFailure(host, repository, { upkeep: isDamage ? null : failureIn(failed) });
    throw failed;
  }
}

/** Removes the snapshots beyond the retention, and returns their number. */
async function forget(host: Host, { host: name }: Settings, keep: Keep, access: Access, stop: Stop): Promise<number> {
  const counts = Object.entries(keep).flatMap(([unit, count]) => (count > 0 ? [`--keep-${unit}`, String(count)] : []));
  // A backup after a mistake must not delete the one of this morning, which does not have it yet.
  counts.push("--keep-within", "1d");
  const words = ["--json", "--tag", tag, "--host", name, "--group-by", "host,tags"];
  const output = await runRestic(host, access, ["forget", ...words, ...counts]);
  throwIfInterrupted(stop);
  const groups = v.safeParse(forgottenSchema, parseJson(output.trim() || "null"));
  return groups.success ? (groups.output ?? []).flatMap(({ remove }) => remove ?? []).length : 0;
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
