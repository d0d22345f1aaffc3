import { expect, test } from "bun:test";
import { certsChecks } from "../../src/certs/checks.ts";
import type { Finding } from "../../src/engine/finding.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addCertbot, type FakeCertbot } from "./fake-certbot.ts";
import { type LineageSpec, projectRecord as record } from "./lineage-files.ts";

interface Found {
  host: FakeHost;
  certbot: FakeCertbot;
  /** Returns the lines of doctor about certificates. */
  lines(flags?: string): Promise<string[]>;
}

async function hostWith(specs: LineageSpec[], projects: object): Promise<Found> {
  const host = fakeDebian();
  const certbot = addCertbot(host, specs);
  host.taught.push((argv) => (argv[0] === "curl" ? ok() : undefined));
  expect((await typed("bootstrap --yes", host)).exit).toBe(0);
  expect((await typed("certs setup-auto-renew --yes", host)).exit).toBe(0);
  host.put("/etc/edox-ops/projects.json", JSON.stringify(projects), { mode: 0o600 });
  const lines = async (flags = "") => {
    const { out } = await typed(`doctor ${flags}`, host);
    return out
      .split("\n")
      .filter((line) => / certs:(?!install)/.test(line))
      .map((line) => line.replace("] certs:", "] "));
  };
  return { host, certbot, lines };
}

test("doctor: certificates that are renewed and served have no fault", async () => {
  const { lines } = await hostWith([{ name: "demo.test" }], record("demo", "demo.test"));
  expect(await lines()).toEqual([
    "[OK] renewal-hook: certbot runs the hook of edox-ops",
    "[OK] timer: certbot.timer is enabled and active",
    "[OK] renew-before: certbot renews each certificate in time, and not at every run of its timer",
    "[OK] webroot: certbot writes its responses where no deploy removes them",
    "[OK] expiry:demo.test: 84 % of its lifetime is left, until 2027-04-01 00:00 UTC",
    "[OK] served: nginx serves the certificates on the disk",
    "[OK] lineages: each has its project, or is not managed by edox-ops",
    "[OK] renewals: not run since the boot",
    "[OK] renew-dry-run: not run (optional; run edox-ops doctor --online)",
  ]);
});

test("doctor: the certificates of hundreds of sites may take longer than other checks", () => {
  const host = fakeDebian();
  const records = Array.from({ length: 500 }, (_, i) => record(`site${i}`, `site${i}.test`));
  host.put("/etc/edox-ops/projects.json", JSON.stringify(Object.assign({}, ...records)), { mode: 0o600 });
  const served = certsChecks(host, { host, online: false }).find(({ name }) => name === "certs:served");
  expect(served?.limitMs).toBeGreaterThan(100_000);
});

test("doctor: a host without certificates has one check of them, and asks nothing", async () => {
  const host = fakeDebian();
  host.taught.unshift(([name]) => {
    if (name === "openssl" || name === "certbot") throw new Error(`${name} runs`);
    return undefined;
  });
  const { out } = await typed("doctor", host);
  expect(out.split("\n").filter((line) => line.includes("certs:"))).toEqual([
    "[OK] certs:managed: not configured (optional; run edox-ops certs setup-auto-renew --yes)",
  ]);
});

test("doctor: foreign lineages on a host without TLS projects are no concern", async () => {
  const host = fakeDebian();
  addCertbot(host, [{ name: "foreign.test", webroot: "/srv/web" }]);
  const { out } = await typed("doctor", host);
  expect(out.split("\n").filter((line) => line.includes("certs:")).length).toBe(1);
});

test("doctor: a domain that is no file name is a fault of its project alone", async () => {
  const { host } = await hostWith([{ name: "demo.test" }], record("demo", "demo.test"));
  for (const domain of ["a".repeat(300), "../demo.test", "a\0b"]) {
    host.put("/etc/edox-ops/projects.json", JSON.stringify(record("demo", domain)), { mode: 0o600 });
    host.taught.unshift((argv) => {
      if (argv.some((word) => word.includes(domain))) throw new Error("it is an argument");
      return undefined;
    });
    const { out } = await typed("doctor", host);
    const lines = out.split("\n").filter((line) => line.startsWith("[FAIL]"));
    expect(lines).toEqual([expect.stringContaining("project:demo: its record is invalid")]);
  }
});

