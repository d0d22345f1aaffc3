// The host after an uninterrupted run, with which every other one is compared.

import { expect } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Suite } from "./base.ts";
import { rounds } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

/** Files that differ in every installation and are not compared: logs, caches, and times in dpkg's records. */
const left = ["/etc", "/var/www", "/var/lib/dpkg/info", "/var/lib/dpkg/updates"];
/** Files that differ in each host, boot or installation. */
const varies =
  /apt\.conf\.d\/90cache|\/etc\/(machine-id|hostname|hosts|resolv\.conf|ld\.so\.cache|\.pwd\.lock|mtab)|ssl\/certs\/java/;

export interface Undisturbed {
  state: string[];
  /** The duration of its run. */
  seconds: number;
  stdout: string;
  /** The output of a second run. */
  again: string;
}

const known = new Map<Suite, Promise<Undisturbed>>();

/** Returns the result for a suite. It is created once. */
export function undisturbed(suite: Suite): Promise<Undisturbed> {
  const found = known.get(suite) ?? shared(suite);
  known.set(suite, found);
  return found;
}

/** Returns the result that another file of the same `npm test` left in its directory, or leaves one there. */
async function shared(suite: Suite): Promise<Undisturbed> {
  const dir = process.env.EDOX_UNDISTURBED;
  if (dir === undefined) return make(suite);
  const path = `${dir}/${suite}.json`;
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const made = await make(suite);
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(made));
  renameSync(`${path}.${process.pid}`, path);
  return made;
}

async function make(suite: Suite): Promise<Undisturbed> {
  let made: Undisturbed | undefined;
  // The very first run waits for the network, but random moments are fractions of a later run's duration.
  for (const _ of rounds(1, 2)) {
    using host = await TestHost.bare(suite);
    const start = performance.now();
    const { code, stdout, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
    expect([code, stderr]).toEqual([0, ""]);
    const seconds = (performance.now() - start) / 1000;
    made = { state: stateOf(host), seconds, stdout, again: host.run(["edox-ops", "bootstrap", "--yes"]).stdout };
  }
  return made as Undisturbed;
}

/** Returns each path that a run leaves, with its content. */
export function stateOf(host: TestHost): string[] {
  return host
    .listing(...left)
    .split("\n")
    .filter((line) => !varies.test(line));
}

/** Returns a digest of everything that a run changes. */
export function changeable(host: TestHost): string {
  return Bun.hash(host.listing("/etc", "/var/lib/dpkg/info", "/var/lib/dpkg/status")).toString();
}

/** Returns files of edox-ops whose content is wrong. Temporary files that were not renamed yet do not count. */
export function damaged(host: TestHost, { state }: Undisturbed): string[] {
  return host
    .listing("/etc", "/var/www")
    .split("\n")
    .filter((line) => /^[0-9a-f]{64} .*edox-ops/.test(line) && !line.endsWith(".edox-ops-new"))
    .filter((line) => !state.includes(line));
}

/**
 * Verifies that the next run succeeds after any interruption. It may wait for a surviving apt, and prints nothing else.
 */
export function endsWell(host: TestHost, first: Undisturbed): void {
  const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^(waiting at most .+\n)*$/)]);
  expect(stateOf(host)).toEqual(first.state);
  // No line of the log contains the beginning of another.
  expect(host.run(["cat", "/var/log/edox-ops/bootstrap.log"]).stdout).not.toMatch(/.\[20\d\d-\d\d-\d\dT/);
  expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
  expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
}
