import { expect, test } from "bun:test";
import { sizeText } from "../../src/text/size.ts";

test("sizeText: prints bytes in the decimal unit that suits them", () => {
  expect([0, 512, 999_999, 1e6, 45_000_000, 1e9, 1_204_000_000].map(sizeText)).toEqual([
    "0.0 kB",
    "0.5 kB",
    "1000.0 kB",
    "1.0 MB",
    "45.0 MB",
    "1.00 GB",
    "1.20 GB",
  ]);
});
