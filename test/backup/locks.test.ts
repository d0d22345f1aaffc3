// Locks of a killed restic: no process of another program gets the signal by which restic asks about them.

import { expect, test } from "bun:test";
import { unlockWords } from "../../src/backup/locks.ts";
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

test("backup run: a lock stays if a thread of the restic that unlocks has its number, and the next one removes it", async () => {
  using made = new BackupHost();
  const { restic, host, access } = made;
  const locked = restic.fatal(11, "unable to create lock in backend: repository is already locked by PID 77 on alpha");
  const done = { code: 0, stdout: "", stderr: "" };
  const said = { forget: [locked, locked, done], unlock: [done, done] };
  // Each call takes an answer, so that the next one is asked too.
  const answer = ([word]: readonly string[]) => said[word as keyof typeof said]?.shift();
  restic.failing = Array.from({ length: 5 }, () => answer);
  expect(await runRestic(host, access, ["forget"])).toBe("");
  expect(said).toEqual({ forget: [], unlock: [] });
});

/** Returns what would remove a lock of nginx's number, if restic lists these locks in turn. */
async function wordsFor(...lists: [code: number, ids: string[]][]): Promise<string[] | null> {
  using made = new BackupHost();
  const { disk, host } = made;
  disk.write("/proc/77/comm", "nginx\n");
  const lock = JSON.stringify({ time: new Date(host.now()).toISOString(), hostname: "alpha", pid: 77 });
  return await unlockWords(host, async ([word]) => {
    const [code, ids] = (word === "list" ? lists.shift() : undefined) ?? [0, []];
    return { code, stdout: word === "cat" ? lock : ids.map((id) => `${id}\n`).join(""), stderr: "" };
  });
}

const [first, second] = ["1".repeat(64), "2".repeat(64)];

test("backup run: a lock that another host takes meanwhile is not removed", async () => {
  expect(await wordsFor([0, [first]], [0, [first]])).toEqual(["unlock", "--remove-all"]);
  expect(await wordsFor([0, [first]], [0, [first, second]])).toBeNull();
});

test("backup run: no lock is removed if restic could not list them", async () => {
  expect(await wordsFor([124, []])).toBeNull();
  expect(await wordsFor([0, [first]], [124, []])).toBeNull();
});

test("backup run: of many locks of killed runs, only a few are read at the same time", async () => {
  using made = new BackupHost();
  const ids = Array.from({ length: 50 }, (_, i) => i.toString(16).padStart(64, "0"));
  let now = 0;
  let most = 0;
  const words = await unlockWords(made.host, async ([word]) => {
    if (word === "list") return { code: 0, stdout: ids.join("\n"), stderr: "" };
    most = Math.max(most, ++now);
    await Bun.sleep(1);
    now -= 1;
    return { code: 0, stdout: JSON.stringify({ time: "2026-01-01T00:00:00Z", hostname: "alpha", pid: 9 }), stderr: "" };
  });
  expect(words).toEqual(["unlock"]);
  expect(most).toBeLessThanOrEqual(4);
});
