// HTTPS of previews with host names: the wildcard certificate that an admin brings, and plain HTTP without one.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type LineageSpec, putLineage } from "../certs/lineage-files.ts";
import { ok } from "../fake-host.ts";
import type { Issued } from "./certificates.ts";
import { SiteHost } from "./site-host.ts";

const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
const wildcard = "*.preview.demo.test";
const lineage = "preview.demo.test";
const overHttp = "Previews of demo are served over plain HTTP: ";
const overHttps = (name = lineage) =>
  `Previews of demo are served over HTTPS, with the wildcard certificate ${name}.\n`;
const none = `no certificate of certbot on this host covers ${wildcard}`;

let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  expect(await site.type("project publish demo /srv/site --domain demo.test")).toMatchObject({ exit: 0, err: "" });
  site.host.resolve = async () => ({ addresses: ["203.0.113.7"], failure: null });
});
afterEach(() => site[Symbol.dispose]());

const servers = (): string[] => (site.fake.text(sitePath) ?? "").split("\nserver {\n");
const record = () => JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "").demo;
const deploy = (name = "fix-7", flags = "") => site.type(`project deploy demo /srv/site --preview ${name} ${flags}`);
const days = (count: number): string => new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10);

/** Writes a lineage that an admin obtained with a challenge in the DNS. */
function bring(spec: Partial<LineageSpec> = {}): Issued {
  const dates = { from: days(-10), to: days(80) };
  return putLineage(site.fake, { name: lineage, names: [wildcard], authenticator: "dns-rfc2136", ...dates, ...spec });
}

test("preview deploy: without a certificate, previews use plain HTTP, and each deploy says so and why", async () => {
  for (const name of ["fix-7", "fix-8"]) {
    const { exit, out, err } = await deploy(name);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toContain(`${overHttp}${none}, and demo itself is served over HTTP.\n`);
    expect(out).toContain(`http://${name}.preview.demo.test/`);
  }
  expect(record()).not.toHaveProperty("preview_certificate");
  expect(servers()).toHaveLength(3);
});

test("preview deploy: a wildcard certificate is found, serves all previews, and HTTP redirects to HTTPS", async () => {
  bring();
  const { exit, out, err } = await deploy();
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toContain(overHttps());
  expect(out).toContain(", https://fix-7.preview.demo.test/\n");
  expect(record()).toMatchObject({ previews: "host", preview_certificate: lineage, tls: false });
  const [, , plain = "", secure = ""] = servers();
  expect(plain).toContain("    return 308 https://$host$request_uri;\n".replace(/^/, "    "));
  expect(plain).toContain("location ^~ /.well-known/acme-challenge/ {");
  expect(secure).toContain(`    ssl_certificate /etc/letsencrypt/live/${lineage}/fullchain.pem;\n`);
  expect(secure).toContain(String.raw`server_name ~^(?<edox_ops_preview>[a-z0-9-]+)\.preview\.demo\.test$;`);
  // A browser would refuse the HTTP that previews fall back to.
  expect(secure).not.toContain("Strict-Transport-Security");
  const count = site.fake.ran.length;
  expect((await deploy("fix-8")).out).toContain(overHttps());
  expect(site.fake.ran.slice(count).filter((each) => each.includes("reload"))).toEqual([]);
});

test("preview deploy: a certificate that comes later is used from the next deploy on, also one for more names", async () => {
  await deploy();
  bring({ name: "demo.test", names: ["demo.test", wildcard] });
  const { exit, out, err } = await deploy("fix-8");
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toContain(overHttps("demo.test"));
  expect(record().preview_certificate).toBe("demo.test");
});

test("preview deploy: of two certificates, the recorded one stays while it can be used", async () => {
  bring({ name: "a", to: days(80) });
  await deploy();
  bring({ name: "b", to: days(90) });
  expect((await deploy()).out).toContain(overHttps("a"));
  bring({ name: "a", from: days(-10), to: days(-1) });
  expect((await deploy()).out).toContain(overHttps("b"));
});

describe("preview deploy: falls back to plain HTTP with a warning, and never fails, because the certificate", () => {
  for (const [what, spoil, reason] of [
    ["has expired", () => bring({ from: days(-100), to: days(-2) }), "expired on"],
    ["is not valid yet", () => bring({ from: days(5), to: days(80) }), "is not valid before"],
    ["is removed", () => site.fake.remove(`/etc/letsencrypt/renewal/${lineage}.conf`), none],
    ["covers other names", () => bring({ names: [lineage, "*.demo.test"] }), none],
    [
      "has another key",
      () => {
        const { key } = bring({ name: "other", names: ["other.test"] });
        site.fake.put(`/etc/letsencrypt/live/${lineage}/privkey.pem`, key);
      },
      "is for another private key",
    ],
    [
      "has no key",
      () => site.fake.put(`/etc/letsencrypt/live/${lineage}/privkey.pem`, "none"),
      "has a private key that is not a private key in PEM",
    ],
    ["is damaged", () => site.fake.put(`/etc/letsencrypt/live/${lineage}/fullchain.pem`, "none"), none],
  ] as const) {
    test(what, async () => {
      bring();
      await deploy();
      spoil();
      const { exit, out, err } = await deploy();
      expect([exit, err]).toEqual([0, expect.stringContaining("warning: previews are served over plain HTTP: ")]);
      expect(err).toContain(reason);
      expect(out).toContain(overHttp);
      expect(out).toContain(", http://fix-7.preview.demo.test/\n");
      expect(record()).not.toHaveProperty("preview_certificate");
      expect(servers()).toHaveLength(3);
    });
  }
});

