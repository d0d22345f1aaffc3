// An interrupted run: killed with all its children, or failed intentionally. The next run succeeds, and the host equals
// that of an uninterrupted run.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { endsWell, type Undisturbed, undisturbed } from "./undisturbed.ts";

const log = "/var/log/edox-ops/bootstrap.log";
const steps = ["packages.install", "site.directories", "nginx.prepare", "bootstrap.complete"];
const boundaries = ["packages.install START", ...steps.slice(0, -1).map((id) => `${id} SUCCESS`)];
/** The boundaries of the short form, divided between the suites. The soak covers all of them on both. */
const short = { bookworm: boundaries.slice(0, 2), trixie: boundaries.slice(2) };

for (const suite of suites) {
  describe(`bootstrap on ${suite}`, () => {
    let first: Undisturbed;
    let host: TestHost | undefined;
    beforeAll(async () => {
      first = await undisturbed(suite);
    });
    afterEach(() => {
      host?.down();
      host = undefined;
    });

    test("bootstrap: an uninterrupted run changes each step, and a second run none", () => {
      const { stdout, again } = first;
      const ids = [...again.matchAll(/^ok {7}(\S+) /gm)].map(([, id]) => id);
      expect(ids).toEqual(steps);
      expect(again).toEndWith("\nBootstrap installation phase completed successfully.\n");
      expect(stdout).toBe(again.replaceAll(/^ok {7}/gm, "changed  "));
    });

    /** Kills the run in the host with all its children as soon as this shell condition is true. */
    async function killedWhen(condition: string): Promise<TestHost> {
      const made = await TestHost.bare(suite);
      made.raw([
        "/bin/bash",
        "-c",
        `systemd-run --quiet --unit=victim --property=KillMode=control-group edox-ops bootstrap --yes
        until ${condition}; do systemctl is-active -q victim || exit 1; done
        systemctl kill -s KILL --kill-whom=all victim
        while systemctl is-active -q victim; do :; done`,
      ]);
      return made;
    }

    for (const boundary of soak ? boundaries : short[suite]) {
      test(`bootstrap: killed at "${boundary}"`, async () => {
        host = await killedWhen(`grep -qs "STEP ${boundary}" ${log}`);
        endsWell(host, first);
      });
    }

    test("bootstrap: killed while dpkg unpacks", async () => {
      host = await killedWhen("ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1 && test -e /var/lib/dpkg/info/git.list");
      expect(host.run(["dpkg", "--audit"]).stdout).not.toBe("");
      endsWell(host, first);
    });

    test("bootstrap: failed intentionally at each step in turn", async () => {
      host = await TestHost.bare(suite);
      for (const id of steps) {
        const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes", "--fail-step", id]);
        expect([code, stderr]).toEqual([1, expect.stringContaining(`Bootstrap failed at step ${id}`)]);
      }
      endsWell(host, first);
    });
  });
}
