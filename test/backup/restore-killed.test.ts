// A restore that is killed at any moment, or whose power is cut: the next one completes it.

import { expect, test } from "bun:test";
import { restoredDir } from "../../src/backup/paths.ts";
import { BackupHost } from "./backup-host.ts";
import { backedUp, program, withEverything, www } from "./restorable.ts";

/** Returns names, modes and digests of what was restored. */
function state({ disk }: BackupHost): string {
  const look =
    "find etc var/www -printf '%p %y %m %l\\n' | sort; find etc var/www -type f -print0 | sort -z | xargs -0 sha256sum";
  return Bun.spawnSync(["sh", "-c", look], { cwd: disk.root }).stdout.toString();
}

const enable = "project enable demo --json";
const lost = ["/etc/edox-ops/projects.json", "/etc/letsencrypt", "/etc/nginx", "/etc/gitlab-runner", `${www}/demo`];

test("backup restore: killed at each of its changes, the next one completes it", async () => {
  using made = new BackupHost();
  withEverything(made);
  const { disk, host, trees } = made;
  const { ran, restoreAll } = await backedUp(made);
  const { move } = trees;
  const { writeFile, run } = host;
  /** Loses everything, and restores it until this change. Returns the number of changes. */
  async function restoreUntil(killedAt: number): Promise<number> {
    for (const path of [...lost, `${www}/.edox-ops-versions`, `${www}/.edox-ops-previews`]) disk.remove(path);
    ran.splice(0);
    let changes = 0;
    function change<T>(act: () => T): T {
      changes += 1;
      if (changes >= killedAt) throw new Error("killed");
      return act();
    }
    Object.assign(trees, { move: (from: string, to: string) => change(() => move(from, to)) });
    Object.assign(host, {
      writeFile: (...words: Parameters<typeof writeFile>) => change(() => writeFile(...words)),
      run: (...words: Parameters<typeof run>) =>
        words[0][0] === program ? change(() => run(...words)) : run(...words),
    });
    await restoreAll().catch(() => {});
    Object.assign(trees, { move });
    Object.assign(host, { writeFile, run });
    return changes;
  }
  const changes = await restoreUntil(Number.POSITIVE_INFINITY);
  const whole = state(made);
  expect(changes).toBeGreaterThan(10);
  for (let killedAt = 1; killedAt <= changes; killedAt += 1) {
    await restoreUntil(killedAt);
    expect((await restoreAll()).restored.failed).toEqual([]);
    expect([killedAt, state(made), ran]).toEqual([killedAt, whole, expect.arrayContaining([enable])]);
  }
}, 30_000);

test("backup restore: the fetched files are on the disk before they are put to their places", async () => {
  using made = new BackupHost();
  withEverything(made);
  const { disk, trees } = made;
  const { restoreAll } = await backedUp(made);
  for (const path of [`${www}/demo`, "/etc/letsencrypt"]) disk.remove(path);
  const done: string[] = [];
  const { move, sync } = trees;
  Object.assign(trees, {
    move(from: string, to: string) {
      done.push("move");
      move(from, to);
    },
    sync(path: string) {
      done.push(path);
      sync(path);
    },
  });
  await restoreAll();
  expect(done.slice(0, 2)).toEqual([restoredDir, "move"]);
});
