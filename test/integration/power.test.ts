// The power is cut just after edox-ops wrote files: they are intact, because they were synced.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { chance, figure, rounds } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { damaged, endsWell, type Undisturbed, undisturbed } from "./undisturbed.ts";

for (const suite of suites) {
  describe(`power cut on ${suite}`, () => {
    let first: Undisturbed;
    let host: TestHost;
    beforeAll(async () => {
      first = await undisturbed(suite);
    });
    afterEach(() => host?.down());

    /** Only files of edox-ops are at risk. The journal is quick, so that names reach the disk before content. */
    async function withPackages(): Promise<void> {
      host = await TestHost.bare(suite, { commitSeconds: 1 });
      expect(host.run(["edox-ops", "bootstrap", "--yes", "--only", "packages.install"]).code).toBe(0);
      host.sync();
    }

    for (const round of rounds(suite === "bookworm" ? 1 : 0, 5)) {
      test(`power cut: written files are complete, and are not if fsync is disabled, ${round}`, async () => {
        await withPackages();
        const moment = 2 * chance("written", suite, round);
        expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
        const log = host.run(["cat", "/var/log/edox-ops/bootstrap.log"]).stdout;
        await Bun.sleep(moment * 1000);
        await host.powerCut();
        const here = host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code;
        expect([damaged(host, first), here]).toEqual([[], 0]);
        expect(host.run(["cat", "/var/log/edox-ops/bootstrap.log"]).stdout).toBe(log);
        endsWell(host, first);
        figure("power cut after the last step", suite, moment, "all there");

        host.run(["rm", "/etc/nginx/conf.d/edox-ops-default.conf", "/etc/nginx/conf.d/edox-ops-limits.conf"]);
        host.sync();
        expect(host.unsynced(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
        await Bun.sleep(2500);
        await host.powerCut();
        const empty = damaged(host, first).length;
        expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(3);
        figure("the same without fsync", suite, 2.5, empty > 0 ? `${empty} of 2 files empty` : "files gone");
      });
    }
  });
}
