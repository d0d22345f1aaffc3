import { expect, test } from "bun:test";
import fc from "fast-check";
import { shortageText } from "../../src/text/shortage.ts";

test("shortage: the needed and the free amount never print alike", () => {
  expect(shortageText(1024 * 1024 + 1, 1024 * 1024)).toBe("1.1 MiB are needed and 1 MiB are free");
  expect(shortageText(1024 * 1024, 1024 * 1024 - 1)).toBe("1 MiB are needed and 0.9 MiB are free");
  expect(shortageText(4096, 0)).toBe("0.1 MiB are needed and 0 MiB are free");
  fc.assert(
    fc.property(fc.nat(2 ** 50), fc.integer({ min: 1, max: 2 ** 20 }), (free, more) => {
      const [needed, left] = shortageText(free + more, free).match(/[\d.]+/g) ?? [];
      expect(Number(needed)).toBeGreaterThan(Number(left));
    }),
  );
});
