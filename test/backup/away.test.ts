// A server that stays away ends a run, and a short outage does not.

import { expect, test } from "bun:test";
import { awayTooLong } from "../../src/backup/away.ts";

const failure = "Save(<data/2dd204bc93>) returned error, retrying after 720.254544ms: dial tcp: i/o timeout\n";
const minute = 60_000;

/** Returns the minute at which a run ends, if a request fails at these minutes; null if it does not end. */
function endOf(failures: readonly number[], printed = failure): number | null {
  let now = 0;
  const isAway = awayTooLong(() => now);
  return (
    failures.find((at) => {
      now = at * minute;
      return isAway(printed);
    }) ?? null
  );
}

test("backup run: requests that fail for ten minutes end it", () => {
  expect(endOf([5, 6, 7.5, 9, 10, 12, 14, 14.9, 16, 17])).toBe(16);
});

test("backup run: a server that never answered is reported soon", () => {
  const printed = "Stat(<config/>) returned error, retrying after 877.394044ms: connect: connection refused\n";
  expect(endOf([0, 0.1, 0.3, 0.5, 0.9, 1.5], printed)).toBe(0.9);
});

test("backup run: outages of minutes with requests that succeed between them do not end it", () => {
  expect(endOf([0, 2, 4, 6, 8, 12, 14, 16, 18, 20, 25, 26])).toBeNull();
});

test("backup run: a request that succeeds after its repetition shows that the server is there", () => {
  let now = 0;
  const isAway = awayTooLong(() => now);
  const success = "Save(<data/2dd204bc93>) operation successful after 1 retries\n";
  const minutes = Array.from({ length: 20 }, (_, i) => i);
  const ends = minutes.filter((at) => {
    now = at * minute;
    return isAway(failure) || isAway(success);
  });
  expect(ends).toEqual([]);
});

test("backup run: other messages are no failed request", () => {
  const isAway = awayTooLong(() => 0);
  expect(isAway("error: open /var/www/docs/x: no such file or directory\n")).toBe(false);
});
