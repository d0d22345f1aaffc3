// A step with a journal, on a real host: killed at its system calls and at random moments, and its power cut. The built
// program then rolls it back.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Disk } from "./disk.ts";
import { chance, figure, rounds, soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

const journalDir = "/var/lib/edox-ops/journal";
const dir = mkdtempSync(`${tmpdir()}/edox-journal-`);
let host: TestHost;
/** The state of the files before the step, and after it. */
let [before, after] = ["", ""];
/** The number of recoveries that found a journal. */
let recoveries = 0;

const step = (...words: string[]): string[] => [
  "/usr/local/bin/bun",
  "/usr/local/bin/journaled-run.js",
  "/.",
  ...words,
];
const state = (): string => host.run(step("state")).stdout;

async function up(disk?: Disk): Promise<void> {
  host = await TestHost.bare("bookworm", disk);
  host.put(process.execPath, "/usr/local/bin/bun");
  host.put(`${dir}/journaled-run.js`, "/usr/local/bin/journaled-run.js");
  after = host.run(step("setup", "run", "Infinity", "state")).stdout;
  before = host.run(step("setup", "state")).stdout;
  expect([before.includes("large"), after.includes("made")]).toEqual([true, true]);
  expect(after).not.toBe(before);
  host.sync();
}

/** Recovers with the built program, and expects the state before an interrupted step. */
function recovers(): string {
  const isLeft = host.sh(`ls ${journalDir}`).stdout !== "";
  expect(host.run(["edox-ops", "recover"])).toMatchObject({ code: 0, stderr: "" });
  const found = state();
  expect([before, after]).toContain(found);
  if (isLeft) {
    expect(found).toBe(before);
    recoveries += 1;
  }
  expect(host.sh(`ls -A ${journalDir}`).stdout).toBe("");
  return found === before ? "before the step" : "after the step";
}

beforeAll(async () => {
  const entrypoints = [`${import.meta.dir}/../engine/journaled-run.ts`];
  expect((await Bun.build({ entrypoints, outdir: dir, target: "bun" })).success).toBe(true);
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("journal: killed", () => {
  beforeAll(() => up());
  afterAll(() => host?.down());

  test("journal: a step killed at its system calls is rolled back completely", () => {
    const calls = "mkdir,rename,symlink,unlink,rmdir,fchmod,fchown,fsync,write".split(",");
    host.run(step("setup"));
    expect(host.traced(["-o", `${dir}/trace`, "-e", `trace=${calls.join(",")}`], step("run", "Infinity")).code).toBe(0);
    const counts = new Map<string, number>();
    for (const [, call = ""] of readFileSync(`${dir}/trace`, "utf8").matchAll(/^\d+ +(\w+)\(/gm)) {
      counts.set(call, (counts.get(call) ?? 0) + 1);
    }
    expect(counts.get("rename")).toBe(6);
    let killed = 0;
    for (const [call, count] of counts) {
      const all = Array.from({ length: count }, (_, i) => i + 1);
      for (const when of soak ? all : new Set([1, Math.ceil(count / 2), count])) {
        host.run(step("setup"));
        const flags = ["-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${when}`];
        if (host.traced(flags, step("run", "Infinity")).code !== 0) killed += 1;
        recovers();
      }
    }
    expect([killed > 15, recoveries > 10]).toEqual([true, true]);
    figure("step with a journal killed at its calls", "bookworm", 0, `${killed} kills, ${recoveries} rolled back`);
  });

  test("journal: a step killed at a random moment is rolled back completely, or was done", () => {
    host.run(step("setup"));
    const start = performance.now();
    expect(host.run(step("run", "Infinity")).code).toBe(0);
    const milliseconds = performance.now() - start;
    for (const round of rounds(4, 60)) {
      host.run(step("setup"));
      const share = chance("journal", round);
      const seconds = ((share * milliseconds) / 1000).toFixed(3);
      host.sh(`${step("run", "Infinity").join(" ")} & pid=$!; sleep ${seconds}; kill -KILL $pid; wait $pid`);
      figure("step with a journal killed at random", "bookworm", share, recovers());
    }
  });
});

describe("journal: power cut", () => {
  afterEach(() => host?.down());

  for (const round of rounds(1, 10)) {
    test(`journal: after a power cut a step is rolled back completely, and is not if syncs are disabled, ${round}`, async () => {
      await up({ commitSeconds: 1 });
      // The power is cut just after the process ended in one of its calls. What it had not synced is lost.
      const call = 2 + Math.floor(18 * chance("journal's power", round));
      expect(host.run(step("run", String(call))).code).not.toBe(0);
      await host.powerCut();
      expect(recovers()).toBe("before the step");
      figure("power cut in a step with a journal", "bookworm", call, "before the step");

      expect(host.unsynced(step("run", "18")).code).not.toBe(0);
      await Bun.sleep(2500);
      await host.powerCut();
      const { code } = host.run(["edox-ops", "recover"]);
      expect([code, state()]).not.toEqual([0, before]);
    });
  }
});
