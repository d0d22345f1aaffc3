// Two trees are paired at each path that both have, for any names.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { Listing } from "../../src/host/listing.ts";
import { sideBySide } from "../../src/sites/deploy/side-by-side.ts";
import { runs } from "../runs.ts";
import { TreeHost } from "./tree.ts";

const name = fc.constantFrom("a", "b", "a-b", "a.b", "a b", "é", "\u{1f600}", "\uff5e", "A");
const tree = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")));

test("sideBySide: two trees yield the union of both, each path once", async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, async (ones, others) => {
      using host = new TreeHost();
      for (const [i, paths] of [ones, others].entries()) {
        for (const path of paths) {
          // Writes a file unless a directory is there, or a file is above.
          try {
            host.write(`/srv/${i}/${path}/f`, "x");
          } catch {}
        }
        host.write(`/srv/${i}/z`, "z");
      }
      const [one, other] = [0, 1].map(
        (i) => new Map([...host.trees.walk(`/srv/${i}`)].map((entry) => [entry.path, entry])),
      );
      const mine = await Listing.of(host.trees, "/srv/0");
      const met = (await Array.fromAsync(sideBySide(host.trees, mine, "/srv/1"))).flat();
      const paths = met.map(([mine, theirs]) => mine?.path ?? theirs?.path ?? "");
      expect(new Set(paths)).toEqual(new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])]));
      expect(paths).toHaveLength(new Set(paths).size);
      for (const [i, path] of paths.entries()) expect(met[i]).toEqual([one?.get(path), other?.get(path)] as never);
    }),
    { numRuns: runs(25, 500) },
  );
}, 60_000);

test("sideBySide: entries behind a symlink are not part of the tree, and a missing tree is empty", async () => {
  using host = new TreeHost();
  for (const path of ["0/a/x", "0/b/x", "1/c/x"]) host.write(`/srv/${path}`, "x");
  host.write("/srv/1/a", "-> c");
  host.write("/srv/2", "-> 1");
  const mine = await Listing.of(host.trees, "/srv/0");
  const pairs = async (dir: string) => (await Array.fromAsync(sideBySide(host.trees, mine, dir))).flat();
  const seen = (await pairs("/srv/1")).map(([one, other]) => [one?.path, other?.path]);
  expect(seen).toEqual([
    ["", ""],
    ["a", "a"],
    ["b", undefined],
    [undefined, "c"],
    ["a/x", undefined],
    ["b/x", undefined],
    [undefined, "c/x"],
  ]);
  expect((await pairs("/srv/2")).filter(([, other]) => other)).toHaveLength(1);
  expect((await pairs("/srv/3")).filter(([, other]) => other)).toEqual([]);
});
