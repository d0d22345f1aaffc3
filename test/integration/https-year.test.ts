// A simulated year of renewals by the command of certbot's timer, with an authority that is down for random days.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { runs } from "../runs.ts";
import { suites } from "./base.ts";
import { chance, figure, soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { daySeconds, type Served, Year } from "./year.ts";

const lifetimes = [6, 45, 64, 90];
const days = runs(15, 365);
const domainOf = (lifetime: number): string => `d${lifetime}.test`;

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`renewal on ${suite}`, () => {
    let host: TestHost;
    let ca: TestHost;
    let year: Year;
    beforeAll(async () => {
      host = await TestHost.bare(suite);
      expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
      expect(host.sh("DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends certbot").code).toBe(
        0,
      );
      ca = suite === "bookworm" ? host : await TestHost.up("bookworm");
      year = Year.start(host, ca, lifetimes, lifetimes.map(domainOf));
      const hook = "/etc/letsencrypt/renewal-hooks/deploy/reload";
      const prepare = `mkdir -p /etc/letsencrypt/renewal-hooks/deploy /srv/site && echo home >/srv/site/index.html &&
        printf '#!/bin/sh\\nnginx -t -q && systemctl reload nginx\\n' >${hook} && chmod +x ${hook}`;
      expect(host.sh(prepare)).toMatchObject({ code: 0 });
      for (const lifetime of lifetimes) {
        const publish = `edox-ops project publish d${lifetime} --domain ${domainOf(lifetime)} --source /srv/site`;
        expect(host.sh(publish)).toMatchObject({ code: 0, stderr: "" });
        const domain = domainOf(lifetime);
        const server = `--server ${year.directory(lifetime)} --agree-tos --register-unsafely-without-email`;
        const issue = `certonly -q -n ${server} --webroot -w /var/lib/edox-ops/acme --cert-name ${domain} -d ${domain}`;
        expect([domain, await year.run(...issue.split(" "))]).toEqual([domain, 0]);
        expect(host.sh(`edox-ops project update d${lifetime} --tls`)).toMatchObject({ code: 0 });
      }
    });
    afterAll(() => {
      year?.[Symbol.dispose]();
      if (ca !== host) ca?.down();
      host?.down();
    });

    const renew = (): Promise<number> => year.run("-q", "renew", "--no-random-sleep-on-renew");
    /** Returns the names of the lifetimes whose certificate this replaces. */
    const replaced = async (act: () => Promise<unknown>): Promise<number[]> => {
      const serials = () => Promise.all(lifetimes.map(async (each) => (await year.served(domainOf(each))).serial));
      const before = await serials();
      await act();
      await Bun.sleep(300);
      const after = await serials();
      return lifetimes.filter((_, i) => before[i] !== after[i]);
    };

    test("Debian's certbot renews a 6-day certificate at every run, and with renew_before_expiry when that is due", async () => {
      const hour = daySeconds / 24;
      for (const [at, due] of [
        [hour, [6]],
        [2 * hour, [6]],
      ] as const) {
        year.moveTo(at);
        expect([at, await replaced(renew)]).toEqual([at, [...due]]);
      }
      const path = `${host.root}/etc/letsencrypt/renewal/d6.test.conf`;
      writeFileSync(path, `renew_before_expiry = 3 days\n${readFileSync(path, "utf8")}`);
      for (const [at, due] of [
        [3 * hour, []],
        [3 * daySeconds + 4 * hour, [6]],
      ] as const) {
        year.moveTo(at);
        expect([at, await replaced(renew)]).toEqual([at, [...due]]);
      }
    });

    test(`no certificate expires in ${days} days, though the authority is down for random days`, async () => {
      const start = 4 * daySeconds;
      const state = lifetimes.map((lifetime) => ({ lifetime, issues: 0, least: 1, expiredSeconds: 0, last: "" }));
      let failed = 0;
      let downUntil = 0;
      let wasUp = true;
      for (let half = 0; half < 2 * days; half++) {
        // The timer's moments are midnight and noon, and up to twelve hours later.
        const seconds = start + (half + chance("timer", suite, String(half))) * (daySeconds / 2);
        year.moveTo(seconds);
        // Each outage takes up to a day and a half, and at least one run follows before the next.
        const isOver = seconds >= downUntil;
        if (isOver && wasUp && chance("down", suite, String(half)) < 1 / 6) {
          downUntil = seconds + daySeconds * (0.5 + chance("how long", suite, String(half)));
        }
        wasUp = seconds >= downUntil;
        year.become(wasUp ? "up" : "down");
        const before = await Promise.all(lifetimes.map((each) => year.served(domainOf(each))));
        for (const [i, { serial, from, to }] of before.entries() as Iterable<[number, Served]>) {
          const each = state[i] ?? expect.unreachable();
          each.least = Math.min(each.least, (to - year.now) / (to - from));
          each.expiredSeconds += Math.max(0, year.now - to);
          if (each.last !== serial) each.issues += 1;
          each.last = serial;
        }
        if ((await renew()) !== 0) failed += 1;
      }
      for (const { lifetime, issues, least } of state) {
        const found = `${lifetime} days: ${issues} certificates, at least ${Math.round(least * 100)} % left, ${failed} runs failed`;
        console.error(found);
        figure("a simulated year", suite, 0, found);
      }
      expect(state.map(({ expiredSeconds }) => expiredSeconds)).toEqual(lifetimes.map(() => 0));
      // The authority was down when a certificate was due.
      expect(failed).toBeGreaterThan(0);
    });
  });
}
