// That what is packed comes out as it went in.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Listed, Listing } from "../../src/projects/listing.ts";

const number = fc.nat(2 ** 53 - 1);
const entry: fc.Arbitrary<Listed> = fc.record({
  path: fc.constantFrom("", "a", "a b/ü.html", "\u{1f600}/x", "\uff5e"),
  type: fc.constantFrom("file", "directory", "link", "other"),
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 32 - 1),
  gid: fc.nat(2 ** 32 - 1),
  size: number,
  inode: number,
  changedMs: fc.double({ noNaN: true, noDefaultInfinity: true }).map((ms) => ms || 0),
});

test("entries come out as they went in, in their order, also beyond one block and twice", () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), fc.constantFrom(1, 300, 3000), (some, times) => {
      const all = Array.from({ length: times }, () => some).flat();
      const listing = new Listing();
      for (const each of all) listing.add(each);
      expect(listing.length).toBe(all.length);
      for (let i = 0; i < 2; i++) expect([...listing].every((each, at) => Bun.deepEquals(each, all[at]))).toBe(true);
    }),
    { numRuns: 20 },
  );
});