test("doctor: a certificate that an admin installed needs no certbot", async () => {
  const { host } = await hostWith([{ name: "demo.test" }], record("demo", "demo.test"));
  host.remove("/etc/letsencrypt/renewal/demo.test.conf");
  host.remove("/etc/letsencrypt/renewal-hooks/deploy/edox-ops-reload-nginx.sh");
  for (const name of host.list("/var/lib/edox-ops/renewals") ?? []) host.remove(`/var/lib/edox-ops/renewals/${name}`);
  host.remove("/var/lib/edox-ops/renewals");
  const { out } = await typed("doctor", host);
  const names = [...out.matchAll(/^\[\w+\] (certs:\S+):/gm)].map(([, name]) => name);
  expect(names).toEqual([
    "certs:expiry:demo.test",
    "certs:served",
    "certs:lineages",
    "certs:renewals",
    "certs:renew-dry-run",
  ]);
});

test("doctor: a certificate with less than a quarter of its lifetime is overdue, and an expired one is an error", async () => {
  const specs = [
    { name: "due.test", from: "2026-11-01", to: "2027-01-30" },
    { name: "gone.test", from: "2026-10-01", to: "2027-01-10" },
  ];
  const { host, lines } = await hostWith(specs, { ...record("due", "due.test"), ...record("gone", "gone.test") });
  const found = await lines();
  expect(found).toContain(
    "[WARN] expiry:due.test: 16 % of its lifetime is left, until 2027-01-30 00:00 UTC: its renewal is overdue (run: edox-ops certs renew --yes)",
  );
  expect(found.find((line) => line.includes("gone.test"))).toStartWith(
    "[FAIL] expiry:gone.test: it expired on 2027-01-10 00:00 UTC",
  );
  const { findings } = JSON.parse((await typed("doctor --json", host)).out) as { findings: Finding[] };
  const affects = findings.filter(({ name }) => name.startsWith("certs:expiry:")).map((each) => each.affects);
  expect(affects).toEqual([
    "readers of due.test (certificate warning from 2027-01-30 00:00 UTC)",
    "readers of gone.test (certificate warning since 2027-01-10 00:00 UTC)",
  ]);
});

test("doctor: nginx that serves an older certificate is reported once, with the reason of the hook", async () => {
  const { host, certbot, lines } = await hostWith([{ name: "demo.test" }], record("demo", "demo.test"));
  certbot.broken = "nginx: [emerg] bogus";
  const { exit } = await typed("certs renew --force --yes", host);
  expect(exit).toBe(1);
  const { out } = await typed("doctor", host);
  expect(out.split("\n").filter((line) => /certs:served|reloaded since/.test(line))).toEqual([
    "[WARN] certs:served: nginx serves an older certificate than the one on the disk for demo.test (until 2027-04-01 00:00 UTC): " +
      "the renewal hook failed: nginx: [emerg] bogus (run: systemctl reload nginx)",
  ]);
  certbot.broken = "";
  await typed("certs renew --force --yes", host);
  expect((await lines()).find((line) => line.includes("served"))).toStartWith("[OK]");
});

test("doctor: a lineage without a project, one that certbot cannot use, and a failed run are warnings", async () => {
  const { host, lines } = await hostWith([{ name: "left.test" }, { name: "foreign.test", webroot: "/srv/web" }], {});
  host.taught.unshift((argv) =>
    argv.at(-1) === "certbot.service"
      ? ok("Id=certbot.service\nResult=exit-code\nExecMainExitTimestamp=Fri 2027-01-15 03:12:11 UTC\n")
      : undefined,
  );
  const found = await lines();
  expect(found).toContain(
    "[WARN] lineages: no project has the domain of left.test, and certbot renews it (run: certbot delete --cert-name left.test)",
  );
  expect(found).toContain(
    "[WARN] renewals: certbot.service failed at 2027-01-15 03:12 UTC: exit-code (run: edox-ops certs renew --yes)",
  );
  host.put("/etc/letsencrypt/renewal/bad.test.conf", "");
  expect(await lines()).toContain(
    "[WARN] lineages: certbot cannot renew bad.test: authenticator is missing (run: certbot certificates)",
  );
});

