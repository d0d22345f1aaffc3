// A listing contains the same entries as a walk of the tree.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { inodeHigh, inodeLow, Listing, Packed } from "../../src/host/listing.ts";
import type { TreeEntry } from "../../src/host/trees.ts";
import { runs } from "../runs.ts";
import { TreeHost } from "../sites/tree.ts";

const byPath = (entries: TreeEntry[]): TreeEntry[] => entries.sort((a, b) => (a.path < b.path ? -1 : 1));
const listed = (listing: Listing): TreeEntry[] => [...listing.batches()].flat();

const name = fc.constantFrom("a", "b", "a-b", "a b", "é.html", "\u{1f600}", "\uff5e", "A");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

test("listing: contains each entry of a walk, and each directory before its entries", async () => {
  const trees = fc.asyncProperty(fc.uniqueArray(path), fc.constantFrom("x", "-> a"), async (paths, content) => {
    using host = new TreeHost();
    for (const path of paths) host.write(`/srv/tree/${path}/f`, content);
    host.write("/srv/tree/empty/f", "");
    host.mode("/srv/tree/empty/f", 0o4755);
    const listing = await Listing.of(host.trees, "/srv/tree");
    const found = listed(listing);
    expect(listing.length).toBe(found.length);
    const above = found.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    expect(above.every((dir, i) => i === 0 || found.slice(0, i).some(({ path }) => path === dir))).toBe(true);
    expect(byPath(found)).toEqual(byPath([...host.trees.walk("/srv/tree")]));
  });
  await fc.assert(trees, { numRuns: runs(15, 500) });
}, 60_000);

test("listing: keeps the order of entries across batches, and fails for a missing tree", async () => {
  using host = new TreeHost();
  const names = Array.from({ length: 1000 }, (_, i) => `f${i}`).sort();
  for (const name of names) host.write(`/srv/tree/${name}`, "");
  expect(listed(await Listing.of(host.trees, "/srv/tree")).map(({ path }) => path)).toEqual(["", ...names]);
  await expect(Listing.of(host.trees, "/srv/none")).rejects.toThrow("/srv/none");
});

test("listing: keeps every 64-bit inode number exactly, as on an overlay with xino", () => {
  const status = { mode: 0o100644, uid: 0, gid: 0, links: 1, size: 1, modifiedMs: 1, changedMs: 1 };
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (inode) => {
      const packed = Packed.of(2);
      packed.set(1, { ...status, inodeLow: inodeLow(inode), inodeHigh: inodeHigh(inode) });
      const found = packed.entry(1, "f").inode;
      expect(BigInt(found)).toBe(inode);
      expect([inodeLow(found), inodeHigh(found)]).toEqual([inodeLow(inode), inodeHigh(inode)]);
    }),
  );
  expect([2 ** 53 - 1, 2n ** 53n, 2n ** 63n + 1n].map((inode) => [inodeHigh(inode), inodeLow(inode)])).toEqual([
    [2 ** 21 - 1, 2 ** 32 - 1],
    [2 ** 21, 0],
    [2 ** 31, 1],
  ]);
});
