// Enforces the layers: a folder imports only from lower ones, and only the host layer touches the machine.

import { expect, test } from "bun:test";
import { posix } from "node:path";
import { features } from "../../src/cli/features.ts";

/** The folders of src by layer, the lowest first. Folders of one layer do not import each other. */
const layers: string[][] = [
  ["text"],
  ["host"],
  ["problem"],
  ["apt", "signature", "toml"],
  ["engine"],
  ["resources"],
  ["docker", "nginx", "ssh"],
  ["bundle"],
  ["bootstrap", "hardening", "runner", "self-update", "sites"],
  ["certs", "deploy-keys"],
  ["backup", "watch"],
  ["doctor"],
  ["report"],
  ["run"],
  ["cli"],
];
const layerOf = (folder: string): number => layers.findIndex((folders) => folders.includes(folder));
const src = `${import.meta.dir}/../../src`;
// A new feature belongs to the layer of the features.
const newFeatures = Object.keys(features).filter((folder) => layerOf(folder) === -1);
layers[layerOf("sites")]?.push(...newFeatures);
const files = [...new Bun.Glob("*/**/*.ts").scanSync(src)].sort();
const sources = await Promise.all(files.map(async (path) => ({ path, text: await Bun.file(`${src}/${path}`).text() })));

/** Returns a relative import as a path below src. */
const resolved = (from: string, to: string): string => posix.join(posix.dirname(from), to);

test("layers: nested folders are checked", () => {
  expect(files).toContain("cli/project/deploy.ts");
});

for (const { path, text } of sources) {
  const [layer = ""] = path.split("/");
  test(`layers: ${path} imports from lower layers only`, () => {
    expect(layerOf(layer)).not.toBe(-1);
    for (const [, to = ""] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      const [folder = ""] = resolved(path, to).split("/");
      const isBelow = folder === layer || layerOf(folder) < layerOf(layer);
      expect([to, isBelow]).toEqual([to, true]);
    }
  });

  test(`layers: ${path} ${layer === "host" ? "may touch" : "does not touch"} the machine`, () => {
    const touches = /"node:|"bun:|Bun\.(spawn|file|write|sleep)|process\.\w/.test(text);
    if (layer !== "host") expect(touches).toBe(false);
  });
}

test("layers: no file imports a module of the runtime that enlarges the binary", () => {
  // The bytecode of an imported module, and of all that it imports, is part of each binary: 0.5 MB for node:net.
  const small = ["bun:ffi", "node:crypto", "node:fs", "node:stream/promises", "node:tty", "node:zlib"];
  const imported = sources.flatMap(({ text }) => [...text.matchAll(/from "((?:bun|node):[^"]+)"/g)]);
  expect([...new Set(imported.map(([, name]) => name))].sort()).toEqual(small);
});

test("layers: no file imports itself by way of others, apart from types and imports at run time", () => {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const imports = new Map(
    sources.map(({ path, text }) => {
      const all = transpiler
        .scanImports(text)
        .filter(({ kind, path: to }) => kind === "import-statement" && to[0] === ".");
      return [path, all.map(({ path: to }) => resolved(path, to))];
    }),
  );
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    expect(way.includes(path) ? [...way, path] : []).toEqual([]);
    if (done.has(path)) return;
    for (const each of imports.get(path) ?? []) visit(each, [...way, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
});
