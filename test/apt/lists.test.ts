// The package lists after a power cut: apt writes them without a sync.

import { expect, test } from "bun:test";
import { updateLists } from "../../src/apt/lists.ts";
import { fakeHost, ok } from "../fake-host.ts";

const dir = "/var/lib/apt/lists";
const release = `${dir}/mirror.test_debian_dists_trixie_InRelease`;
const packages = `${dir}/mirror.test_debian_dists_trixie_main_binary-amd64_Packages`;

/** Returns a host whose apt prints this error until the lists are gone. */
function damaged(stderr: string) {
  const host = fakeHost();
  for (const path of [release, packages, `${dir}/lock`]) host.put(path, "");
  host.dir(`${dir}/partial`);
  host.taught.push(() => (host.stat(release) === null ? ok() : { code: 100, stdout: "", stderr }));
  return host;
}

test.each([
  `E: Splitting up ${release} into data and signature failed`,
  `E: Problem with MergeList ${packages}`,
  `E: Unable to parse package file ${packages} (1)`,
])("apt: damaged lists are removed and fetched again: %s", async (line) => {
  const host = damaged(`${line}\nE: The package lists or status file could not be parsed or opened.\n`);
  expect(await updateLists(host, () => null)).toEqual([]);
  expect(host.ran).toHaveLength(2);
  expect(host.list(dir)).toEqual(["lock", "partial"]);
});

test.each([
  `E: Splitting up ${dir}/partial/mirror.test_InRelease into data and signature failed`,
  "W: Failed to fetch http://mirror.test/debian/dists/trixie/InRelease  Could not resolve 'mirror.test'",
])("apt: lists stay where the server is the reason: %s", async (line) => {
  const host = damaged(`${line}\n`);
  expect(await updateLists(host, () => null)).toHaveLength(1);
  expect(host.ran).toHaveLength(1);
  expect(host.stat(release)).not.toBeNull();
});

test.each([
  ["of the size in the release file stays", 4, 1],
  ["that a power cut has shortened is fetched again, with all others", 3, 0],
])("apt: a list %s", async (_, size, left) => {
  const host = fakeHost();
  host.taught.push(() => ok());
  const digest = "a".repeat(64);
  host.put(release, `SHA256:\n ${digest}        4 main/binary-amd64/Packages\n ${digest} 9 contrib/Contents-amd64\n`);
  host.put(packages, "x".repeat(size));
  host.put(`${dir}/other.test_dists_x_main_binary-amd64_Packages`, "");
  expect(await updateLists(host, () => null)).toEqual([]);
  expect(host.list(dir)?.length).toBe(left * 3);
});
