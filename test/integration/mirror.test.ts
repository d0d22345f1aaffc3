// A mirror with faulty responses: the run reports the file and the reason, and leaves no partial changes. With a
// correct mirror the next run succeeds, and the host equals that of an uninterrupted run.

import { afterEach, expect, test } from "bun:test";
import { aptCache } from "./apt-cache.ts";
import { badMirror, type Fault } from "./bad-mirror.ts";
import { suites } from "./base.ts";
import { figure, soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { changeable, endsWell, undisturbed } from "./undisturbed.ts";

const tested = soak ? suites : (["bookworm"] as const);
/** The signed file of a source, that of Debian's main source only, its package list, and a package. */
const release = "/(In)?Release$";
const one = "/dists/(bookworm|trixie)/(In)?Release$";
const list = "/main/binary-";
const git = "/git_[^/]+\\.deb$";

const page = /Clearsigned file isn't valid, got 'NOSPLIT' \(does the network require authentication\?\)$/;
const half = /Error reading from server\. Remote end closed connection$/;

/** The error after the address. */
const faults: [Fault, string, RegExp][] = [
  ["page", release, page],
  ["wrong", release, page],
  ["page", list, /File has unexpected size \(95 != \d+\)/],
  ["wrong", list, /Hash Sum mismatch$/],
  ["page", git, /File has unexpected size \(95 != \d+\)/],
  ["wrong", git, /Hash Sum mismatch$/],
];
const endless = /File has unexpected size/;
const unfinished: typeof faults = [
  ["endless", one, endless],
  ["half", release, half],
  ["endless", list, endless],
  // apt then requests the uncompressed list, which not every mirror has.
  ["half", list, new RegExp(`${half.source}|404 +Not Found$`)],
  ["endless", git, endless],
  ["half", git, half],
];
/** apt resumes half a file, and apt 2.6 may then hang until its limit expires. */
const givenUp = /apt-get update timed out after 20 min; its last output is /;

let host: TestHost;
afterEach(() => host?.down());

for (const suite of tested) {
  test(`mirror: each faulty file is reported on ${suite}, changes nothing, and does not affect the next run`, async () => {
    host = await TestHost.bare(suite);
    const before = changeable(host);
    for (const [fault, pattern, reason] of faults) {
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

/** The cases that take minutes. */
const long: [string, Fault, string, RegExp][] = [
  ["never answers for a list", "silent", release, /: Failed to fetch http:/],
  ["never answers for a package", "silent", git, /: Failed to fetch http:/],
  ["sends a byte a second", "dripping", one, givenUp],
];
/** Longer than apt's own limit. */
const limitMs = 25 * 60_000;

for (const [what, fault, pattern, said] of soak ? long : []) {
  test(
    `mirror: a mirror that ${what} is not waited for indefinitely`,
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

for (const suite of soak ? suites : []) {
  for (const [fault, pattern, reason] of unfinished) {
    test(
      `mirror: ${fault} of ${pattern} on ${suite} is reported, changes nothing, and does not affect the next run`,
      async () => {
        host = await TestHost.bare(suite);
        const before = changeable(host);
        const { code, stderr } = await servedBadly(fault, pattern);
        const error = stderr.slice(stderr.search(/^error: /m));
        const [first = ""] = error.split("\n");
        expect([code, first]).toEqual([1, expect.stringMatching(new RegExp(`${reason.source}|${givenUp.source}`))]);
        expect(first).toMatch(/^error: packages\.install: apt-get /);
        expect(first.length).toBeLessThan(600);
        expect(error).toMatch(/^hint: apt-get /m);
        expect(changeable(host)).toBe(before);
        figure(`${fault} of ${pattern}`, suite, 0, givenUp.test(first) ? "given up" : "named");
        endsWell(host, await undisturbed(suite));
      },
      limitMs,
    );
  }
}

/** Runs bootstrap while the mirror has this fault for the matching addresses. */
async function servedBadly(fault: Fault, pattern: string) {
  const cachePort = await aptCache();
  using mirror = await badMirror(fault, pattern, `http://${host.gateway}:${cachePort}`);
  const through = (port: number) => host.sh(`sed -i 's/gateway:[0-9]*/gateway:${port}/' /etc/apt/apt.conf.d/90cache`);
  through(mirror.port);
  const ended = host.run(["edox-ops", "bootstrap", "--yes"]);
  through(cachePort);
  return ended;
}
