import { expect, test } from "bun:test";
import { ageText, durationText } from "../../src/text/time.ts";

test("durationText: a duration has the unit that suits it, and never 60 of the smaller one", () => {
  const durations = [0, 40, 99.6, 310, 9_600, 59_949, 59_951, 125_000, 3_599_400, 3_600_000, 12_000_000, 90_000_000];
  expect(durations.map(durationText)).toEqual([
    ...["0 ms", "40 ms", "0.1 s", "0.3 s", "9.6 s", "59.9 s", "1 min", "2 min 5 s", "59 min 59 s"],
    ...["1 h", "3 h 20 min", "25 h"],
  ]);
});

test("ageText: an age has one unit, and a time in the future is just now", () => {
  const now = Date.UTC(2026, 10, 29);
  const ages = [-5_000, 59_000, 60_000, 3_599_000, 7_200_000, 86_400_000, 200 * 86_400_000];
  expect(ages.map((age) => ageText(now - age, now))).toEqual([
    ...["just now", "just now", "1 minute ago", "59 minutes ago", "2 hours ago", "1 day ago", "200 days ago"],
  ]);
});
