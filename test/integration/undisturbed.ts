// The host that nothing happened to: what every other one has to be like in the end.

import { expect } from "bun:test";
import type { Suite } from "./base.ts";
import { rounds } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

/** What a run leaves, but for what differs in every installation: logs, caches, and times in dpkg's records. */
const left = ["/etc", "/var/www", "/var/lib/dpkg/info", "/var/lib/dpkg/updates"];
/** What each host, boot or installation has of its own. */
const varies =
  /apt\.conf\.d\/90cache|\/etc\/(machine-id|hostname|hosts|resolv\.conf|ld\.so\.cache|\.pwd\.lock|mtab)|ssl\/certs\/java/;

export interface Undisturbed {
  state: string[];
  /** How long its run took. */
  seconds: number;
  stdout: string;
  /** Of a second run. */
  again: string;
}

const known = new Map<Suite, Promise<Undisturbed>>();

/** Made once for each suite. */
export function undisturbed(suite: Suite): Promise<Undisturbed> {
  const found = known.get(suite) ?? make(suite);
  known.set(suite, found);
  return found;
}

async function make(suite: Suite): Promise<Undisturbed> {
  let made: Undisturbed | undefined;
  // The first run of all waits for the network: the moments of many rounds are shares of a later one.
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

/** Each path of what a run leaves, and what is in it. */
export function stateOf(host: TestHost): string[] {
  return host
    .listing(...left)
    .split("\n")
    .filter((line) => !varies.test(line));
}

/** A digest of what a run changes. */
export function changeable(host: TestHost): string {
  return Bun.hash(host.listing("/etc", "/var/lib/dpkg/info", "/var/lib/dpkg/status")).toString();
}

/** Files of ours that are there with other bytes than they should have. One that no run has put in its place is none. */
export function damaged(host: TestHost, { state }: Undisturbed): string[] {
  return host
    .listing("/etc", "/var/www")
    .split("\n")
    .filter((line) => /^[0-9a-f]{64} .*edox-ops/.test(line) && !line.endsWith(".edox-ops-new"))
    .filter((line) => !state.includes(line));
}

/** Whatever happened before. An apt that lived on is waited for, and nothing else is said. */
export function endsWell(host: TestHost, first: Undisturbed): void {
  const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^(waiting at most .+\n)*$/)]);
  expect(stateOf(host)).toEqual(first.state);
  // No line of the log has the beginning of another in it.
  expect(host.run(["cat", "/var/log/edox-ops/bootstrap.log"]).stdout).not.toMatch(/.\[20\d\d-\d\d-\d\dT/);
  expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
  expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
}
