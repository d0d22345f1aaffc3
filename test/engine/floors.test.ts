// Enforces the layers: a folder imports only from lower ones, and only the host layer touches the machine.

import { expect, test } from "bun:test";

const floors = {
  host: 1,
  engine: 2,
  resources: 3,
  recipes: 4,
  projects: 5,
  runner: 5,
  release: 5,
  doctor: 6,
  report: 7,
  cli: 8,
} as Record<string, number>;
const src = `${import.meta.dir}/../../src`;
const files = [...new Bun.Glob("*/*.ts").scanSync(src)].sort();
const sources = await Promise.all(files.map(async (path) => ({ path, text: await Bun.file(`${src}/${path}`).text() })));

for (const { path, text } of sources) {
  const floor = path.split("/")[0] ?? "";
  test(`layers: ${path} imports from lower layers only`, () => {
    expect(floors[floor]).toBeDefined();
    for (const [, folder = ""] of text.matchAll(/(?:from|import\()\s*"\.\.\/(\w+)\//g)) {
      expect(floors[folder] ?? 99).toBeLessThan(floors[floor] ?? 0);
    }
  });

  test(`layers: ${path} ${floor === "host" ? "may touch" : "does not touch"} the machine`, () => {
    const touches = /"node:|"bun:|Bun\.(spawn|file|write|sleep)|process\./.test(text);
    if (floor !== "host") expect(touches).toBe(false);
  });
}
