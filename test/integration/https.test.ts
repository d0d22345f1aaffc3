// HTTPS on real hosts: certificates of Debian's pebble, obtained and renewed by Debian's certbot.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runs } from "../runs.ts";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { type FaultyCa, startFaultyCa } from "./faulty-ca.ts";
import { testFaults } from "./https-faults.ts";
import { type Pebble, runPebble, startPebble } from "./pebble.ts";
import { chance, figure, rounds, testsOn } from "./rounds.ts";
import type { Ended } from "./run.ts";
import type { TestHost } from "./test-host.ts";

const renewals = runs(2, 20);
const slugs = ["one", "two", "three", "four", "five", "six"];
const well = { code: 0, stderr: "" };

/** What tls-load.ts prints. */
interface Load {
  counts: Record<string, { requests: number; repeated: number; failed: number }>;
  wrong: string[];
  serials: string[];
  readersOfAKind: number;
}

for (const suite of suites) {
  describe(`HTTPS on ${suite}`, () => {
    const on = testsOn(suite);
    let host: TestHost;
    let pebble: Pebble;
    let ca: FaultyCa;
    beforeAll(async () => {
      host = await bootstrapped(suite);
      pebble = startPebble(
        host,
        slugs.map((slug) => `${slug}.test`),
      );
      ca = startFaultyCa(host, pebble);
      for (const slug of slugs) host.sh(`mkdir -p /srv/${slug} && echo ${slug} >/srv/${slug}/index.html`);
    });
    afterAll(() => host?.down());

    const project = (line: string): Ended => host.sh(`edox-ops project ${line}`);
    const publish = (slug: string, flags = "") =>
      `publish ${slug} --domain ${slug}.test --source /srv/${slug} --tls --server ${ca.directory} ${flags}`;
    /** Returns the front page over HTTPS, for a client that trusts the authority, with its status and protocol. */
    const page = (slug: string): string =>
      host.sh(`curl -sS -w '%{http_code} %{http_version}\\n' https://${slug}.test/`).stdout;
    const servedAs = (slug: string): string => `${slug}\n200 2\n`;
    const serial = (slug: string): string =>
      host.sh(`echo | openssl s_client -connect 127.0.0.1:443 -servername ${slug}.test 2>/dev/null |
        openssl x509 -noout -serial`).stdout;

    describe("the test's own ground:", () => {
      const addresses = (name: string) => host.sh(`timeout 1 getent ahosts ${name} | cut -d' ' -f1 | sort -u`);

      on(
        "bookworm",
        "DNS: a name has the addresses, the alias or the failure that a test sets, also while pebble runs",
        () => {
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
        },
      );

      on("bookworm", "CA: it refuses connections, accepts them silently, and answers again", () => {
        const get = () => host.sh(`curl -sS -m 1 -o /dev/null ${pebble.directory}`).code;
        expect(get()).toBe(0);
        pebble.become("down");
        expect(get()).toBe(7);
        pebble.become("silent");
        expect(get()).toBe(28);
        pebble.become("up");
        expect(get()).toBe(0);
      });
    });

    test("publish --tls: from a prepared host to HTTPS in one command, and a second run changes nothing", () => {
      const before = host.listing("/etc/nginx", "/etc/edox-ops", "/etc/letsencrypt");
      const dry = project(publish("one", "--dry-run --diff"));
      expect(dry.code).toBe(0);
      expect(dry.stdout).toContain("+    listen 443 ssl");
      expect(host.listing("/etc/nginx", "/etc/edox-ops", "/etc/letsencrypt")).toBe(before);
      // The authority refuses a nonce now and then.
      ca.fail("badNonce", "newOrder", 1);
      expect(project(publish("one"))).toMatchObject(well);
      ca.set({});
      expect(page("one")).toBe(servedAs("one"));
      const after = host.listing("/etc/nginx", "/etc/edox-ops/projects.json", "/etc/letsencrypt/live");
      ca.requests();
      expect(project(publish("one"))).toMatchObject(well);
      expect(ca.requests()).toEqual([]);
      expect(host.listing("/etc/nginx", "/etc/edox-ops/projects.json", "/etc/letsencrypt/live")).toBe(after);
    });

    test("certs issue: an HTTP site gets a certificate, and then HTTPS, in the documented order", () => {
      const issue = `certs issue two --server ${ca.directory} --yes`;
      const lines = ["add two --domain two.test", "init two", "deploy two --source /srv/two", "enable two", issue];
      for (const line of [...lines, "update two --tls", "enable two"])
        expect([line, project(line)]).toMatchObject([line, { code: 0 }]);
      expect(page("two")).toBe(servedAs("two"));
      expect(host.sh("curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' http://two.test/x").stdout).toBe(
        "308 https://two.test/x",
      );
    });

    describe("a fault:", () => {
      beforeAll(() => {
        expect(project("publish three --domain three.test --source /srv/three")).toMatchObject(well);
      });
      testFaults(suite, () => ({ host, pebble, ca, slug: "three", domain: "three.test" }));
    });

    on("trixie", "issue: a deploy during the validation does not disturb it", () => {
      const slow = runPebble(host, { port: 14100, validationSeconds: 4 });
      expect(project("publish four --domain four.test --source /srv/four")).toMatchObject(well);
      const { code, stderr } = host.sh(`
        (while ! test -e /srv/issued; do date >/srv/four/now.txt; edox-ops project deploy four --source /srv/four --quiet; done) & deploys=$!
        edox-ops project certs issue four --server ${slow} --yes --quiet; code=$?; touch /srv/issued; wait $deploys; exit $code`);
      expect([code, stderr]).toEqual([0, ""]);
      expect(project("update four --tls")).toMatchObject(well);
      expect(host.sh("test $(ls /var/www/docs/.edox-ops-backups/four | wc -l) -gt 1").code).toBe(0);
    });

    on(
      "bookworm",
      "publish --tls: two projects at once, and beside another certbot, both get their certificates",
      () => {
        const { code, stderr } = host.sh(`certbot -q renew --force-renewal & other=$!
        until lslocks -n -o COMMAND | grep -q certbot; do kill -0 $other || break; sleep 0.1; done
        edox-ops project ${publish("five", "--quiet")} & first=$!
        edox-ops project ${publish("six", "--quiet")}; code=$?
        wait $first && wait $other && exit $code`);
        expect([code, stderr]).toEqual([0, expect.stringMatching(/^(waiting at most .+\n)*$/)]);
        for (const slug of ["one", "two", "five", "six"]) expect(page(slug)).toBe(servedAs(slug));
      },
    );

    on(
      "trixie",
      "renew: a foreign file that nginx refuses is reported, the old certificate is served, and the next run serves the new one",
      () => {
        const before = serial("one");
        host.sh("echo 'bogus;' >/etc/nginx/conf.d/theirs.conf");
        const { code, stderr } = host.sh("edox-ops certs renew --force --name one.test --yes");
        expect([code, stderr]).toEqual([1, expect.stringContaining('unknown directive "bogus"')]);
        expect([page("one"), serial("one")]).toEqual([servedAs("one"), before]);
        host.sh("rm /etc/nginx/conf.d/theirs.conf");
        expect(host.sh("edox-ops certs renew --force --name one.test --yes")).toMatchObject({ code: 0 });
        expect(serial("one")).not.toBe(before);
      },
    );

    on("trixie", "previews: each has its certificate, which is renewed, and which the timer's service deletes", () => {
      const dir = "/var/www/docs/.edox-ops-previews/one";
      const lineages = (): string => host.sh("ls /etc/letsencrypt/live | grep preview").stdout;
      expect(project("update one --previews host")).toMatchObject(well);
      for (const name of ["a", "b"]) {
        pebble.dns.set(`${name}.preview.one.test`, { a: [host.address] });
        const { code, stdout, stderr } = project(`deploy one /srv/one --preview ${name}`);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toContain("over HTTPS, with a certificate of its own");
        expect(page(`${name}.preview.one`)).toBe(servedAs("one"));
      }
      expect(lineages()).toBe("a.preview.one.test\nb.preview.one.test\n");
      const before = serial("b.preview.one");
      expect(host.sh("edox-ops certs renew --force --name b.preview.one.test --yes")).toMatchObject({ code: 0 });
      expect(serial("b.preview.one")).not.toBe(before);
      for (const name of ["a", "b"]) {
        host.sh(`sed -i 's/"expires": "[^"]*"/"expires": "2026-01-01T00:00:00Z"/' ${dir}/${name}.json`);
        const { code, stdout } = host.sh(`systemctl start edox-ops-previews.service
          journalctl --sync; journalctl -u edox-ops-previews.service -o cat; ! systemctl is-failed -q edox-ops-previews.service`);
        expect([code, stdout]).toEqual([0, expect.not.stringContaining("warning")]);
        expect(stdout).toContain(`Removed preview ${name} of one.`);
        expect(host.run(["nginx", "-t", "-q"])).toMatchObject(well);
        expect([name, lineages()]).toEqual([name, name === "a" ? "b.preview.one.test\n" : ""]);
        if (name === "a") expect(page("b.preview.one")).toBe(servedAs("one"));
        expect(page("one")).toBe(servedAs("one"));
      }
      expect(host.sh("grep -rl preview.one.test /etc/letsencrypt /etc/systemd").stdout).toBe("");
    });

    for (const round of rounds(suite === "bookworm" ? 1 : 0, 15)) {
      test(`publish --tls: killed at a random moment, the next run succeeds, ${round}`, async () => {
        const clean = `edox-ops project remove six --delete-files --yes; certbot delete -n --cert-name six.test`;
        host.sh(clean);
        const start = performance.now();
        expect(project(publish("six", "--quiet"))).toMatchObject(well);
        const seconds = (performance.now() - start) / 1000;
        host.sh(clean);
        const share = chance("publish --tls killed", suite, round);
        const unit = "systemd-run --quiet --unit=victim --property=KillMode=control-group";
        host.raw(["bash", "-c", `${unit} edox-ops project ${publish("six")}`]);
        await Bun.sleep(share * seconds * 1000);
        host.raw(["sh", "-c", "systemctl kill -s KILL --kill-whom=all victim; systemctl reset-failed victim"]);
        for (const slug of ["one", "two"]) expect(page(slug)).toBe(servedAs(slug));
        expect(host.run(["nginx", "-t", "-q"])).toMatchObject(well);
        expect(project(publish("six", "--quiet"))).toMatchObject({ code: 0 });
        expect(page("six")).toBe(servedAs("six"));
        figure("publish --tls killed", suite, share, "next run succeeded");
      });
    }

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
      beforeAll(() => host.put(`${import.meta.dir}/tls-load.ts`, "/srv/tls-load.ts"));

      on("trixie", `renew: ${renewals} forced renewals fail no request, and each new certificate is served`, () => {
        const renew = "certbot -q renew --force-renewal --cert-name one.test";
        const load = underLoad(`for i in $(seq ${renewals}); do ${renew} || exit 1; sleep 0.5; done`);
        expect(load.wrong).toEqual([]);
        expect(load.serials).toHaveLength(1 + renewals);
        for (const [kind, { requests, repeated, failed }] of Object.entries(load.counts)) {
          expect([kind, failed]).toEqual([kind, 0]);
          expect(requests).toBeGreaterThan(50 * renewals);
          // A reload closes each kept connection once, and rarely a new one before its first request.
          expect(repeated).toBeLessThanOrEqual(load.readersOfAKind * renewals);
          figure(`readers, ${renewals} renewals`, suite, 0, `${kind}: ${requests} requests, ${repeated} repeated`);
        }
      });

      on("trixie", "renew: the same load detects a restart in place of the reload", () => {
        const { counts } = underLoad("systemctl stop nginx; sleep 0.2; systemctl start nginx; sleep 0.5");
        for (const [kind, { failed }] of Object.entries(counts)) expect([kind, failed > 0]).toEqual([kind, true]);
      });
    });
  });
}
