// 30 days of jobs on a runner with a disk of 20 GB, at a tenth of all sizes, with a real engine. And what else such a runner
// meets: jobs during a cleanup.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { CiHost } from "../integration/ci-host.ts";
import { figure } from "../integration/rounds.ts";
import { cacheOf, type Ran, RunnerJobs, well } from "../integration/runner-jobs.ts";
import { disk, jobsOf, type PlannedJob, workload } from "../runner/cleanup/workload.ts";

/** A cleanup of the timer may run at that moment. */
const cleanup = "edox-ops gitlab-runner cleanup run --quiet || [ $? = 75 ]";

let ci: CiHost;
let jobs: RunnerJobs;
beforeAll(async () => {
  ci = await CiHost.up("trixie", { plainSize: `${disk.roomMiB}M` });
  expect(ci.prepare()).toMatchObject({ code: 0 });
  jobs = await RunnerJobs.on(ci.host);
}, 600_000);
afterAll(() => {
  jobs?.[Symbol.dispose]();
  ci?.[Symbol.dispose]();
});

test("cleanup: in 30 days no job fails for space, 90 % of the cache hits remain, and nothing foreign is removed", async () => {
  const { host } = ci;
  const foreign = jobs.registry.push("foreign", "1", 20e6);
  const used = jobs.registry.push("used-by-others", "1", 20e6);
  await jobs.script(`docker pull -q ${foreign}; docker volume create mine; docker pull -q ${used}
    docker create --name other --volume other-data:/data ${used} true`);
  // The default of --keep is that of the workload.
  well(host, "edox-ops gitlab-runner cleanup enable --yes");
  const kept = jobs.present();
  const byHand = jobs.registry.push("by-hand", "1", 20e6);

  const references = new Map<string, string>();
  const referenceOf = ({ project, version, bytes }: PlannedJob): string => {
    const name = `project-${project}:v${version}`;
    const known = references.get(name) ?? jobs.registry.push(`project-${project}`, `v${version}`, bytes);
    references.set(name, known);
    return known;
  };
  const all: Ran[] = [];
  const seen = new Set<string>();
  let [hits, most] = [0, 0];
  for (let day = 0; day < workload.days; day++) {
    const today = jobsOf(day).map((job) => ({ ...job, image: referenceOf(job) }));
    if (day === 3) await jobs.script(`docker pull -q ${byHand}; sleep 1`);
    const ran = await jobs.run(today, cleanup);
    all.push(...ran);
    for (const { image, project, hasImage, hasCache } of ran) {
      for (const [name, has] of [
        [image, hasImage],
        [cacheOf(project), hasCache],
      ] as const) {
        if (seen.has(name)) most += 1;
        if (has) hits += 1;
        seen.add(name);
      }
    }
    // Events of in between are read from the engine, and what was recorded outlives the engine.
    if (day === 7) well(host, "systemctl kill --signal=KILL edox-ops-cleanup-events");
    if (day === 22) well(host, "systemctl restart docker");
    // What the cleanup knows outlives a boot.
    if (day === 15) {
      await host.reboot();
      well(host, "systemctl is-active docker edox-ops-cleanup.timer edox-ops-cleanup-events");
    }
  }
  expect(all.filter(({ code }) => code !== 0)).toEqual([]);
  expect(all).toHaveLength(workload.days * workload.jobsADay);
  const present = jobs.present();
  expect([...kept, byHand].filter((name) => !present.includes(name))).toEqual([]);
  const ratio = hits / most;
  figure(`cache hits of an unlimited disk: ${(100 * ratio).toFixed(1)} % of ${most}`, "trixie", 1, "well");
  console.log(`${all.length} jobs, ${hits} of ${most} cache hits`);
  // The disk was too small for all of them, so that the cleanup had to choose.
  expect([...seen].filter((name) => !present.includes(name)).length).toBeGreaterThan(20);
  expect(ratio).toBeGreaterThanOrEqual(0.9);
}, 3_600_000);

/** Removes what an earlier test left, so that each of them can run alone. */
function empty(): void {
  well(
    ci.host,
    "rm -f /var/lib/docker/full; docker ps -aq | xargs -r docker rm -f; docker system prune -af; docker volume prune -af",
  );
}

const named = (name: string, count: number, bytes: number): string[] =>
  Array.from({ length: count }, (_, i) => jobs.registry.push(`${name}-${i}`, "1", bytes));

test("cleanup: jobs that start while cleanups remove images find their image, their helper and their cache", async () => {
  const { host } = ci;
  empty();
  const helper = jobs.registry.push("gitlab-runner-helper", "1", 1e6);
  const images = named("beside", 8, 40e6);
  jobs.reserve(500);
  well(host, "edox-ops gitlab-runner cleanup enable --keep 300MiB --yes");
  await jobs.script(`docker pull -q ${helper}`);
  well(
    host,
    `touch /run/cleaning; systemd-run --unit=cleaning sh -c 'while [ -e /run/cleaning ]; do ${cleanup}; done'`,
  );
  const list = Array.from({ length: 40 }, (_, i) => ({
    image: images[(i * i) % 8] as string,
    project: i % 5,
    cachesMiB: 5,
  }));
  const ran = await jobs.run(list, ":", helper);
  well(host, "rm /run/cleaning; while systemctl is-active --quiet cleaning; do sleep 0.1; done");
  expect(ran.filter(({ code }) => code !== 0)).toEqual([]);
  const present = jobs.present();
  expect(present).toContain(helper);
  // There was something to remove all the time.
  expect(images.filter((each) => !present.includes(each)).length).toBeGreaterThan(1);
}, 600_000);