test("doctor: a lineage without a project that a server of the admin uses, as for a redirect, is no warning", async () => {
  const { host, lines } = await hostWith([{ name: "left.test" }], {});
  const server =
    "server {\n listen 443 ssl;\n server_name left.test;\n ssl_certificate /etc/letsencrypt/live/left.test/fullchain.pem;\n}\n";
  host.put("/etc/nginx/conf.d/old-name.conf", server);
  expect((await lines()).find((line) => line.includes("lineages"))).toStartWith("[OK]");
  host.put("/etc/nginx/conf.d/old-name.conf", server.replace("fullchain", "other"));
  expect((await lines()).find((line) => line.includes("lineages"))).toContain("no project has the domain of left.test");
});

test("doctor --fix: a lineage of the Python version is migrated, and short lifetimes are renewed in time", async () => {
  const { host, lines } = await hostWith([], {});
  addCertbot(host, [{ name: "old.test", webroot: "/var/www/docs/old", from: "2027-01-14", to: "2027-01-20" }]);
  const found = await lines();
  expect(found.filter((line) => /WARN.* (webroot|renew-before):/.test(line)).length).toBe(2);
  const { exit, err } = await typed("doctor --fix --yes", host);
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
  const text = host.text("/etc/letsencrypt/renewal/old.test.conf");
  expect([text?.includes("renew_before_expiry = 96 hours"), text?.includes("/var/www/docs")]).toEqual([true, false]);
  expect(
    (await lines()).filter((line) => / (webroot|renew-before):/.test(line)).every((line) => line.startsWith("[OK]")),
  ).toBe(true);
});

test("doctor --online: a renewal that would stop nginx is not tested", async () => {
  const { lines, host } = await hostWith(
    [{ name: "demo.test", authenticator: "standalone" }],
    record("demo", "demo.test"),
  );
  expect((await lines("--online")).at(-1)).toBe("[OK] renew-dry-run: no certificate is renewed by a webroot");
  expect(host.ran.filter((line) => line.includes("--dry-run"))).toEqual([]);
});

test("doctor --online: renewals are tested at the server of each lineage", async () => {
  const { certbot, host, lines } = await hostWith(
    [
      { name: "a.test" },
      { name: "b.test", server: "https://other.test/dir" },
      { name: "foreign.test", webroot: "/srv/web" },
    ],
    {},
  );
  expect((await lines("--online")).at(-1)).toBe("[OK] renew-dry-run: a.test, b.test can be renewed");
  const servers = host.ran
    .filter((line) => line.includes("--dry-run"))
    .map((line) => /--cert-name (\S+) .*--server (\S+)/.exec(line)?.slice(1));
  expect(servers).toEqual([
    ["a.test", "https://acme.test/dir"],
    ["b.test", "https://other.test/dir"],
  ]);
  certbot.before = (words) =>
    words.includes("b.test")
      ? { code: 1, stdout: "", stderr: "Failed to renew certificate b.test with error: refused\n" }
      : undefined;
  expect((await lines("--online")).find((line) => line.includes("renew-dry-run"))).toStartWith(
    "[FAIL] renew-dry-run: b.test cannot be renewed: certbot failed: Failed to renew certificate b.test with error: refused",
  );
});

test.each([
  ["the records", ["/etc/edox-ops/", "/etc/letsencrypt/live/demo"]],
  ["all of certbot", ["/etc/letsencrypt"]],
])("doctor: without root, what it cannot see of certificates is unknown: %s", async (_, paths) => {
  const host = fakeDebian({ uid: 1000 });
  addCertbot(host, [{ name: "demo.test" }]);
  for (const path of paths) host.hidden.add(path);
  const { exit, out } = await typed("doctor --json", host);
  const { findings } = JSON.parse(out);
  const of = (name: string) => findings.find((each: { name: string }) => each.name === name)?.status;
  expect([exit < 2, of("certs:managed")]).toEqual([true, "unknown"]);
});
