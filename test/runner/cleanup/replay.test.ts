// The 30 days of the soak, in memory: the decisions of the cleanup are those of a real host, and its engine is a model.

import { expect, test } from "bun:test";
import { type Candidate, candidatesOf, nextRemoval, type Settings } from "../../../src/runner/cleanup/decide.ts";
import type { DockerEvent } from "../../../src/runner/cleanup/docker-events.ts";
import { type Inventory, type LastUse, learn } from "../../../src/runner/cleanup/last-use.ts";
import { disk, jobsOf, workload } from "./workload.ts";

const mebibyte = 1024 ** 2;
const startMs = 1_800_000_000_000;
const dayMs = 86_400_000;
const roots = { images: "/var/lib/docker", data: "/var/lib/docker" };

interface Replay {
  failed: number;
  hits: number;
  /** The hits of a disk without a limit. */
  most: number;
  removed: number;
  present: string[];
}

/** Replays the days. `roomMiB`: the size of the disk. */
function replay(roomMiB: number): Replay {
  const size = roomMiB * mebibyte;
  const settings: Settings = { keep: { bytes: disk.keepMiB * mebibyte }, unusedForMs: null };
  const images = new Map([["sha256:by-hand", 20e6]]);
  const volumes = new Map([["mine", 5e6]]);
  const seen = new Set<string>();
  let lastUse: LastUse = { untilMs: startMs, images: {}, volumes: {}, pulls: [] };
  const found = { failed: 0, hits: 0, most: 0, removed: 0 };
  const bytesOf = (all: Map<string, number>) => [...all.values()].reduce((sum, bytes) => sum + bytes, 0);
  const free = () => size - bytesOf(images) - bytesOf(volumes);
  const inventory = (): Inventory => ({
    images: [...images].map(([id, bytes]) => ({ id, tags: [`${id}:1`], digests: [], bytes })),
    volumes: [...volumes].map(([name, bytes]) => ({ name, createdMs: startMs, isManaged: name !== "mine", bytes })),
    ...{ containers: [], cache: [] },
  });
  for (let day = 0; day < workload.days; day++) {
    for (const [index, job] of jobsOf(day).entries()) {
      const nowMs = startMs + (day + (index + 1) / (workload.jobsADay + 1)) * dayMs;
      const [image, volume] = [`sha256:${job.project}-${job.version}`, `cache-${job.project}`];
      const events: DockerEvent[] = [];
      for (const [name, has] of [
        [image, images.has(image)],
        [volume, volumes.has(volume)],
      ] as const) {
        if (has) found.hits += 1;
        if (seen.has(name)) found.most += 1;
        seen.add(name);
      }
      if (!images.has(image)) events.push({ kind: "pulled", reference: `${image}:1`, atMs: nowMs });
      images.set(image, job.bytes);
      volumes.set(volume, job.cachesMiB * mebibyte);
      if (free() < job.writesMiB * mebibyte) found.failed += 1;
      events.push({ kind: "ran", image, isManaged: true, isNew: true, atMs: nowMs + 1 });
      events.push({ kind: "mounted", volume, atMs: nowMs + 2 });
      const laterMs = nowMs + 300_000;
      lastUse = learn(lastUse, events, inventory(), laterMs);
      let candidates: Candidate[] = candidatesOf(inventory(), lastUse, roots, laterMs);
      for (;;) {
        const roomOf = () => ({ free: free(), size });
        const next = nextRemoval({ settings, candidates, roomOf, isPreparing: false, nowMs: laterMs });
        if (next === null) break;
        const { kind, id } = next.candidate;
        (kind === "image" ? images : volumes).delete(id);
        candidates = candidates.filter((each) => each !== next.candidate);
        found.removed += 1;
      }
    }
  }
  return { ...found, present: [...images.keys(), ...volumes.keys()] };
}

test("cleanup: in 30 days no job fails for space, 90 % of the cache hits remain, and nothing foreign is removed", () => {
  const { failed, hits, most, removed, present } = replay(disk.roomMiB);
  expect(failed).toBe(0);
  expect(present).toContain("sha256:by-hand");
  expect(present).toContain("mine");
  // The disk was too small for everything, so that the cleanup had to choose.
  expect(removed).toBeGreaterThan(20);
  expect(hits / most).toBeGreaterThanOrEqual(0.9);
});

test("cleanup: a disk with room for everything keeps every cache hit", () => {
  const { hits, most, removed } = replay(20_000);
  expect([hits, removed]).toEqual([most, 0]);
});

if (process.env.SIZES)
  for (const room of [1000, 1200, 1400, 1600, 1800, 2000, 2400, 3000]) console.log(room, replay(room));
