// HTTPS on real hosts, with certificates of Debian's pebble and certbot.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runs } from "../runs.ts";
import { suites } from "./base.ts";
import { type FaultyCa, startFaultyCa } from "./faulty-ca.ts";
import { type Pebble, startPebble } from "./pebble.ts";
import { figure } from "./rounds.ts";
import type { Ended } from "./run.ts";
import { TestHost } from "./test-host.ts";

const renewals = runs(2, 20);

/** What tls-load.ts prints. */
interface Load {
  counts: Record<string, { requests: number; repeated: number; failed: number }>;
  wrong: string[];
  serials: string[];
  readersOfAKind: number;
}

for (const suite of suites) {
  describe(`HTTPS on ${suite}`, () => {
    let host: TestHost;
    let pebble: Pebble;
    let ca: FaultyCa;
    beforeAll(async () => {
      host = await TestHost.bare(suite);
      expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
      expect(host.sh("DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends certbot").code).toBe(
        0,
      );
      pebble = startPebble(host, ["one.test"]);
      ca = startFaultyCa(host, pebble);
      for (const slug of ["one"]) {
        const made = host.sh(`mkdir -p /srv/${slug} && echo ${slug} >/srv/${slug}/index.html &&
          edox-ops project publish ${slug} --domain ${slug}.test --source /srv/${slug}`);
        expect(made).toMatchObject({ code: 0, stderr: "" });
      }
    });
    afterAll(() => host?.down());

    const issue = (name: string, flags = ""): Ended =>
      host.sh(
        `timeout 30 certbot certonly -n --webroot -w /var/lib/edox-ops/acme --cert-name ${name} -d ${name} ${flags} 2>&1`,
      );

    describe("the test's own ground:", () => {
      const addresses = (name: string) => host.sh(`timeout 1 getent ahosts ${name} | cut -d' ' -f1 | sort -u`);

      test("DNS: a name has the addresses, the alias or the failure that a test sets, also while pebble runs", () => {
        const { dns } = pebble;
        expect(addresses("set.test").stdout).toBe("");
        dns.set("set.test", { a: ["192.0.2.1"], aaaa: ["2001:db8::1"] });
        expect(addresses("set.test").stdout).toBe("192.0.2.1\n2001:db8::1\n");
        dns.set("alias.test", { cname: "set.test" });
        expect(addresses("alias.test").stdout).toBe("192.0.2.1\n2001:db8::1\n");
        dns.set("set.test", { fails: true });
        expect(host.sh("getent ahosts set.test").code).toBe(2);
        dns.set("set.test", { a: ["192.0.2.2"], isSilent: true });
        dns.set("a-second-name-of-many-bytes.test", { a: ["192.0.2.3"], isSilent: true });
        expect(addresses("one.test").stdout).toBe(`${host.address}\n`);
        for (const name of ["set.test", "a-second-name-of-many-bytes.test"]) {
          expect(host.sh(`timeout 1 getent ahosts ${name}`).code).toBe(124);
          dns.set(name, {});
          expect(host.sh(`timeout 1 getent ahosts ${name}`).code).toBe(2);
        }
      });

      test("CA: it refuses connections, accepts them silently, or validates again with the same account", () => {
        const get = () => host.sh(`curl -sS -m 1 -o /dev/null ${pebble.directory}`).code;
        expect(get()).toBe(0);
        pebble.become("down");
        expect(get()).toBe(7);
        pebble.become("silent");
        expect(get()).toBe(28);
        pebble.become("up");
        expect(get()).toBe(0);
      });

      test("faulty CA: certbot receives each fault, and pebble's own answer without one", () => {
        const log = "/var/log/letsencrypt/letsencrypt.log";
        for (const [kind, at, said] of [
          ["rateLimited", "newOrder", "too many certificates (5) already issued"],
          ["rejectedIdentifier", "newOrder", "forbidden by policy"],
          ["caa", "finalize", "CAA record prevents issuance"],
          ["unauthorized", "newOrder", "error:unauthorized"],
          ["serverInternal", "newOrder", "Error creating new order"],
          ["html", "directory", "ClientError: <Response [502]>"],
          ["half", "directory", "ClientError: Unexpected response"],
        ] as const) {
          ca.fail(kind, at);
          // certbot 2.1 fails while it prints such an error, which it has logged.
          const { code } = issue("one.test");
          expect([kind, code, host.run(["grep", "-qF", said, log]).code]).toEqual([kind, 1, 0]);
        }
        ca.requests();
        ca.fail("badNonce", "newOrder", 1);
        expect(issue("one.test")).toMatchObject({ code: 0 });
        expect(ca.requests().filter((each) => each === "newOrder")).toHaveLength(2);
        ca.set({ profiles: { shortlived: "six days" } });
        expect(host.sh(`curl -sS ${ca.directory}`).stdout).toContain('"profiles":{"shortlived":"six days"}');
        ca.set({});
      });
    });

    describe("under load over HTTP/1.1 and HTTP/2, on kept and new connections:", () => {
      /** Returns what readers received while this ran. */
      const underLoad = (script: string): Load => {
        const { code, stdout, stderr } = host.sh(`
          rm -f /srv/stop; bun /srv/tls-load.ts one.test one ${pebble.rootPath} /srv/stop >/srv/load.out & load=$!
          sleep 1; (${script}) >&2; code=$?
          touch /srv/stop; wait $load; cat /srv/load.out; exit $code`);
        expect([code, stderr]).toEqual([0, ""]);
        return JSON.parse(stdout);
      };
      beforeAll(() => {
        expect(issue("one.test", "--keep-until-expiring")).toMatchObject({ code: 0 });
        expect(host.sh("edox-ops project update one --tls")).toMatchObject({ code: 0, stderr: "" });
        host.put(`${import.meta.dir}/tls-load.ts`, "/srv/tls-load.ts");
        const hook = "/etc/letsencrypt/renewal-hooks/deploy/reload";
        host.sh(`printf '#!/bin/sh\nnginx -t -q && systemctl reload nginx\n' >${hook}; chmod +x ${hook}`);
      });

      test(`renew: ${renewals} forced renewals fail no request, and each new certificate is served`, () => {
        const load = underLoad(
          `for i in $(seq ${renewals}); do certbot -q renew --force-renewal || exit 1; sleep 0.5; done`,
        );
        expect(load.wrong).toEqual([]);
        expect(load.serials).toHaveLength(1 + renewals);
        for (const [kind, { requests, repeated, failed }] of Object.entries(load.counts)) {
          expect([kind, failed]).toEqual([kind, 0]);
          expect(requests).toBeGreaterThan(50 * renewals);
          // Each kept connection is closed once by each reload, and a new one never.
          expect(repeated).toBeLessThanOrEqual(kind.endsWith("kept") ? load.readersOfAKind * renewals : 0);
          figure(`readers, ${renewals} renewals`, suite, 0, `${kind}: ${requests} requests, ${repeated} repeated`);
        }
      });

      test("renew: the same load detects a restart in place of the reload", () => {
        const { counts } = underLoad("systemctl stop nginx; sleep 0.2; systemctl start nginx; sleep 0.5");
        for (const [kind, { failed }] of Object.entries(counts)) expect([kind, failed > 0]).toEqual([kind, true]);
      });
    });
  });
}
