// What a cleanup may remove, in which order, and when that is enough.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Candidate,
  candidatesOf,
  isJobPreparing,
  nextRemoval,
  plannedRemovals,
  type Room,
  type Settings,
  wantedBytes,
} from "../../../src/runner/cleanup/decide.ts";
import type { Container, Inventory, LastUse } from "../../../src/runner/cleanup/last-use.ts";
import { runs } from "../../runs.ts";

const nowMs = 1_800_000_000_000;
const hour = 3_600_000;
const roots = { images: "/var/lib/containerd", data: "/var/lib/docker" };
const ids = ["a", "b", "c", "d"];
const cacheName = (id: string) => `runner-x-cache-${id.repeat(32)}`;

const container = fc.record({
  id: fc.constantFrom("c1", "c2", "c3"),
  name: fc.constantFrom("one", "two"),
  image: fc.constantFrom(...ids),
  isRunning: fc.boolean(),
  isManaged: fc.boolean(),
  job: fc.constantFrom("1", "2", null),
  type: fc.constantFrom("build", "service", null),
  usedMs: fc.integer({ min: 0, max: 50 }).map((hours) => nowMs - hours * hour),
  volumes: fc.subarray([...ids.map(cacheName), "data"]),
});
const inventory: fc.Arbitrary<Inventory> = fc.record({
  images: fc.subarray(ids).map((all) => all.map((id) => ({ id, tags: [`${id}:1`], digests: [], bytes: 100 }))),
  containers: fc.uniqueArray(container, { selector: ({ id }) => id }),
  volumes: fc
    .array(fc.tuple(fc.constantFrom(...ids.map(cacheName), "data", "mine"), fc.boolean()), { maxLength: 5 })
    .map((all) => all.map(([name, isManaged]) => ({ name, isManaged, createdMs: 0, bytes: 50 }))),
  cache: fc.array(
    fc.record({
      id: fc.string(),
      bytes: fc.nat(100),
      usedMs: fc.integer({ min: 0, max: 50 }).map((hours) => nowMs - hours * hour),
      inUse: fc.boolean(),
    }),
    { maxLength: 5 },
  ),
});
const usedMs = fc.integer({ min: 0, max: 1000 }).map((hours) => nowMs - hours * hour);
const lastUse: fc.Arbitrary<LastUse> = fc.record({
  untilMs: fc.constant(nowMs),
  images: fc.dictionary(
    fc.constantFrom(...ids),
    fc.record({ origin: fc.constantFrom("job" as const, "runner" as const, "foreign" as const), usedMs }),
  ),
  volumes: fc.dictionary(fc.constantFrom(...ids.map(cacheName), "data", "mine"), usedMs),
  pulls: fc.constant([]),
});
const settings: fc.Arbitrary<Settings> = fc.record({
  keep: fc.oneof(
    fc.integer({ min: 1, max: 600 }).map((bytes) => ({ bytes })),
    fc.integer({ min: 1, max: 90 }).map((percent) => ({ share: percent / 100 })),
  ),
  unusedForMs: fc.option(fc.integer({ min: 1, max: 400 }).map((hours) => hours * hour)),
});
const room: fc.Arbitrary<Room> = fc.nat(1000).map((free) => ({ free, size: 1000 }));
const numRuns = runs(500, 20_000);

