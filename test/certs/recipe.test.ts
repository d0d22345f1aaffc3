import { describe, expect, test } from "bun:test";
import { hookPath } from "../../src/certs/paths.ts";
import { hookText } from "../../src/certs/renewal/hook.ts";
import { typed } from "../cli/typed.ts";
import { killedAt, moments } from "../engine/killed-host.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { addCertbot, type FakeCertbot } from "./fake-certbot.ts";
import { acmeServer, type LineageSpec, renewalTextOf } from "./lineage-files.ts";

const acmeDir = "/var/lib/edox-ops/acme";
const conf = (name: string): string => `/etc/letsencrypt/renewal/${name}.conf`;
const setUp = "certs setup-auto-renew --yes";

function hostWith(
  specs: LineageSpec[],
  projects: Record<string, object> = {},
): { host: FakeHost; certbot: FakeCertbot } {
  const host = fakeDebian();
  const certbot = addCertbot(host, specs);
  host.put("/etc/edox-ops/projects.json", JSON.stringify(projects), { mode: 0o600 });
  return { host, certbot };
}

test("the hook of the Python version is replaced, and a copy of it is kept", async () => {
  const host = fakeDebian();
  const former = "#!/bin/sh\nsystemctl reload nginx\n";
  host.put(hookPath, former, { mode: 0o755 });
  expect(await typed(setUp, host)).toMatchObject({ exit: 0, err: "" });
  expect([host.text(hookPath), host.stat(hookPath)?.mode]).toEqual([hookText, 0o755]);
  const copies = (host.list("/etc/edox-ops/replaced") ?? []).map((name) => host.text(`/etc/edox-ops/replaced/${name}`));
  expect(copies).toEqual([former]);
  expect((await typed(`${setUp} --check`, host)).exit).toBe(0);
});

describe("renew_before_expiry", () => {
  const day = (count: number): string =>
    new Date(Date.parse("2027-01-14T00:00:00Z") + count * 86_400_000).toISOString().slice(0, 10);
  const six = { from: day(0), to: day(6) };

  test.each([
    ["6 days: two thirds", { ...six }, "96 hours"],
    ["20 days: a third", { from: day(0), to: day(20) }, "160 hours"],
    ["30 days: a third", { from: day(0), to: day(30) }, "240 hours"],
    ["45 days: as certbot does", { from: day(0), to: day(45) }, null],
    ["90 days: as certbot does", { from: day(0), to: day(90) }, null],
    ["10 years: as certbot does", { from: day(0), to: day(3650) }, null],
    ["an admin's own setting stays", { ...six, top: ["renew_before_expiry = 2 days"] }, null],
    ["a setting that is too late", { ...six, top: ["renew_before_expiry = 1 hour"] }, "96 hours"],
    [
      "a setting of a shorter lifetime",
      { from: day(0), to: day(90), top: ["renew_before_expiry = 72 hours"] },
      "720 hours",
    ],
    ["a setting in an unknown form stays", { ...six, top: ["renew_before_expiry = soon"] }, null],
    ["a number of days stays", { from: day(0), to: day(60), top: ["renew_before_expiry = 30"] }, null],
    ["no lifetime: the shortest time", { from: day(0), to: day(0) }, "1 hours"],
    ["a negative lifetime: the shortest time", { from: day(0), to: day(-6) }, "1 hours"],
  ])("%s", async (_, spec, wanted) => {
    const { host } = hostWith([{ name: "a.test", ...spec }]);
    const before = host.text(conf("a.test")) ?? "";
    const { exit, err } = await typed(setUp, host);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    const own = spec as LineageSpec;
    const after = own.top
      ? before.replace(own.top[0] ?? "", `renew_before_expiry = ${wanted}`)
      : `renew_before_expiry = ${wanted}\n${before}`;
    expect(host.text(conf("a.test"))).toBe(wanted === null ? before : after);
    expect((await typed(`${setUp} --check`, host)).exit).toBe(0);
  });

  test("a foreign lineage is not changed unless a project uses it", async () => {
    const foreign = { ...six, authenticator: "dns-rfc2136" };
    const demo = { demo: { slug: "demo", domain: "used.test", tls: true, enabled: true } };
    const { host } = hostWith(
      [
        { name: "used.test", ...foreign },
        { name: "other.test", ...foreign },
        { name: "web.test", ...six, webroot: "/srv/web" },
      ],
      demo,
    );
    expect(await typed(setUp, host)).toMatchObject({ exit: 0, err: "" });
    const changed = ["used.test", "other.test", "web.test"].filter((name) =>
      host.text(conf(name))?.startsWith("renew_before"),
    );
    expect(changed).toEqual(["used.test"]);
  });
});

