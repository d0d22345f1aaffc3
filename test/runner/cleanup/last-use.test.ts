// What a cleanup learns from the events of Docker.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { candidatesOf } from "../../../src/runner/cleanup/decide.ts";
import { type DockerEvent, eventsOf } from "../../../src/runner/cleanup/docker-events.ts";
import { followedMs, type Inventory, type LastUse, learn } from "../../../src/runner/cleanup/last-use.ts";
import { runs } from "../../runs.ts";

const startMs = 1_800_000_000_000;
const nothing: LastUse = { untilMs: startMs, images: {}, volumes: {}, pulls: [] };
const minute = 60_000;

const inventory = (...names: string[]): Inventory => ({
  images: names.map((name) => ({
    id: `sha256:${name}`,
    tags: [`${name}:1`],
    digests: [`${name}@sha256:0`],
    bytes: 1,
  })),
  containers: [],
  volumes: [],
  cache: [],
});
const at = (ms: number) => startMs + ms;
const pulled = (name: string, ms: number): DockerEvent => ({
  kind: "pulled",
  reference: `${name}:1`,
  atMs: at(ms),
});
const ran = (name: string, ms: number, isManaged = true): DockerEvent => {
  return { kind: "ran", image: `sha256:${name}`, isManaged, isNew: true, atMs: at(ms) };
};
const originOf = (events: DockerEvent[], nowMs = at(10 * minute), name = "node"): string | undefined => {
  return learn(nothing, events, inventory(name, "other"), nowMs).images[`sha256:${name}`]?.origin;
};

describe("cleanup: the origin of an image", () => {
  const cases: [string, DockerEvent[], string | undefined][] = [
    ["an image that was there before is foreign", [], "foreign"],
    ["one that was there before is foreign although a job uses it", [ran("node", 1)], "foreign"],
    ["one that a runner pulled for its job is the runner's", [pulled("node", 1), ran("node", 100)], "runner"],
    [
      "one that a runner pulled, and whose job fetched for a long time, is the runner's",
      [pulled("node", 1), ran("other", 100), ran("node", 8 * minute)],
      "runner",
    ],
    ["one that a person pulled is foreign", [pulled("node", 1)], "foreign"],
    [
      "one that a person pulled is foreign although a job uses it later",
      [pulled("node", 1), ran("node", 1 + followedMs + 1000)],
      "foreign",
    ],
    [
      "one that a person pulled after a runner is foreign",
      [pulled("node", 1), ran("node", 100), pulled("node", 5 * minute)],
      "foreign",
    ],
    [
      "one that another container uses is foreign",
      [pulled("node", 1), ran("node", 100), ran("node", 200, false)],
      "foreign",
    ],
    [
      "one that a person named anew is foreign",
      [pulled("node", 1), ran("node", 100), { kind: "made", image: "sha256:node", atMs: at(200) }],
      "foreign",
    ],
    [
      "one that was pulled for a job that did not use it is not removed yet",
      [pulled("node", 1), ran("other", 9)],
      "job",
    ],
  ];
  for (const [title, events, origin] of cases) {
    test(`cleanup: ${title}`, () => expect(originOf(events)).toBe(origin as string));
  }

  test("cleanup: a pull that a job may still follow decides nothing, also over a restart", () => {
    const [first, second] = [at(followedMs / 2), at(followedMs)];
    const before = learn(nothing, [pulled("node", 1)], inventory("node"), first);
    expect(before.images).toEqual({});
    const kept = JSON.parse(JSON.stringify(before)) as LastUse;
    const job = learn(kept, [ran("node", followedMs / 2 + 1)], inventory("node"), second);
    expect(job.images["sha256:node"]?.origin).toBe("runner");
    expect(learn(kept, [], inventory("node"), at(2 * followedMs)).images["sha256:node"]?.origin).toBe("foreign");
  });

  test("cleanup: the helper image, which GitLab Runner loads itself, is the runner's once a job has used it", () => {
    const name = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper";
    const loaded: DockerEvent = { kind: "made", image: `sha256:${name}`, atMs: at(1) };
    expect(originOf([loaded, ran(name, 2)], at(minute), name)).toBe("runner");
    expect(originOf([loaded, ran(name, 2, false)], at(minute), name)).toBe("foreign");
  });

  test("cleanup: an image of a tag that leads to a newer one by now was pulled as well", () => {
    const engine = inventory("node");
    const old = { ...(engine.images[0] as Inventory["images"][number]), tags: [] };
    const { images } = learn(nothing, [pulled("node", 1), ran("node", 2)], { ...engine, images: [old] }, at(minute));
    expect(images["sha256:node"]).toEqual({ origin: "runner", usedMs: at(2) });
  });

  test("cleanup: an image that is gone is forgotten, so that the same one may be pulled by another", () => {
    const before = learn(nothing, [pulled("node", 1), ran("node", 2)], inventory("node"), at(minute));
    expect(learn(before, [], inventory(), at(minute)).images).toEqual({});
  });

  test("cleanup: a clock that was set back does not make pulls foreign", () => {
    const before = { ...nothing, untilMs: at(86_400_000) };
    const { images } = learn(before, [pulled("node", 1), ran("node", 2)], inventory("node"), at(0.5));
    expect(images["sha256:node"]?.origin).toBe("runner");
  });
});