describe("cleanup: what may be removed", () => {
  test("cleanup: nothing that is foreign or in use is ever a candidate", () => {
    fc.assert(
      fc.property(inventory, lastUse, (engine, used) => {
        const running = engine.containers.filter((each) => each.isRunning);
        for (const { kind, id } of candidatesOf(engine, used, roots, nowMs)) {
          if (kind === "image") {
            expect(used.images[id]?.origin).toBe("runner");
            expect(engine.containers.some(({ image }) => image === id)).toBe(false);
          } else if (kind === "volume") {
            const isManaged = engine.volumes.some((each) => each.name === id && each.isManaged);
            expect(isManaged || id.startsWith("runner-")).toBe(true);
            expect(engine.containers.some(({ volumes }) => volumes.includes(id))).toBe(false);
          } else if (kind === "container") {
            const found = engine.containers.find((each) => each.id === id) as Container;
            expect([found.isRunning, found.isManaged]).toEqual([false, true]);
            expect(running.some(({ job }) => job === found.job)).toBe(false);
          } else {
            expect(engine.cache.some(({ inUse, usedMs }) => !inUse && Math.floor(usedMs / hour) === Number(id))).toBe(
              true,
            );
          }
        }
      }),
      { numRuns },
    );
  });

  test("cleanup: build cache is on the disk of the images, because BuildKit stores its layers there", () => {
    const cache = [{ id: "a", bytes: 1, usedMs: 0, inUse: false }];
    const none: LastUse = { untilMs: 0, images: {}, volumes: {}, pulls: [] };
    const found = candidatesOf({ images: [], containers: [], volumes: [], cache }, none, roots, nowMs);
    expect(found.map(({ root }) => root)).toEqual([roots.images]);
  });

  test("cleanup: the candidates are in the order of their last use, and their order does not depend on the engine's", () => {
    fc.assert(
      fc.property(inventory, lastUse, (engine, used) => {
        const all = candidatesOf(engine, used, roots, nowMs);
        expect(all.map((each) => each.usedMs)).toEqual(all.map((each) => each.usedMs).sort((a, b) => a - b));
        const turned = { ...engine, images: engine.images.toReversed(), containers: engine.containers.toReversed() };
        expect(candidatesOf(turned, used, roots, nowMs).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
      }),
      { numRuns },
    );
  });

  test("cleanup: a volume of another name and without the label stays, also of a similar name", () => {
    const names = ["data", "runner-x-cache-short", "my-runner-x-cache", cacheName("a"), `${cacheName("b")}-protected`];
    const volumes = names.map((name) => ({ name, isManaged: false, createdMs: 0, bytes: 1 }));
    const used = { untilMs: 0, images: {}, pulls: [], volumes: Object.fromEntries(names.map((name) => [name, 1])) };
    const found = candidatesOf({ images: [], containers: [], cache: [], volumes }, used, roots, nowMs);
    expect(found.map(({ id }) => id)).toEqual(names.slice(3));
  });
});

describe("cleanup: when it is enough", () => {
  const situations = fc
    .tuple(inventory, lastUse, settings, room, room, fc.boolean())
    .map(([engine, used, chosen, images, data, isPreparing]) => ({
      candidates: candidatesOf(engine, used, roots, nowMs),
      settings: chosen,
      roomOf: (root: string): Room => (root === roots.images ? images : data),
      isPreparing,
      nowMs,
    }));

  test("cleanup: with enough space it removes only what was not used for the time of the settings", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const full = { ...situation, roomOf: () => ({ free: 1000, size: 1000 }) };
        for (const { candidate, why } of plannedRemovals(full)) {
          expect(why).toBe("unused");
          expect(nowMs - candidate.usedMs).toBeGreaterThan(situation.settings.unusedForMs ?? Number.POSITIVE_INFINITY);
        }
      }),
      { numRuns },
    );
  });

  test("cleanup: it ends with enough space, or with nothing left to remove on that disk", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const planned = plannedRemovals(situation);
        const removed = planned.map(({ candidate }) => candidate);
        for (const root of Object.values(roots)) {
          const before = situation.roomOf(root);
          const freed = (all: readonly Candidate[]) =>
            all.filter((each) => each.root === root).reduce((sum, { bytes }) => sum + bytes, 0);
          const wanted = wantedBytes(situation.settings, before);
          const left = situation.candidates.filter((each) => each.root === root && !removed.includes(each));
          const isDeferred = ({ kind }: Candidate): boolean => kind === "image" && situation.isPreparing;
          const isEnough = before.free + freed(removed) >= wanted;
          expect(isEnough || left.every(isDeferred)).toBe(true);
          // The last removal for space was needed: without it there was too little.
          const forSpace = planned.filter(({ why, candidate }) => why === "space" && candidate.root === root).at(-1);
          if (forSpace === undefined) continue;
          const at = removed.indexOf(forSpace.candidate);
          expect(before.free + freed(removed.slice(0, at))).toBeLessThan(wanted);
        }
      }),
      { numRuns },
    );
  });

  test("cleanup: what is removed for space was used before everything of its disk that stays", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        fc.pre(!situation.isPreparing);
        const planned = plannedRemovals(situation);
        const removed = new Set(planned.map(({ candidate }) => candidate));
        for (const { candidate, why } of planned) {
          if (why !== "space") continue;
          const others = situation.candidates.filter((each) => each.root === candidate.root && !removed.has(each));
          for (const other of others) expect(other.usedMs).toBeGreaterThanOrEqual(candidate.usedMs);
        }
      }),
      { numRuns },
    );
  });

  test("cleanup: while a job is prepared, images stay until only half of the wanted space is free", () => {
    const image: Candidate = { kind: "image", id: "a", name: "a", bytes: 1, usedMs: 0, root: "/" };
    const volume: Candidate = { ...image, kind: "volume", id: "b", usedMs: 1 };
    const next = (free: number, isPreparing: boolean) =>
      nextRemoval({
        settings: { keep: { bytes: 100 }, unusedForMs: null },
        candidates: [image, volume],
        roomOf: () => ({ free, size: 1000 }),
        isPreparing,
        nowMs,
      })?.candidate.id;
    expect([next(99, false), next(99, true), next(49, true), next(100, false)]).toEqual(["a", "b", "a", undefined]);
  });

  test("cleanup: a job is prepared from its first container until the one of its script exists", () => {
    const one = { id: "1", name: "1", image: "a", isManaged: true, usedMs: 0, volumes: [], job: "7" };
    const helper = { ...one, isRunning: true, type: "helper" };
    const build = { ...one, isRunning: true, type: "build" };
    const isPreparing = (...containers: Container[]): boolean => isJobPreparing({ containers });
    expect(isPreparing()).toBe(false);
    expect(isPreparing(helper)).toBe(true);
    expect(isPreparing(helper, build)).toBe(false);
    expect(isPreparing(helper, { ...build, job: "8" })).toBe(true);
    expect(isPreparing({ ...helper, isRunning: false })).toBe(false);
    expect(isPreparing({ ...helper, isManaged: false })).toBe(false);
  });
});