describe("migration of a lineage of the Python version", () => {
  const old: LineageSpec = { name: "demo.test", webroot: "/var/www/docs/demo" };
  const project = { slug: "demo", domain: "demo.test", tls: true, enabled: true };
  const vhost = "/etc/nginx/sites-available/edox-ops-demo";

  test("two lines change, and a renewal at its own server proves it", async () => {
    const { host } = hostWith([old], { demo: project });
    host.put(vhost, `root ${acmeDir};\n`);
    expect(await typed(setUp, host)).toMatchObject({ exit: 0, err: "" });
    expect(host.text(conf("demo.test"))).toBe(renewalTextOf({ ...old, webroot: acmeDir }));
    expect(host.ran).toContain(
      `certbot renew --cert-name demo.test --dry-run --server ${acmeServer} --no-random-sleep-on-renew --non-interactive`,
    );
    expect(host.list("/var/lib/edox-ops/journal") ?? []).toEqual([]);
    const ran = host.ran.length;
    expect(await typed(setUp, host)).toMatchObject({ exit: 0, err: "" });
    expect(host.ran.slice(ran)).toEqual([]);
  });

  test("a renewal that fails rolls it back, and the timer is active by then", async () => {
    const { host, certbot } = hostWith([old]);
    certbot.before = (words) =>
      words.includes("--dry-run")
        ? { code: 1, stdout: "", stderr: "Failed to renew certificate demo.test with error: no answer\n" }
        : undefined;
    const before = host.text(conf("demo.test"));
    const { exit, out, err } = await typed(setUp, host);
    expect([exit, err]).toEqual([1, expect.stringContaining("with error: no answer")]);
    expect(out).toMatch(/^(?:ok|changed) +certs\.timer/m);
    expect(host.text(conf("demo.test"))).toBe(before);
  });

  test.each(moments)(
    "a kill at any call (%s) leaves the former settings, or the next run restores them",
    async (moment) => {
      for (let call = 0; ; call++) {
        const { host } = hostWith([old]);
        const killed = killedAt(host, call, moment);
        await typed(setUp, killed.host).catch(() => undefined);
        if (killed.calls() <= call) break;
        host.locks.clear();
        expect([call, await typed(setUp, host)]).toMatchObject([call, { exit: 0 }]);
        expect(host.text(conf("demo.test"))).toBe(renewalTextOf({ ...old, webroot: acmeDir }));
        expect(host.ran.filter((line) => line.includes("--dry-run")).length).toBeGreaterThan(0);
      }
    },
  );

  test("it waits until the site serves challenges from the webroot of edox-ops", async () => {
    const { host } = hostWith([old], { demo: project });
    host.put(vhost, "the site of the Python version");
    const before = host.text(conf("demo.test"));
    const { exit, out } = await typed(setUp, host);
    expect([exit, out]).toEqual([0, expect.stringContaining("sudo edox-ops project enable demo")]);
    expect(host.text(conf("demo.test"))).toBe(before);
  });

  test("a name of a foreign site keeps its webroot", async () => {
    const names = ["demo.test", "foreign.test"];
    const { host } = hostWith([{ ...old, names, webroot: "/srv/web" }], { demo: project });
    host.put(vhost, `root ${acmeDir};\n`);
    expect(await typed(setUp, host)).toMatchObject({ exit: 0, err: "" });
    const before = renewalTextOf({ ...old, names, webroot: "/srv/web" });
    expect(host.text(conf("demo.test"))).toBe(before.replace("demo.test = /srv/web", `demo.test = ${acmeDir}`));
  });

  test("a lineage with another authenticator, a foreign one and one whose site is disabled are not changed", async () => {
    const specs = [
      { name: "dns.test", authenticator: "dns-rfc2136" },
      { name: "web.test", webroot: "/srv/web" },
      { name: "demo.test", webroot: "/srv/demo" },
    ];
    const { host } = hostWith(specs, { demo: { ...project, enabled: false } });
    expect((await typed(`${setUp} --only certs.webroot --check`.replace(" --yes", ""), host)).exit).toBe(0);
  });
});