describe("cleanup: the last use", () => {
  test("cleanup: of a volume it is the last mount, and of a new one its creation", () => {
    const engine = {
      ...inventory(),
      volumes: ["a", "b"].map((name) => ({ name, createdMs: at(5), isManaged: true, bytes: 1 })),
    };
    const { volumes } = learn(nothing, [{ kind: "mounted", volume: "a", atMs: at(70) }], engine, at(minute));
    expect(volumes).toEqual({ a: at(70), b: at(5) });
  });

  test("cleanup: what was used while the clock was ahead counts as used now, and not as the last of all for a year", () => {
    const ahead = at(365 * 86_400_000);
    const before: LastUse = {
      ...nothing,
      images: { "sha256:node": { origin: "runner", usedMs: ahead } },
      volumes: { a: ahead },
    };
    const engine = { ...inventory("node"), volumes: [{ name: "a", createdMs: ahead, isManaged: true, bytes: 1 }] };
    const { images, volumes } = learn(before, [], engine, at(minute));
    expect([images["sha256:node"]?.usedMs, volumes.a]).toEqual([at(minute), at(minute)]);
  });

  test("cleanup: a volume may have the name of something that every object has", () => {
    const volumes = ["constructor", "toString"].map((name) => ({ name, createdMs: at(5), isManaged: true, bytes: 1 }));
    const known = learn(nothing, [], { ...inventory(), volumes }, at(minute));
    expect(known.volumes).toEqual({ constructor: at(5), toString: at(5) } as never);
    const engine = { ...inventory(), volumes };
    const found = candidatesOf(engine, nothing, { images: "/", data: "/" }, at(10 * minute));
    expect(found).toEqual([]);
  });

  test("cleanup: of an image of a running container it is now, without any event", () => {
    const container = { id: "1", name: "1", image: "sha256:node", isManaged: true, job: "1", type: "build" };
    const engine = {
      ...inventory("node"),
      containers: [{ ...container, isRunning: true, usedMs: at(1), volumes: [] }],
    };
    const before = { ...nothing, images: { "sha256:node": { origin: "runner" as const, usedMs: at(1) } } };
    expect(learn(before, [], engine, at(minute)).images["sha256:node"]?.usedMs).toBe(at(minute));
  });
});

