import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { SecondThread } from "../../src/host/local-thread.ts";
import type { NewAttributes, Seeds } from "../../src/host/trees.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-thread-`);
afterAll(() => rmSync(dir, { recursive: true }));

/** Enough files that starting a second thread is worth its time. */
const many = 5000;
const names = ["a", "b", "c"];
const seeds: Seeds = [1n, 2n];
const made: NewAttributes = {
  mode: 0o640,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  modifiedSeconds: 7,
};
const sizes = Float64Array.of(1, 300_000, 0);
for (const [i, name] of names.entries()) writeFileSync(`${dir}/${name}`, name.repeat(sizes[i] as number));
const all = names.map((name) => `${dir}/${name}`).join("\0");
const copies = (end: string): string => names.map((name) => `${dir}/${name}${end}`).join("\0");

test("second thread: reads and copies many files, with the same results in the same order", async () => {
  const thread = new SecondThread();
  const others = workers();
  const alone = await thread.run("digests", 3, all, sizes, seeds);
  expect(workers()).toBe(others);
  await thread.run("copies", many, all, copies("2"), sizes, made);
  const asked = Array.from({ length: 10 }, () => thread.run("digests", many, copies("2"), sizes, seeds));
  for (const digests of await Promise.all(asked)) expect(Buffer.from(digests)).toEqual(Buffer.from(alone));
  expect(workers()).toBe(others + (navigator.hardwareConcurrency > 1 ? 1 : 0));
  expect(readFileSync(`${dir}/b2`, "utf8")).toBe("b".repeat(300_000));
});

test("second thread: finds the same parts of files, each once, and none in files that it cannot read", async () => {
  const thread = new SecondThread();
  const paths = [`${dir}/none`, ...names.map((name) => `${dir}/${name}`), dir].join("\0");
  const search = (count: number, matches = 10) =>
    thread
      .run(
        "search",
        count,
        paths,
        { needle: "", within: null, parts: /a|b{3}/g, worth: /[^c]/ },
        { bytes: 300_000, matches, milliseconds: 10_000 },
      )
      .then(({ found }) => found);
  const found = [
    { file: 1, text: "a" },
    { file: 2, text: "bbb" },
  ];
  expect(await search(1)).toEqual(found);
  for (const each of await Promise.all(Array.from({ length: 8 }, () => search(many)))) expect(each).toEqual(found);
  expect(await search(1, 1)).toEqual(found.slice(0, 1));
});

test("second thread: reports the system's error, and continues with the next task", async () => {
  const thread = new SecondThread();
  const [read, copied, after] = await Promise.allSettled([
    thread.run("digests", many, `${dir}/none`, Float64Array.of(1), seeds),
    thread.run("copies", many, all, all, sizes, made),
    thread.run("copies", many, all, copies("3"), sizes, made),
  ]);
  expect(read).toMatchObject({ reason: { code: "ENOENT", message: expect.stringContaining(`'${dir}/none'`) } });
  expect(copied).toMatchObject({ reason: { code: "EEXIST" } });
  expect([after?.status, existsSync(`${dir}/c3`)]).toEqual(["fulfilled", true]);
});

test("second thread: the first thread does all the work if it cannot start or has ended", async () => {
  const { Worker } = globalThis;
  /** A worker that exits at its first task. */
  class Ending extends EventTarget {
    postMessage(): void {
      setTimeout(() => this.dispatchEvent(new Event("close")));
    }
    ref(): void {}
    unref(): void {}
  }
  Object.assign(globalThis, { Worker: Ending });
  try {
    const thread = new SecondThread();
    const alone = await thread.run("digests", 3, all, sizes, seeds);
    for (let i = 0; i < 3; i++) expect(await thread.run("digests", many, all, sizes, seeds)).toEqual(alone);
    const missing = thread.run("digests", many, `${dir}/none`, Float64Array.of(1), seeds);
    expect(await missing.catch(({ code }) => code)).toBe("ENOENT");
  } finally {
    Object.assign(globalThis, { Worker });
  }
});

/** Returns the number of worker threads of this process. */
function workers(): number {
  const names = readdirSync("/proc/self/task").map((task) => readFileSync(`/proc/self/task/${task}/comm`, "utf8"));
  return names.filter((name) => name.trim() === "Worker").length;
}

test("second thread: finds the same parts in the bytes that it copies", async () => {
  const thread = new SecondThread();
  const search = {
    searches: [
      { needle: "b", within: null, parts: /b{3}/g, worth: /b/ },
      { needle: "", within: null, parts: /a+/g, worth: /a/ },
    ],
    limits: { bytes: 300_000, matches: 10, milliseconds: 10_000 },
    of: Int8Array.of(1, 0, -1),
  };
  const found = [
    { file: 1, text: "bbb" },
    { file: 0, text: "a" },
  ];
  const copied = (count: number, end: string) => thread.run("copies", count, all, copies(end), sizes, made, search);
  expect((await copied(1, "4")).found).toEqual(found);
  const others = await Promise.all(["5", "6", "7"].map((end) => copied(many, end)));
  expect(others.map((each) => each.found)).toEqual([found, found, found]);
});
