// The snapshots of edox-ops in a repository.

import * as v from "valibot";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { few } from "../text/lines.ts";
import { askRestic, failureOf } from "./restic.ts";
import type { Access } from "./settings.ts";

/** Snapshots of other programs in the same repository do not have it. */
export const tag = "edox-ops";

const snapshotSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  time: v.string(),
  hostname: v.string(),
});

export interface Snapshot {
  id: string;
  /** When it was made, in Unix milliseconds. */
  timeMs: number;
  host: string;
}

/** The length of a shown id. */
export const shortLength = 8;

/** Returns the snapshots of edox-ops, oldest first: those of this host, or of all hosts for null. */
export async function listSnapshots(reader: HostReader, access: Access, host: string | null): Promise<Snapshot[]> {
  const output = await askRestic(reader, access, ["snapshots", "--json", "--no-lock", "--tag", tag]);
  // 0.14 exits with 0 if the repository is missing.
  if (output.code !== 0 || output.stdout.trim() === "") throw await failureOf(reader, output, access);
  const found = v.parse(v.nullable(v.array(snapshotSchema)), parseJson(output.stdout)) ?? [];
  return found
    .map(({ id, time, hostname }) => ({ id, timeMs: Date.parse(time), host: hostname }))
    .filter((each) => host === null || each.host === host)
    .sort((a, b) => a.timeMs - b.timeMs);
}

/**
 * Returns the snapshot with this id or the beginning of one, or the newest one without an id. Throws a Problem if there
 * is none, or if the newest one could be of several hosts.
 */
export function chosenSnapshot(all: readonly Snapshot[], typed: string | undefined): Snapshot {
  const hint = ["sudo", "edox-ops", "backup", "list"];
  if (typed !== undefined && typed !== "latest") {
    const found = /^[0-9a-f]{4,64}$/.test(typed) ? all.filter(({ id }) => id.startsWith(typed)) : [];
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const why = found.length > 1 ? "is the beginning of several ids" : "does not exist in the repository";
    throw new Problem("not-found", `snapshot '${typed}' ${why}`, { hint });
  }
  const newest = all.at(-1);
  if (newest === undefined) {
    throw new Problem("not-found", "the repository has no snapshot of this host yet", {
      hint: ["sudo", "edox-ops", "backup", "run"],
    });
  }
  const hosts = [...new Set(all.map(({ host }) => host))];
  if (hosts.length === 1) return newest;
  throw new Problem("usage", `the repository has snapshots of several hosts (${few(hosts)}): select one`, {
    hint,
  });
}
