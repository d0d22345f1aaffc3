// Counts the deploys of each key in the last hour. A reboot resets the count.

import * as v from "valibot";
import { root } from "../engine/change.ts";
import type { Host } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { deployTimesLockPath, deployTimesPath } from "./paths.ts";

const hourMs = 3_600_000;
/** The lock is held for a read and a write. */
const [waitMs, pollMs] = [10_000, 20];

const timesSchema = v.record(v.string(), v.array(v.number()));

/** Counts a deploy of this key, and returns true, unless it had `rate` of them in the last hour. */
export async function takeTurn(host: Host, id: string, rate: number): Promise<boolean> {
  const lock = await locked(host);
  try {
    const now = host.now();
    // A time after now is from before the clock was set back.
    const recent = (times: readonly number[]): number[] => times.filter((time) => time > now - hourMs && time <= now);
    const all = Object.entries(readTimes(host)).map(([key, times]): [string, number[]] => [key, recent(times)]);
    const times = Object.fromEntries(all.filter(([, left]) => left.length > 0));
    const own = times[id] ?? [];
    if (own.length >= rate) return false;
    const next = JSON.stringify({ ...times, [id]: [...own, now] });
    host.writeFile(deployTimesPath, new TextEncoder().encode(next), { mode: 0o600, ...root });
    return true;
  } finally {
    lock.release();
  }
}

async function locked(host: Host): Promise<{ release(): void }> {
  for (const end = host.now() + waitMs; ; await host.sleep(pollMs)) {
    const lock = host.lock(deployTimesLockPath);
    if ("release" in lock) return lock;
    if (host.now() >= end) throw new Problem("locked", "another session counts its deploy for too long");
  }
}

/** Only root can write the file, so that an invalid one is none of ours. */
function readTimes(host: Host): Record<string, number[]> {
  try {
    const found = v.safeParse(timesSchema, parseJson(textOf(host, deployTimesPath) ?? "{}"));
    return found.success ? found.output : {};
  } catch {
    return {};
  }
}