test("preview deploy: a project with HTTPS whose previews have no certificate gets a warning each time", async () => {
  const all = JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "");
  bring({ name: "demo.test", names: ["demo.test"], authenticator: "dns-rfc2136" });
  site.fake.put("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...all.demo, tls: true } }), { mode: 0o600 });
  for (const name of ["fix-7", "fix-8"]) {
    expect((await deploy(name)).err).toContain(
      `warning: previews are served over plain HTTP: ${none}, and the certificate of demo.test is not obtained by a file of this nginx\n`,
    );
  }
});

test("preview deploy: previews below a path are served as the site is", async () => {
  await site.type("project update demo --previews path");
  expect((await deploy()).out).toContain("Previews of demo are served over plain HTTP, as the site is.\n");
});

test("preview deploy: a dry run says how previews would be served, and changes nothing", async () => {
  bring();
  const before = site.snapshot();
  expect((await deploy("fix-7", "--dry-run")).out).toContain(overHttps());
  expect(site.snapshot()).toEqual(before);
});

test("update --previews: selects the certificate and says which, and another domain or mode drops it", async () => {
  bring();
  const { exit, out } = await site.type("project update demo --previews host");
  expect([exit, out]).toEqual([0, expect.stringContaining(overHttps())]);
  expect((await site.type("project update demo --previews host --check")).exit).toBe(0);
  expect((await site.type("project show demo")).out).toContain(`\npreview_certificate: ${lineage}\n`);
  await site.type("project update demo --domain demo.test");
  expect(record().preview_certificate).toBe(lineage);
  await site.type("project update demo --domain other.test");
  expect(record()).not.toHaveProperty("preview_certificate");
  await site.type("project update demo --domain demo.test --previews host");
  expect(record().preview_certificate).toBe(lineage);
  for (const mode of ["path", "off"]) {
    await site.type(`project update demo --previews ${mode} --yes`);
    expect([mode, record().preview_certificate]).toEqual([mode, undefined]);
  }
});

test("record: a certificate that is no name is invalid, and its hint selects another", async () => {
  const all = JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "");
  for (const name of ["../x", "a;b", "a b", "", "-a", "a/../b", 7]) {
    const demo = { ...all.demo, previews: "host", preview_certificate: name };
    site.fake.put("/etc/edox-ops/projects.json", JSON.stringify({ demo }), { mode: 0o600 });
    const { exit, err } = await site.type("project show demo");
    expect([exit, err]).toEqual([1, expect.stringContaining("preview_certificate is invalid")]);
    expect(err).toContain("hint: edox-ops project update demo --previews host");
  }
  expect((await site.type("project update demo --previews host")).exit).toBe(0);
});

describe("doctor and certs status:", () => {
  const line = async (name: string): Promise<string> =>
    (await site.type("doctor --all")).out.split("\n").find((each) => each.includes(` ${name}: `)) ?? "";

  test("the lineage belongs to the project of the previews, and its expiry is checked", async () => {
    bring();
    await deploy();
    expect(await line("certs:previews")).toBe(`[OK] certs:previews: demo over HTTPS with ${lineage}`);
    expect(await line("certs:lineages")).toStartWith("[OK]");
    expect(await line(`certs:expiry:${wildcard}`)).toStartWith(`[OK] certs:expiry:${wildcard}: `);
    bring({ to: days(2) });
    expect(await line(`certs:expiry:${wildcard}`)).toContain("its renewal is overdue");
    const { certificates } = JSON.parse((await site.type("certs status --json")).out).certs;
    expect(certificates).toEqual([expect.objectContaining({ name: lineage, projects: ["demo"] })]);
  });

  test("nginx is asked for the certificate of a preview", async () => {
    bring();
    await deploy();
    const asked: string[] = [];
    const other = bring({ name: "other", names: ["other.test"] });
    site.fake.taught.unshift((argv) => {
      if (argv[0] !== "openssl" || argv[1] !== "s_client") return undefined;
      asked.push(argv.at(-1) ?? "");
      return ok(other.certificate);
    });
    expect(await line("certs:served")).toContain(
      `nginx serves an older certificate than the one on the disk for ${wildcard}`,
    );
    expect(asked).toEqual(["any.preview.demo.test"]);
  });

  for (const [what, act, status, detail] of [
    ["a certificate that covers them and is not used", () => bring(), "WARN", `do not use the certificate ${lineage}`],
    ["no certificate", () => {}, "OK", `demo over HTTP: ${none}`],
  ] as const) {
    test(`previews with ${what}`, async () => {
      await deploy();
      site.fake.dir("/var/lib/edox-ops/renewals");
      act();
      expect(await line("certs:previews")).toStartWith(`[${status}] certs:previews: `);
      expect(await line("certs:previews")).toContain(detail);
    });
  }

  test("a recorded certificate that cannot be used is an error, whose hint selects another or plain HTTP", async () => {
    bring();
    await deploy();
    bring({ from: days(-100), to: days(-2) });
    expect(await line("certs:previews")).toStartWith(
      `[FAIL] certs:previews: previews of demo cannot use the certificate ${lineage}: `,
    );
    const { exit, out } = await site.type("project update demo --previews host");
    expect([exit, out]).toEqual([0, expect.stringContaining(overHttp)]);
    expect(await line("certs:previews")).not.toStartWith("[FAIL]");
  });
});
