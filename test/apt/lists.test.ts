// The package lists after a power cut: apt writes them without a sync.

import { expect, test } from "bun:test";
import { installPackages } from "../../src/apt/apt.ts";
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
  `E: Splitting of clearsigned file ${release} failed as it doesn't contain all expected parts`,
  `E: Problem with MergeList ${packages}`,
  `E: Unable to parse package file ${packages} (1)`,
])("apt: damaged lists are removed and fetched again: %s", async (line) => {
  const host = damaged(`${line}\nE: The package lists or status file could not be parsed or opened.\n`);
  expect(await updateLists(host, () => null)).toEqual([]);
  expect(host.ran).toHaveLength(2);
  expect(host.list(dir)).toEqual(["lock", "partial"]);
});

test("apt: damaged lists do not keep an interrupted installation from its end", async () => {
  const host = fakeHost();
  host.put(release, "");
  host.put("/var/lib/dpkg/updates/0001", "");
  const stderr = `E: Splitting of clearsigned file ${release} failed as it doesn't contain all expected parts\n`;
  host.taught.push((argv) => {
    if (argv.includes("--fix-broken") && host.stat(release) !== null) return { code: 100, stdout: "", stderr };
    if (argv.includes("--fix-broken")) host.remove("/var/lib/dpkg/updates/0001");
    return ok();
  });
  expect(await installPackages(host, { names: [] }, () => null)).toEqual([]);
  const words = host.ran.map((argv) => ["--fix-broken", "update", "--configure"].find((each) => argv.includes(each)));
  expect(words).toEqual(["--configure", "--fix-broken", "update", "--fix-broken"]);
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

/** Returns a host with a list of this size, of which the release file says that it has 4 bytes, and one of another source. */
function listed(size: number, answer = ok()) {
  const host = fakeHost();
  host.taught.push(() => answer);
  const digest = "a".repeat(64);
  host.put(release, `SHA256:\n ${digest}        4 main/binary-amd64/Packages\n ${digest} 9 contrib/Contents-amd64\n`);
  host.put(packages, "x".repeat(size));
  host.put(other, "");
  return host;
}

const other = `${dir}/other.test_dists_x_main_binary-amd64_Packages`;

test("apt: a list that a power cut has shortened is fetched again, with the others of its source", async () => {
  const host = listed(3);
  expect(await updateLists(host, () => null)).toEqual([]);
  expect(host.list(dir)?.map((name) => `${dir}/${name}`)).toEqual([other]);
  expect(host.ran).toHaveLength(2);
});

test("apt: a list of a flat repository that a power cut has shortened is fetched again", async () => {
  const host = fakeHost();
  host.taught.push(() => ok());
  const flat = `${dir}/mirror.test_flat_._`;
  host.put(`${flat}InRelease`, `SHA256:\n ${"a".repeat(64)} 4 Packages\n`);
  host.put(`${flat}Packages`, "xxx");
  await updateLists(host, () => null);
  expect(host.list(dir)).toEqual([]);
});

test("apt: lists stay that are whole, links to a local mirror, or cut while the server does not answer", async () => {
  const linked = listed(4);
  linked.remove(packages);
  linked.link(packages, "/srv/m");
  const away = listed(3, {
    code: 0,
    stdout: "",
    stderr: "W: Failed to fetch http://mirror.test/debian Could not resolve",
  });
  for (const host of [listed(4), linked, away]) {
    await updateLists(host, () => null);
    expect([host.ran.length, host.list(dir)?.length]).toEqual([1, 3]);
  }
});
