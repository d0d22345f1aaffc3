// A run interrupted at a random moment: killed with its children or alone, with its whole host, or by a power cut. The
// next run succeeds, and the host equals that of an uninterrupted run.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { chance, figure, rounds } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { damaged, endsWell, type Undisturbed, undisturbed } from "./undisturbed.ts";

for (const suite of suites) {
  describe(`bootstrap on ${suite}`, () => {
    let first: Undisturbed;
    let host: TestHost;
    beforeAll(async () => {
      first = await undisturbed(suite);
    });
    afterEach(() => host?.down());

    /**
     * Defines the rounds of one kind. The short form runs on one suite, with only the kinds that killed.test.ts lacks.
     */
    const kind = (name: string, short: number, long: number, act: (moment: number) => Promise<unknown>): void => {
      for (const round of rounds(suite === "bookworm" ? short : 0, long)) {
        test(`bootstrap: ${name}, ${round}`, async () => {
          const share = chance(name, suite, round);
          await act(share * first.seconds);
          const found = inTheMiddleOf(host);
          endsWell(host, first);
          figure(name, suite, share, found);
        });
      }
    };

    const start = (killMode: string): void => {
      const unit = ["--quiet", "--unit=victim", `--property=KillMode=${killMode}`];
      expect(host.raw(["systemd-run", ...unit, "edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    };
    const kill = (whom: string): void => {
      const gone = "timeout 10 sh -c 'while systemctl is-active -q victim; do :; done'";
      host.raw(["sh", "-c", `systemctl kill -s KILL --kill-whom=${whom} victim; ${gone}`]);
    };

    kind("its host stopped", 0, 5, async (moment) => {
      host = await TestHost.bare(suite);
      start("process");
      await Bun.sleep(moment * 1000);
      await host.stop();
    });

    kind("its power cut", 1, 5, async (moment) => {
      host = await TestHost.bare(suite, { commitSeconds: 1, contentFirst: true });
      host.sync();
      start("process");
      await Bun.sleep(moment * 1000);
      await host.powerCut();
      expect(damaged(host, first)).toEqual([]);
    });

    kind("killed with its children", 0, 15, async (moment) => {
      host = await TestHost.bare(suite);
      start("control-group");
      await Bun.sleep(moment * 1000);
      kill("all");
    });

    kind("killed without its children", 1, 15, async (moment) => {
      host = await TestHost.bare(suite);
      start("process");
      await Bun.sleep(moment * 1000);
      kill("main");
    });
  });
}

/** Describes the state that the next run starts from. */
function inTheMiddleOf(host: TestHost): string {
  const log = host.run(["cat", "/var/log/edox-ops/bootstrap.log"]).stdout;
  const last = [...log.matchAll(/ STEP (\S+) ([A-Z]+)/g)].at(-1);
  const step = last === undefined ? "before any step" : `${last[1]} ${last[2]}`;
  return host.run(["dpkg", "--audit"]).stdout === "" ? step : `${step}, dpkg interrupted`;
}
