// 30 days of jobs on a runner whose disk of 20 GB is nearly full, with a real engine.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { CiHost } from "../integration/ci-host.ts";
import { figure } from "../integration/rounds.ts";
import { cacheOf, type Ran, RunnerJobs, well } from "../integration/runner-jobs.ts";
import { disk, jobsOf, type PlannedJob, workload } from "../runner/cleanup/workload.ts";

const cleanup = "edox-ops gitlab-runner cleanup run --quiet";

let ci: CiHost;
let jobs: RunnerJobs;
beforeAll(async () => {
  ci = await CiHost.up("trixie", { plainSize: "20G" });
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
  jobs.reserve(disk.roomMiB);
  well(host, `edox-ops gitlab-runner cleanup enable --keep ${disk.keepMiB}MiB --yes`);
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
