// Locks in the repository of a restic that was killed. restic asks whether its process still exists by a SIGHUP, which
// another process with that number gets after a boot: most programs end by it.

import * as v from "valibot";
import type { HostReader, Output } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { parseJson } from "../text/json.ts";

const lockSchema = v.object({
  time: v.string(),
  hostname: v.string(),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

/** restic refreshes its locks. From this age on, it takes one for a dead one without a signal, in milliseconds. */
const staleMs = 30 * 60_000;

/** Number of locks that are read at the same time, each by a restic of tens of megabytes. Every killed run leaves one. */
const atOnce = 4;

/** Asks restic about the repository. */
type Ask = (words: readonly string[]) => Promise<Output>;

/**
 * Returns the command of restic that removes the locks of dead processes, or null if it would reach a process of another
 * program, or a lock of another host. That one can be run when the lock is half an hour old.
 */
export async function unlockWords(reader: HostReader, ask: Ask): Promise<string[] | null> {
  const ids = await lockIds(ask);
  if (ids === null) return null;
  const locks: Awaited<ReturnType<typeof stateOf>>[] = [];
  for (let i = 0; i < ids.length; i += atOnce) {
    locks.push(...(await Promise.all(ids.slice(i, i + atOnce).map((id) => stateOf(reader, ask, id)))));
  }
  if (!locks.includes("reused")) return ["unlock"];
  if (locks.includes("other")) return null;
  // Another host may have locked the repository meanwhile, whose data a prune could remove without that lock.
  const present = await lockIds(ask);
  return present?.every((id) => ids.includes(id)) ? ["unlock", "--remove-all"] : null;
}

/** Returns the ids of all locks, or null if restic could not list them. */
async function lockIds(ask: Ask): Promise<string[] | null> {
  const { code, stdout } = await ask(["list", "locks", "--no-lock"]);
  return code === 0 ? (stdout.match(/^[0-9a-f]{64}$/gm) ?? []) : null;
}

/** `reused`: its process is dead, and another program has the number. `other`: somebody may use it. */
async function stateOf(reader: HostReader, ask: Ask, id: string): Promise<"dead" | "reused" | "other"> {
  const { stdout } = await ask(["cat", "lock", id, "--no-lock"]);
  const { success, output } = v.safeParse(lockSchema, stdout.startsWith("{") ? parseJson(stdout) : null);
  if (!success || output.hostname !== textOf(reader, "/proc/sys/kernel/hostname")?.trim()) return "other";
  const name = textOf(reader, `/proc/${output.pid}/comm`)?.trim();
  if (name === undefined || reader.now() - Date.parse(output.time) > staleMs) return "dead";
  return name === "restic" ? "other" : "reused";
}
