// An interrupted run: killed with all its children, or failed intentionally. The next run succeeds, and the host equals
// that of an uninterrupted run.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { soak, testsOn } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { endsWell, type Undisturbed, undisturbed } from "./undisturbed.ts";

const log = "/var/log/edox-ops/bootstrap.log";
const steps = ["packages.install", "site.directories", "nginx.prepare", "bootstrap.complete"];
/** A moment of a run, and the shell condition for it. */
type Moment = readonly [when: string, condition: string];
const logged = (words: string): string => `grep -Eqs "STEP ${words}" ${log}`;
const start: Moment = ['at "packages.install START"', logged("packages.install START")];
// A step that an earlier run completed is skipped.
const ends = steps.slice(0, -1).map((id): Moment => [`at "${id} SUCCESS"`, logged(`${id} (SUCCESS|SKIPPED)`)]);
const unpacking: Moment = [
  "while dpkg unpacks",
  "ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1 && test -e /var/lib/dpkg/info/git.list",
];
/** The runs of one host are killed at each moment in turn. In the soak, each moment has a host of its own as well. */
const inTurn = [start, unpacking, ...ends];

for (const suite of suites) {
  describe(`bootstrap on ${suite}`, () => {
    const on = testsOn(suite);
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

    /**
     * Kills the run in the host with all its children as soon as this shell condition is true. A run may end before it
     * is seen.
     */
    function killWhen(made: TestHost, condition: string): void {
      const { code } = made.raw([
        "/bin/bash",
        "-c",
        `systemd-run --quiet --collect --unit=victim --property=KillMode=control-group edox-ops bootstrap --yes
        until ${condition}; do systemctl is-active -q victim || { ${condition}; exit; }; done
        systemctl kill -s KILL --kill-whom=all victim
        while systemctl is-active -q victim; do :; done`,
      ]);
      expect([condition, code]).toEqual([condition, 0]);
      if (condition === unpacking[1]) expect(made.run(["dpkg", "--audit"]).stdout).not.toBe("");
    }

    for (const moments of [inTurn, ...(soak ? inTurn.map((each) => [each]) : [])]) {
      test(`bootstrap: killed ${moments.map(([when]) => when).join(", then ")}`, async () => {
        host = await TestHost.bare(suite);
        for (const [, condition] of moments) killWhen(host, condition);
        endsWell(host, first);
      });
    }

    on("trixie", "bootstrap: failed intentionally at each step in turn", async () => {
      host = await TestHost.bare(suite);
      for (const id of steps) {
        const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes", "--fail-step", id]);
        expect([code, stderr]).toEqual([1, expect.stringContaining(`Bootstrap failed at step ${id}`)]);
      }
      endsWell(host, first);
    });
  });
}
