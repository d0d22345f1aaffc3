// A mirror that serves something else than it should: the run says which file and why, and nothing is half done. When
// the mirror is well again the next run ends well, and the host is that of an undisturbed run.

import { afterEach, expect, test } from "bun:test";
import { aptCache } from "./apt-cache.ts";
import { badMirror, type Fault } from "./bad-mirror.ts";
import { suites } from "./base.ts";
import { soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { changeable, endsWell, undisturbed } from "./undisturbed.ts";

const tested = soak ? suites : (["bookworm"] as const);
/** What is signed of a source; of Debian's own only; its list of packages; a package. */
const release = "/(In)?Release$";
const one = "/dists/(bookworm|trixie)/(In)?Release$";
const list = "/main/binary-";
const git = "/git_[^/]+\\.deb$";

const page = /Clearsigned file isn't valid, got 'NOSPLIT' \(does the network require authentication\?\)$/;
const half = /Error reading from server\. Remote end closed connection$/;

/**
 * What is said of it, after its address. Half of one is resumed: apt 2.6 may then wait for ever for the rest
 * of an endless one, so that those come first.
 */
const faults: [Fault, string, RegExp][] = [
  ["page", release, page],
  ["wrong", release, page],
  ["endless", one, /File has unexpected size/],
  ["half", release, half],
  ["page", list, /File has unexpected size \(95 != \d+\)/],
  ["wrong", list, /Hash Sum mismatch$/],
  ["endless", list, /File has unexpected size/],
  // In its place apt asks for the list that is not compressed, which not every mirror has.
  ["half", list, new RegExp(`${half.source}|404 +Not Found$`)],
  ["page", git, /File has unexpected size \(95 != \d+\)/],
  ["wrong", git, /Hash Sum mismatch$/],
  ["endless", git, /File has unexpected size/],
  ["half", git, half],
];

let host: TestHost;
afterEach(() => host?.down());

for (const suite of tested) {
  test(`each bad file is named on ${suite}, changes nothing, and does no harm to the next run`, async () => {
    host = await TestHost.bare(suite);
    const before = changeable(host);
    // What apt resumes, or what does not end, may make apt 2.6 wait for nothing until its 20 minutes are over.
    for (const [fault, pattern, reason] of faults.filter(([fault]) => soak || fault === "page" || fault === "wrong")) {
      const { code, stderr } = await servedBadly(fault, pattern);
      const [first = "", ...more] = stderr.split("\n");
      expect([fault, pattern, code, first]).toEqual([fault, pattern, 1, expect.stringMatching(reason)]);
      expect(first).toMatch(/^error: packages\.install: apt-get could not install .+: Failed to fetch http:\S+/);
      expect(first.length).toBeLessThan(600);
      expect(more.some((line) => line.startsWith("hint: apt-get "))).toBe(true);
      expect(changeable(host)).toBe(before);
    }
    endsWell(host, await undisturbed(suite));
  });
}

/** What takes minutes. */
const long: [string, Fault, string, RegExp][] = [
  ["never answers for a list", "silent", release, /: Failed to fetch http:/],
  ["never answers for a package", "silent", git, /: Failed to fetch http:/],
  ["sends a byte a second", "dripping", one, /apt-get update was given up after 20 min; the last it said is /],
];

for (const [what, fault, pattern, said] of soak ? long : []) {
  const limitMs = 25 * 60_000;
  test(
    `a mirror that ${what} is not waited for without an end`,
    async () => {
      host = await TestHost.bare();
      const { code, stderr } = await servedBadly(fault, pattern);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^waiting at most \d+ min for apt-get .+\nerror: /)]);
      expect(stderr).toMatch(said);
      endsWell(host, await undisturbed("bookworm"));
    },
    limitMs,
  );
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