describe("cleanup: events of Docker", () => {
  const line = (Type: string, Action: string, ID: string, Attributes: object | null, timeNano: number): string =>
    JSON.stringify({ Type, Action, Actor: { ID, Attributes }, timeNano });

  test("cleanup: lines are read in the order of their times, and torn or foreign lines are ignored", () => {
    const managed = { image: "node", "com.gitlab.gitlab-runner.managed": "true", name: "a\nb" };
    const lines = [
      line("container", "create", "c1", managed, 3e15),
      line("image", "pull", "node:1", { name: "node" }, 2e15),
      line("volume", "unmount", "v1", null, 4e15),
      line("network", "connect", "n1", {}, 4e15),
      '{"Type":"image","Act',
      "[]",
      "",
    ];
    expect(eventsOf(lines.join("\n"))).toEqual([
      { kind: "pulled", reference: "node:1", atMs: 2e9 },
      { kind: "ran", image: "node", isManaged: true, isNew: true, atMs: 3e9 },
      { kind: "mounted", volume: "v1", atMs: 4e9 },
    ]);
  });

  test("cleanup: any text has events without an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Array.isArray(eventsOf(text))).toBe(true);
      }),
      { numRuns: runs(200, 5000) },
    );
  });
});

const name = fc.constantFrom("a", "b", "c");
const anEvent = fc
  .tuple(fc.constantFrom("pulled", "made", "job", "person", "ended"), name, fc.integer({ min: 1, max: 600_000 }))
  .map(([kind, image, ms]): DockerEvent => {
    if (kind === "pulled") return pulled(image, ms);
    if (kind === "made") return { kind, image: `sha256:${image}`, atMs: at(ms) };
    if (kind === "ended") return { kind: "ran", image: `sha256:${image}`, isManaged: true, isNew: false, atMs: at(ms) };
    return ran(image, ms, kind === "job");
  });
const history = fc.array(anEvent, { maxLength: 30 }).map((all) => all.sort((x, y) => x.atMs - y.atMs));
const engine = inventory("a", "b", "c");
const endMs = at(3_600_000);

describe("cleanup: any history of events", () => {
  test("cleanup: events that are read twice, or in two parts, have the same result", () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 30 }), (events, cut) => {
        const whole = learn(nothing, events, engine, endMs);
        expect(learn(whole, events, engine, endMs)).toEqual(whole);
        // Events of one time are always read together.
        const [head, tail] = [events.slice(0, cut), events.slice(cut)];
        const cutMs = head.at(-1)?.atMs ?? startMs;
        fc.pre(tail[0]?.atMs !== cutMs);
        const half = learn(nothing, head, engine, cutMs);
        // An image may become foreign later than with the whole history, but never the other way around.
        const parts = learn(half, [...head, ...tail], engine, endMs);
        for (const [id, { origin, usedMs }] of Object.entries(whole.images)) {
          expect(parts.images[id]?.usedMs).toBe(usedMs);
          if (origin === "foreign") expect(parts.images[id]?.origin).toBe("foreign");
        }
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  test("cleanup: an image that a person made or used never becomes the runner's, and uses are never forgotten", () => {
    fc.assert(
      fc.property(history, history, (first, second) => {
        const later = second.map((event) => ({ ...event, atMs: event.atMs + 700_000 }));
        const before = learn(nothing, first, engine, at(650_000));
        const after = learn(before, later, engine, endMs);
        for (const [id, { origin, usedMs }] of Object.entries(before.images)) {
          if (origin === "foreign") expect(after.images[id]?.origin).toBe("foreign");
          expect(after.images[id]?.usedMs).toBeGreaterThanOrEqual(usedMs);
        }
        for (const event of [...first, ...later]) {
          const byPerson = event.kind === "made" || (event.kind === "ran" && !event.isManaged);
          if (byPerson) expect(after.images[event.image]?.origin).toBe("foreign");
        }
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  test("cleanup: an image is the runner's only if a pull and a later job show it", () => {
    fc.assert(
      fc.property(history, (events) => {
        const { images } = learn(nothing, events, engine, endMs);
        for (const image of engine.images) {
          if (images[image.id]?.origin !== "runner") continue;
          const pull = events.findIndex((each) => each.kind === "pulled" && image.tags.includes(each.reference));
          const jobs = events.slice(pull + 1).filter((each) => each.kind === "ran" && each.isManaged);
          expect(pull).toBeGreaterThanOrEqual(0);
          expect(jobs.some((each) => each.kind === "ran" && each.image === image.id)).toBe(true);
        }
      }),
      { numRuns: runs(300, 20_000) },
    );
  });
});
