// The snapshot of another host. A bare host has no repository whose snapshots it could list, so that errors name them.

import { Problem } from "../problem/problem.ts";
import { few } from "../text/lines.ts";
import { withFlag } from "../text/with-flag.ts";
import { type Snapshot, shortLength } from "./snapshots.ts";

interface Typed {
  /** The name of the old host. */
  from?: string | undefined;
  /** The id of the snapshot or its beginning. */
  snapshot?: string | undefined;
}

/**
 * Returns the typed snapshot, or the newest one. Throws a Problem if there is none, or if it could be of several hosts.
 * `words`: the typed command line, which the hint repeats with a valid choice.
 */
export function movedSnapshot(
  all: readonly Snapshot[],
  { from, snapshot: id }: Typed,
  words: readonly string[],
): Snapshot {
  const again = (flag: string, value: string): string[] => ["sudo", "edox-ops", ...withFlag(words, flag, value)];
  const last = all.at(-1);
  if (last === undefined) {
    // It is typed on the old host.
    const hint = ["sudo", "edox-ops", "backup", "run"];
    throw new Problem("not-found", "the repository has no snapshot of edox-ops: back up the old host first", { hint });
  }
  const hosts = [...new Set(all.map(({ host }) => host))];
  const own = from === undefined ? all : all.filter(({ host }) => host === from);
  const newest = own.at(-1);
  if (newest === undefined) {
    const message = `the repository has no snapshot of host '${from}', but of ${few(hosts)}`;
    throw new Problem("not-found", message, { hint: again("--from", last.host) });
  }
  if (id !== undefined && id !== "latest") {
    const found = /^[0-9a-f]{4,64}$/.test(id) ? own.filter((each) => each.id.startsWith(id)) : [];
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const why = found.length > 1 ? "is the beginning of several ids" : "does not exist in the repository";
    const hint = again("--snapshot", newest.id.slice(0, shortLength));
    throw new Problem("not-found", `snapshot '${id}' ${why}`, { hint });
  }
  if (from !== undefined || hosts.length === 1) return newest;
  const message = `the repository has snapshots of several hosts (${few(hosts)}): select one with --from`;
  throw new Problem("missing-value", message, { hint: again("--from", newest.host) });
}

/**
 * Returns the error of a repository that cannot be opened, with a hint for the new host: `backup init` would record
 * another password there, or create an empty repository. Any other error is returned as it is.
 */
export function unopened(error: unknown, location: string): unknown {
  if (!(error instanceof Problem) || !error.hint?.includes("init")) return error;
  const repo = error.code === "not-found" ? "REPOSITORY" : location;
  const hint = ["sudo", "edox-ops", "restore-host", "--repo", repo, "--password-file", "FILE"];
  return error.with({ hint });
}
