// That two walks meet at each path they share, whatever the names are.

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Entry } from "../../src/host/trees.ts";
import { sideBySide } from "../../src/projects/side-by-side.ts";
import { TreeHost } from "./tree.ts";

const name = fc.constantFrom("a", "b", "a-b", "a.b", "a b", "é", "\u{1f600}", "\uff5e", "A");
const tree = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")));

test("two trees side by side are the union of both, each path once", () => {
  fc.assert(
    fc.property(tree, tree, (ones, others) => {
      using host = new TreeHost();
      const walks = [ones, others].map((paths, i) => {
        for (const path of paths) {
          // A file where no other has made a directory, and no file lies above.
          try {
            host.write(`/srv/${i}/${path}/f`, "x");
          } catch {}
        }
        host.write(`/srv/${i}/z`, "z");
        return [...host.trees.walk(`/srv/${i}`)];
      }) as [Entry[], Entry[]];
      const [one, other] = walks.map((walk) => new Map(walk.map((entry) => [entry.path, entry])));
      const met = [...sideBySide(...walks)];
      const paths = met.map(([mine, theirs]) => mine?.path ?? theirs?.path ?? "");
      expect(new Set(paths)).toEqual(new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])]));
      expect(paths).toHaveLength(new Set(paths).size);
      for (const [i, path] of paths.entries()) expect(met[i]).toEqual([one?.get(path), other?.get(path)] as never);
    }),
    { numRuns: 50 },
  );
});
