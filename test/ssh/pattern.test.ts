import { expect, test } from "bun:test";
import fc from "fast-check";
import { matchesPattern } from "../../src/ssh/settings.ts";

test("pattern: a star stands for any characters and a question mark for one, as a regular expression has them", () => {
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "."), maxLength: 7 });
  const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 7 });
  fc.assert(
    fc.property(pattern, name, (one, other) => {
      const source = one.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".");
      expect(matchesPattern(one, other)).toBe(new RegExp(`^${source}$`).test(other));
    }),
    { numRuns: 2000 },
  );
});
