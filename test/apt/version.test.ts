import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareVersions } from "../../src/apt/version.ts";
import { runs } from "../runs.ts";

const versions = [
  "1.0",
  "1.0-1",
  "1.0~rc1-1",
  "1.0~rc1~git-1",
  "1.0+dfsg-1",
  "1.0a-1",
  "1:0.9-1",
  "1.22.1-9+deb12u9",
  "1.22.1-9+deb12u11",
  "2.36-9",
  "2.036-9",
  "1.0-1.1",
  "1.0-1~bpo12+1",
  "1.0.0-0",
  "0",
];

test("compareVersions: orders versions as deb-version(7) does", () => {
  const sorted = versions.toSorted(compareVersions);
  expect(sorted).toEqual([
    "0",
    "1.0~rc1~git-1",
    "1.0~rc1-1",
    "1.0",
    "1.0-1~bpo12+1",
    "1.0-1",
    "1.0-1.1",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.0-0",
    "1.22.1-9+deb12u9",
    "1.22.1-9+deb12u11",
    "2.36-9",
    "2.036-9",
    "1:0.9-1",
  ]);
});

test.skipIf(Bun.which("dpkg") === null)("compareVersions: agrees with dpkg on generated versions", () => {
  const piece = fc.constantFrom("0", "1", "01", "9", "10", "a", "b", "Z", "~", "+", ".", "~~", "deb", "u", "12");
  const text = fc.array(piece, { maxLength: 5 }).map((words) => `1${words.join("")}`);
  const version = fc
    .tuple(fc.constantFrom("", "0:", "2:"), text, fc.option(text))
    .map(([epoch, upstream, revision]) => {
      return `${epoch}${upstream}${revision === null ? "" : `-${revision}`}`;
    });
  fc.assert(
    fc.property(version, version, (one, other) => {
      const is = (relation: string): boolean =>
        Bun.spawnSync(["dpkg", "--compare-versions", one, relation, other]).exitCode === 0;
      expect(Math.sign(compareVersions(one, other))).toBe(is("lt") ? -1 : is("gt") ? 1 : 0);
    }),
    { numRuns: runs(60, 2000) },
  );
});
