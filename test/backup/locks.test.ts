// Locks of a killed restic: no process of another program gets the signal by which restic asks about them.

import { expect, test } from "bun:test";
import { runRestic } from "../../src/backup/restic.ts";
import { BackupHost } from "./backup-host.ts";

type Lock = { pid: number; hostname?: string; minutes?: number };

/** Returns what removes these locks; "" for nothing. */
async function unlockedBy(locks: readonly Lock[]): Promise<string> {
  using made = new BackupHost();
  const { disk, restic, host, access } = made;
  disk.write("/proc/sys/kernel/hostname", "alpha\n");
  disk.write("/proc/77/comm", "nginx\n");
  disk.write("/proc/78/comm", "restic\n");
  for (const [i, { pid, hostname = "alpha", minutes = 1 }] of locks.entries()) {
    const time = new Date(host.now() - minutes * 60_000).toISOString();
    restic.locks.set(String(i).repeat(64), { time, hostname, pid });
  }
  const locked = restic.fatal(11, "unable to create lock in backend: repository is already locked by PID 77 on alpha");
  restic.failing = [() => locked];
  await runRestic(host, access, ["forget"]).catch((error) => expect(error).toMatchObject({ code: "in-use" }));
  return restic.lines.find((line) => line.startsWith("unlock")) ?? "";
}

test.each<[what: string, locks: Lock[], removed: string]>([
  ["the process is gone", [{ pid: 76 }], "unlock"],
  ["another program has its number", [{ pid: 77 }, { pid: 76 }], "unlock --remove-all"],
  ["another program has its number for half an hour", [{ pid: 77, minutes: 31 }], "unlock"],
  ["restic still runs", [{ pid: 78 }], "unlock"],
  ["another program has its number, and another host a lock", [{ pid: 77 }, { pid: 5, hostname: "beta" }], ""],
  ["another program has its number, and restic runs", [{ pid: 77 }, { pid: 78 }], ""],
  ["another host has a program of this number", [{ pid: 77, hostname: "beta" }], "unlock"],
])("backup run: a lock of which %s", async (_, locks, removed) => {
  expect(await unlockedBy(locks)).toBe(removed);
});
