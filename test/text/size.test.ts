import { expect, test } from "bun:test";
import { sizeText } from "../../src/text/size.ts";

test("sizeText: bytes are printed in the binary unit that suits them", () => {
  const sizes = [0, 1, 512, 1024, 326_656, 1_048_063, 1_048_064, 2_831_155, 45_000_000, 1_204_000_000, 2 ** 50];
  expect(sizes.map(sizeText)).toEqual([
    ...["0 bytes", "1 byte", "512 bytes", "1.0 KiB", "319 KiB", "1.0 MiB", "1.0 MiB"],
    ...["2.7 MiB", "42.9 MiB", "1.1 GiB", "1024 TiB"],
  ]);
});
