// A simulated year of renewals by the command of certbot's timer, with an authority that is down for random days.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runs } from "../runs.ts";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { chance, figure, soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { daySeconds, type Served, Year } from "./year.ts";

const lifetimes = [6, 45, 64, 90];
const days = runs(7, 365);
const domainOf = (lifetime: number): string => `d${lifetime}.test`;

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`renewal on ${suite}`, () => {
    let host: TestHost;
    let ca: TestHost;
    let year: Year;
    beforeAll(async () => {
      host = await bootstrapped(suite);
      ca = suite === "bookworm" ? host : await TestHost.up("bookworm");
      Year.prepare(host, ca, lifetimes, lifetimes.map(domainOf));
      host.sh("mkdir -p /srv/site && echo home >/srv/site/index.html");
      for (const lifetime of lifetimes) {
        const flags = `--source /srv/site --tls --server ${Year.directory(lifetime)}`;
        const publish = `edox-ops project publish d${lifetime} --domain ${domainOf(lifetime)} ${flags}`;
        expect(host.sh(publish)).toMatchObject({ code: 0 });
      }
      year = new Year(host, ca, lifetimes);
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

    test("renew: certbot renews a 6-day certificate at every run, and after certs setup-auto-renew when two thirds of it are left", async () => {
      const hour = daySeconds / 24;
      const setting = "/^renew_before_expiry = 9[56] hours$/";
      // The setting that publish made is removed.
      const remove = `sed -i '${setting}w /dev/stdout' $1; sed -i '${setting}d' $1`;
      expect(host.run(["sh", "-c", remove, "sh", "/etc/letsencrypt/renewal/d6.test.conf"]).stdout).not.toBe("");
      for (const [at, due] of [
        [hour, [6]],
        [2 * hour, [6]],
      ] as const) {
        year.moveTo(at);
        expect([at, await replaced(renew)]).toEqual([at, [...due]]);
      }
      expect(host.sh("edox-ops certs setup-auto-renew --yes")).toMatchObject({ code: 0 });
      for (const [at, due] of [
        [3 * hour, []],
        [2 * daySeconds + 4 * hour, [6]],
      ] as const) {
        year.moveTo(at);
        expect([at, await replaced(renew)]).toEqual([at, [...due]]);
      }
    });

    test(`renew: no certificate expires in ${days} days, though the authority is down for random days`, async () => {
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
        if (isOver && wasUp && chance("down", suite, String(half)) < 1 / 4) {
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
