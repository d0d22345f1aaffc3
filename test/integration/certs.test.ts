// Tests certificates on a real host with a CA: renewals, a failed hook, lineages of the Python version, and doctor.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { bootstrapped } from "./bootstrapped.ts";
import { type Pebble, startPebble } from "./pebble.ts";
import type { Ended } from "./run.ts";
import type { TestHost } from "./test-host.ts";
import { hintsUntilFine, typedHint } from "./typed-hint.ts";

const acmeDir = "/var/lib/edox-ops/acme";

describe("certificates on bookworm", () => {
  let host: TestHost;
  let pebble: Pebble;

  const must = (line: string): Ended => {
    const ended = host.sh(line);
    if (ended.code !== 0) throw new Error(`${line} failed\n${ended.stdout}${ended.stderr}`);
    return ended;
  };
  const certs = () => JSON.parse(must("edox-ops certs status --json").stdout).certs;
  const certificate = (name: string) => certs().certificates.find((each: { name: string }) => each.name === name);
  const finding = (name: string): string =>
    host
      .sh("edox-ops doctor")
      .stdout.split("\n")
      .find((each) => each.includes(` ${name}: `)) ?? "";
  const conf = (name: string): string => readFileSync(`${host.root}/etc/letsencrypt/renewal/${name}.conf`, "utf8");

  beforeAll(async () => {
    host = await bootstrapped();
    pebble = startPebble(host, ["demo.test"]);
    must("mkdir -p /srv/site && echo home >/srv/site/index.html");
    must("edox-ops project publish demo --domain demo.test --source /srv/site");
  });
  afterAll(() => host?.down());

  test("certs setup-auto-renew installs certbot, its hook and its timer", () => {
    expect(must("edox-ops certs setup-auto-renew --yes").stdout).toEndWith(
      "Automatic Let's Encrypt renewal is configured (certbot.timer + nginx reload hook).\n",
    );
    expect(host.sh("edox-ops certs setup-auto-renew --check").code).toBe(0);
    expect(certs()).toMatchObject({
      timer_active: true,
      next_run: expect.stringMatching(/Z$/),
      last_run: null,
      certificates: [],
    });
  });

  test("a certificate of certbot is served, and certs renew --force replaces it", () => {
    must(`certbot certonly --webroot -w ${acmeDir} -d demo.test --cert-name demo.test --non-interactive`);
    must("edox-ops project update demo --tls");
    const before = certificate("demo.test");
    expect(before).toMatchObject({
      server: pebble.directory,
      webroots: [acmeDir],
      served: true,
      projects: ["demo"],
      hook: null,
      certificate: { names: ["demo.test"], key_type: "ecdsa prime256v1" },
    });
    expect(must("edox-ops certs renew --yes").stdout).toEndWith(
      "skipped demo.test\nNo certificate is due for renewal.\n",
    );
    expect(must("edox-ops certs renew --force --yes").stdout).toEndWith(
      "renewed demo.test\nCertificate renewal completed and nginx reloaded.\n",
    );
    const after = certificate("demo.test");
    expect(after).toMatchObject({ served: true, hook: { result: "reloaded", reason: "" } });
    expect(after.certificate.serial).not.toBe(before.certificate.serial);
    expect(must("edox-ops doctor --online").stdout).toContain("[OK] certs:renew-dry-run: demo.test can be renewed");
  });

  test("a certificate is renewed, and served at once, by an nginx that systemd restricts", () => {
    must("edox-ops host harden --all --only host.nginx.restrict --yes");
    expect(must("systemctl show --property=ProtectSystem nginx").stdout).toBe("ProtectSystem=strict\n");
    const before = certificate("demo.test");
    must("certbot renew --force-renewal -q && sleep 1");
    const after = certificate("demo.test");
    expect(after).toMatchObject({ served: true, hook: { result: "reloaded", reason: "" } });
    expect(after.certificate.serial).not.toBe(before.certificate.serial);
    expect(must("curl -sSk --resolve demo.test:443:127.0.0.1 https://demo.test/").stdout).toBe("home\n");
  });

  test("certbot's own service renews, and its result is shown", () => {
    must("systemctl start certbot.service");
    expect(certs()).toMatchObject({ last_result: "success", last_run: expect.stringMatching(/Z$/) });
    expect(finding("certs:renewals")).toStartWith("[OK] certs:renewals: succeeded at ");
    must(
      "echo >/etc/letsencrypt/renewal/bad.test.conf; systemctl start certbot.service; rm /etc/letsencrypt/renewal/bad.test.conf",
    );
    expect(finding("certs:renewals")).toContain("certbot.service failed at ");
    typedHint(host, finding("certs:renewals"));
    expect([finding("certs:renewals"), finding("host:units")].map((line) => line.slice(0, 4))).toEqual([
      "[OK]",
      "[OK]",
    ]);
  });

  test("a certbot that already runs is awaited, and named", () => {
    const holds = `import fcntl, os, time
f = open('/etc/letsencrypt/.certbot.lock', 'w')
fcntl.lockf(f, 2)
open('/run/held', 'w')
while os.path.exists('/run/held'): time.sleep(0.1)`;
    // The lock is held until the wait for it is reported, for a minute at most.
    const { code, stdout, stderr } = host.sh(`python3 -c "${holds}" & until [ -e /run/held ]; do sleep 0.1; done
      { for i in $(seq 600); do grep -q 'another certbot' /root/waits && break; sleep 0.1; done; rm /run/held; } &
      edox-ops certs renew --force --yes 2>/root/waits; code=$?; wait; cat /root/waits >&2; exit $code`);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringContaining("renewed demo.test"),
      stderr: expect.stringContaining("another certbot is running: python3 -c import"),
    });
  });

  test("a foreign fault in nginx keeps the old certificate, and doctor says so until it is fixed", () => {
    must("echo bogus >/etc/nginx/conf.d/foreign.conf");
    // As the timer does: certbot exits with success although its hook fails.
    must("certbot renew --force-renewal -q");
    expect(certificate("demo.test")).toMatchObject({
      served: false,
      hook: { result: "failed", reason: expect.stringContaining("foreign.conf") },
    });
    expect(finding("certs:served")).toMatch(
      /^\[WARN\] certs:served: nginx serves an older certificate .*the renewal hook failed: .*foreign\.conf/,
    );
    const { code, stderr } = host.sh("edox-ops certs renew --force --yes");
    expect([code, stderr]).toEqual([1, expect.stringContaining("nginx refuses its configuration")]);
    must("rm /etc/nginx/conf.d/foreign.conf");
    typedHint(host, finding("certs:served"));
    must("sleep 1");
    expect(finding("certs:served")).toStartWith("[OK]");
  });

  test("hint, typed as printed: lineages that certbot cannot use, and that no project has", () => {
    must("echo >/etc/letsencrypt/renewal/bad.test.conf");
    expect(typedHint(host, finding("certs:lineages"))).toContain("bad.test.conf");
    must("rm /etc/letsencrypt/renewal/bad.test.conf");
    must(`certbot certonly --webroot -w ${acmeDir} -d demo.test --cert-name left.test --non-interactive`);
    expect(finding("certs:lineages")).toContain("no project has the domain of left.test");
    typedHint(host, finding("certs:lineages").replace("certbot delete", "certbot delete --non-interactive"));
    expect(finding("certs:lineages")).toStartWith("[OK]");
  });

  test.each([
    ["project certs issue demo --yes", []],
    ["project update demo --hsts", ["edox-ops certs renew --yes"]],
  ])("a replacement of a certificate in which certbot was killed is finished: %s", async (command, hints) => {
    const live = "/etc/letsencrypt/live/demo.test";
    must("certbot renew --force-renewal -q");
    // certbot keeps these links while it changes the others, one by one.
    must(`cd ${live} && for each in cert chain fullchain privkey; do ln -s $(readlink -f $each.pem) previous_$each.pem; done
      ln -sfn ../../archive/demo.test/privkey1.pem privkey.pem; touch /etc/nginx/nginx.conf`);
    expect(await hintsUntilFine(host, `edox-ops ${command}`)).toEqual(hints);
    must("nginx -t -q");
    expect(host.sh(`ls ${live}`).stdout).not.toContain("previous_");
  });

  test("a certificate that was deleted though its site uses it is obtained again by the hint of doctor", () => {
    must("certbot delete --non-interactive --cert-name demo.test; touch /etc/nginx/nginx.conf");
    expect(finding("project:demo")).toContain("there is no certificate for demo.test");
    typedHint(host, finding("project:demo"));
    expect(finding("project:demo")).toStartWith("[OK]");
    expect(certificate("demo.test")).toMatchObject({ served: true });
  });

  const migrated = (): string => conf("demo.test");
  const setBack = (): string => {
    const old = migrated().replaceAll(acmeDir, "/var/www/docs/demo");
    writeFileSync(`${host.root}/etc/letsencrypt/renewal/demo.test.conf`, old);
    return old;
  };

  test("a lineage of the Python version is migrated by doctor --fix, after a renewal as proof", () => {
    const before = migrated();
    const old = setBack();
    expect(old).not.toBe(before);
    expect(finding("certs:webroot")).toStartWith("[WARN] certs:webroot: ");
    must("edox-ops doctor --fix --yes");
    expect(migrated()).toBe(before);
    expect(must("edox-ops certs renew --force --yes").stdout).toContain("renewed demo.test");
    expect(migrated()).not.toContain("/var/www/docs");
  });

  test("the time of a renewal that edox-ops sets is certbot's own, and outlives a renewal", () => {
    must("sed -i '1i renew_before_expiry = 72 hours' /etc/letsencrypt/renewal/demo.test.conf");
    expect(must("certbot renew").stdout).toContain("not yet due for renewal");
    must(
      "sed -i 's/^renew_before_expiry = 72 hours/renew_before_expiry = 99999 hours/' /etc/letsencrypt/renewal/demo.test.conf",
    );
    const { serial } = certificate("demo.test").certificate;
    // The hook runs in the sandbox of certbot's own service.
    must("systemctl start certbot.service; sleep 1");
    const renewed = certificate("demo.test");
    expect(renewed).toMatchObject({ served: true, hook: { result: "reloaded" } });
    expect(renewed.certificate.serial).not.toBe(serial);
    expect(migrated()).toStartWith("renew_before_expiry = 99999 hours\n");
    // It renews at each run, so the setting is corrected.
    must("edox-ops certs setup-auto-renew --yes");
    expect(migrated()).toMatch(/^renew_before_expiry = \d{3,4} hours\n/);
    expect(must("certbot renew").stdout).toContain("not yet due for renewal");
  });

  test("a CA that is down rolls a migration back, and the site is served", () => {
    pebble.become("down");
    const old = setBack();
    const migration = host.sh("edox-ops certs setup-auto-renew --yes");
    expect([migration.code, migration.stderr]).toEqual([1, expect.stringContaining("certs.webroot")]);
    expect(migrated()).toBe(old);
    expect(existsSync(`${host.root}/var/lib/edox-ops/journal/certs.webroot`)).toBe(false);
    const { code, stdout, stderr } = host.sh("edox-ops certs renew --force --yes");
    expect([code, stdout]).toEqual([1, expect.stringContaining("failed demo.test: ")]);
    expect(stderr).toContain("hint: ");
    expect(host.sh("curl -sSk --resolve demo.test:443:127.0.0.1 https://demo.test/").stdout).toBe("home\n");
  });
});
