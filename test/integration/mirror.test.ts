// A mirror that serves something else than it should: the run says which file and why, and nothing is half done. When
// the mirror is well again the next run ends well, and the host is that of an undisturbed run.

import { afterEach, expect, test } from "bun:test";
import { aptCache } from "./apt-cache.ts";
import { badMirror, type Fault } from "./bad-mirror.ts";
import { TestHost } from "./test-host.ts";
import { endsWell, undisturbed } from "./undisturbed.ts";

const soak = process.env.EDOX_SOAK === "1";
const suites = soak ? (["bookworm", "trixie"] as const) : (["bookworm"] as const);
/** What is signed of a source; of Debian's own only; its list of packages; a package. */
const release = "/(In)?Release$";
const one = "/dists/(bookworm|trixie)/(In)?Release$";
const list = "/main/binary-";
const git = "/git_[^/]+\\.deb$";

/** What is said of it, after its address. The endless ones come before the halves: see the last test. */
const faults: [Fault, string, string][] = [
  ["page", release, "Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)"],
  ["wrong", release, "Clearsigned file isn't valid"],
  ["endless", one, "File has unexpected size"],
  ["half", release, "Error reading from server. Remote end closed connection"],
  ["page", list, "File has unexpected size (95 != "],
  ["wrong", list, "Hash Sum mismatch"],
  ["endless", list, "File has unexpected size"],
  ["half", list, "Error reading from server. Remote end closed connection"],
  ["page", git, "File has unexpected size (95 != "],
  ["wrong", git, "Hash Sum mismatch"],
  ["endless", git, "File has unexpected size"],
  ["half", git, "Error reading from server. Remote end closed connection"],
];

let host: TestHost;
afterEach(() => host?.down());

for (const suite of suites) {
  test(`each bad file is named on ${suite}, changes nothing, and does no harm to the next run`, async () => {
    host = await TestHost.bare(suite);
    const before = changed();
    for (const [fault, pattern, reason] of faults) {
      const { code, stderr } = await servedBadly(fault, pattern);
      const [first = "", ...more] = stderr.split("\n");
      expect([fault, pattern, code, first]).toEqual([fault, pattern, 1, expect.stringContaining(reason)]);
      expect(first).toMatch(/^error: packages\.install: apt-get could not install .+: Failed to fetch http:\S+/);
      expect(first.length).toBeLessThan(600);
      expect(more.some((line) => line.startsWith("hint: apt-get "))).toBe(true);
      expect(changed()).toBe(before);
    }
    endsWell(host, await undisturbed(suite));
  });
}

const minute = 60_000;

if (soak) {
  for (const [what, pattern] of [
    ["list", release],
    ["package", git],
  ] as const) {
    test(
      `a mirror that never answers for a ${what} is waited for as long as is told`,
      async () => {
        host = await TestHost.bare();
        const { code, stderr } = await servedBadly("silent", pattern);
        expect([code, stderr]).toEqual([1, expect.stringMatching(/^waiting at most \d+ min for apt-get .+\nerror: /)]);
        expect(stderr).toContain(": Failed to fetch http://");
        endsWell(host, await undisturbed("bookworm"));
      },
      25 * minute,
    );
  }

  for (const [first, then] of [
    ["half", "endless"],
    ["half", "dripping"],
  ] as const) {
    test(
      `a list that came by ${first}, and then is ${then}, is given up though apt does not`,
      async () => {
        host = await TestHost.bare();
        await servedBadly(first, release);
        const { code, stderr } = await servedBadly(then, one);
        expect([code, stderr]).toEqual([
          1,
          expect.stringContaining("apt-get update was given up after 20 min; the last"),
        ]);
        endsWell(host, await undisturbed("bookworm"));
      },
      25 * minute,
    );
  }
}

/** A digest of what a run changes. */
function changed(): string {
  return Bun.hash(host.listing("/etc", "/var/lib/dpkg/info", "/var/lib/dpkg/status")).toString();
}

/** A run of which the mirror answers so for the addresses that match. */
async function servedBadly(fault: Fault, pattern: string) {
  const cachePort = await aptCache();
  using mirror = await badMirror(fault, pattern, `http://${host.gateway}:${cachePort}`);
  const through = (port: number) => host.sh(`sed -i 's/gateway:[0-9]*/gateway:${port}/' /etc/apt/apt.conf.d/90cache`);
  through(mirror.port);
  const ended = host.run(["edox-ops", "bootstrap", "--yes"]);
  through(cachePort);
  return ended;
}
