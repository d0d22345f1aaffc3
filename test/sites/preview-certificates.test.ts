// HTTPS of previews with host names and without a wildcard certificate: one certificate for each preview.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { addAuthority, type FakeAuthority } from "../certs/fake-authority.ts";
import { putLineage, removeLineage } from "../certs/lineage-files.ts";
import { unvalidated } from "../certs/recorded.ts";
import { atTerminal } from "../cli/typed.ts";
import { ok } from "../fake-host.ts";
import { issue } from "./certificates.ts";
import { SiteHost } from "./site-host.ts";

const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
const previewsDir = "/var/www/docs/.edox-ops-previews/demo";
const hostOf = (name: string): string => `${name}.preview.demo.test`;
const none = "no certificate of certbot on this host covers *.preview.demo.test";
const names = ["fix-7", "fix-8"].map(hostOf);

let site: SiteHost;
let authority: FakeAuthority;
/** What nginx was configured with when certbot deleted a certificate. */
let deleted: { name: string; site: string; ran: string[] }[];

beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  site.disk.write("/srv/site/index.html", "home");
  authority = addAuthority(site.fake, ["demo.test", ...names], Date.now());
  deleted = [];
  site.fake.taught.unshift((argv) => {
    if (argv[0] !== "certbot" || argv[1] !== "delete") return undefined;
    const name = argv[argv.indexOf("--cert-name") + 1] ?? "";
    deleted.push({ name, site: text(), ran: [...site.fake.ran] });
    removeLineage(site.fake, name);
    return ok();
  });
  // nginx refuses a configuration with a missing certificate.
  site.fake.taught.unshift((argv) => {
    const missing = [...text().matchAll(/ssl_certificate(?:_key)? (.+);/g)].find(
      ([, path = ""]) => !site.fake.stat(path),
    );
    if (argv[0] !== "nginx" || missing === undefined) return undefined;
    return { code: 1, stdout: "", stderr: `nginx: [emerg] cannot load certificate "${missing[1]}"\n` };
  });
  const publish = "project publish demo --source /srv/site --domain demo.test --tls";
  expect(await site.type(publish)).toMatchObject({ exit: 0, err: "" });
  expect(await site.type("project update demo --previews host")).toMatchObject({
    exit: 0,
    out: expect.stringContaining(
      `Previews of demo are served over HTTPS, each with a certificate of its own from its next deploy on: ${none}.`,
    ),
  });
});
afterEach(() => site[Symbol.dispose]());

const text = (): string => site.fake.text(sitePath) ?? "";
const deploy = (name = "fix-7", flags = "") => site.type(`project deploy demo /srv/site --preview ${name} ${flags}`);
const requests = (): string[] => site.fake.ran.filter((each) => each.startsWith("certbot certonly"));
const hasLineage = (name: string): boolean => site.fake.stat(`/etc/letsencrypt/renewal/${hostOf(name)}.conf`) !== null;
const ownServer = (name: string): string =>
  `server_name ~^(?<edox_ops_preview>${name})${String.raw`\.preview\.demo\.test$`};`;
const served = (name: string, scheme: string): string =>
  `Preview ${name} of demo is served over ${scheme === "https" ? "HTTPS, with a certificate of its own" : "plain HTTP"}: ${scheme}://${hostOf(name)}/\n`;
const line = async (name: string): Promise<string> =>
  (await site.type("doctor --all")).out.split("\n").find((each) => each.includes(` ${name}: `)) ?? "";

test("preview deploy: each preview obtains a certificate once its tree is live, and HTTP redirects to HTTPS", async () => {
  const before = requests().length;
  let wasLive = false;
  site.fake.taught.unshift((argv) => {
    if (argv[0] === "certbot" && argv.includes(hostOf("fix-7"))) {
      wasLive = site.disk.text(`${previewsDir}/-/fix-7/index.html`) === "home";
    }
    return undefined;
  });
  for (const name of ["fix-7", "fix-8"]) {
    const { exit, out, err } = await deploy(name);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toContain(served(name, "https"));
    expect(text()).toContain(`    ssl_certificate /etc/letsencrypt/live/${hostOf(name)}/fullchain.pem;\n`);
  }
  expect(wasLive).toBe(true);
  expect(requests().slice(before)).toEqual(
    names.map((name) => expect.stringContaining(` --cert-name ${name} -d ${name} `)),
  );
  // The first regular expression that matches wins.
  const all = text();
  const order = [ownServer("fix-7"), ownServer("fix-8"), ownServer("[a-z0-9-]+")].map((each) => all.lastIndexOf(each));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order[0]).toBeGreaterThan(0);
  const count = site.fake.ran.length;
  const again = await deploy("fix-7");
  expect([again.exit, again.err]).toEqual([0, ""]);
  expect(again.out).toContain(served("fix-7", "https"));
  expect(site.fake.ran.slice(count).filter((each) => /certonly|reload/.test(each))).toEqual([]);
  expect((await site.type("project previews list demo")).out).toContain(`https://${hostOf("fix-7")}/`);
  expect(await site.type("project update demo --previews host --check")).toMatchObject({ exit: 0 });
});

test("preview deploy: succeeds over plain HTTP with a warning when the certificate is refused, and tries again", async () => {
  authority.refusal = { code: 1, ...unvalidated([hostOf("fix-7"), "caa", "CAA record prevents issuance"]) };
  const { exit, out, err } = await deploy();
  expect([exit, err]).toEqual([
    0,
    expect.stringContaining(`warning: preview fix-7 is served over plain HTTP: the CAA record of ${hostOf("fix-7")}`),
  ]);
  expect(out).toContain(served("fix-7", "http"));
  expect(text()).not.toContain(ownServer("fix-7"));
  authority.refusal = null;
  expect(await deploy()).toMatchObject({ exit: 0, err: "", out: expect.stringContaining(served("fix-7", "https")) });
});

test("preview deploy: a name without an address asks no authority, and the preview is live", async () => {
  site.fake.records.delete(hostOf("fix-7"));
  const before = requests().length;
  const { exit, out, err } = await deploy();
  expect([exit, err]).toEqual([0, expect.stringContaining(`${hostOf("fix-7")} has no address in the DNS`)]);
  expect(out).toContain(served("fix-7", "http"));
  expect(requests()).toHaveLength(before);
});

const day = (count: number): string => new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10);
const share =
  "Let's Encrypt issues 50 certificates for a registered domain in 7 days: this host has had 25 for demo.test";

describe("preview deploy: the half of a week's certificates is kept for sites, counted in", () => {
  for (const [where, use] of [
    [
      "the archives of certbot",
      () => {
        const by = issue({ subject: "O=Let's Encrypt", from: "2026-01-01", to: "2036-01-01", isAuthority: true });
        const { certificate } = issue({ subject: "demo.test", from: day(-1), to: day(80), by });
        for (let i = 1; i <= 25; i += 1)
          site.fake.put(`/etc/letsencrypt/archive/n${i}.demo.test/cert1.pem`, certificate);
        site.fake.put("/etc/letsencrypt/archive/demo.other/cert1.pem", certificate);
      },
    ],
    [
      "its log",
      () => {
        const time = new Date(Date.now() - 3_600_000 - new Date().getTimezoneOffset() * 60_000);
        const stamp = time.toISOString().slice(0, 19).replace("T", " ");
        const run = (name: string): string =>
          `${stamp},000:DEBUG:certbot._internal.main:certbot version: 2.1.0\nhttps://acme-v02.api.letsencrypt.org/directory\nSuccessfully received certificate.\nCertificate is saved at: /etc/letsencrypt/live/${name}/fullchain.pem\n`;
        const runs = Array.from({ length: 25 }, (_, i) => run(`n${i}.preview.demo.test`));
        site.fake.put("/var/log/letsencrypt/letsencrypt.log", `${runs.join("")}${run("demo.other")}`);
      },
    ],
  ] as const) {
    test(`${where}; a preview that has one keeps it`, async () => {
      await deploy("fix-8");
      use();
      const before = requests().length;
      const { exit, out, err } = await deploy();
      expect([exit, err]).toEqual([0, expect.stringContaining(share)]);
      expect(out).toContain(served("fix-7", "http"));
      expect(requests()).toHaveLength(before);
      expect(await deploy("fix-8")).toMatchObject({ exit: 0, out: expect.stringContaining(served("fix-8", "https")) });
    });
  }
});

test("project show: the address of previews has the scheme that they are served with", async () => {
  const shown = async () =>
    /PREVIEWS +(.*)\n/.exec((await atTerminal(80, () => site.type("project show demo"))).out)?.[1];
  expect(await shown()).toBe("0, at http://NAME.preview.demo.test/");
  await deploy("fix-7");
  expect(await shown()).toBe("1, at https://NAME.preview.demo.test/");
  authority.refusal = { code: 1, ...unvalidated([hostOf("fix-8"), "caa", "CAA record prevents issuance"]) };
  await deploy("fix-8");
  expect(await shown()).toBe("2, at http://NAME.preview.demo.test/, 1 over HTTPS");
});

test("preview deploy: a dry run says how the preview would be served, and changes nothing", async () => {
  const before = site.snapshot();
  expect((await deploy("fix-7", "--dry-run")).out).toContain("over HTTPS, each with a certificate of its own");
  expect(site.snapshot()).toEqual(before);
});

describe("removal:", () => {
  const expire = (name: string): void => {
    const path = `${previewsDir}/${name}.json`;
    const metadata = JSON.parse(site.disk.text(path));
    site.disk.write(path, JSON.stringify({ ...metadata, expires: "2020-01-01T00:00:00.000Z" }));
  };

  for (const [how, remove] of [
    ["previews remove", () => site.type("project previews remove demo fix-7 --yes")],
    [
      "previews prune",
      () => {
        expire("fix-7");
        return site.type("project previews prune");
      },
    ],
  ] as const) {
    test(`${how}: nginx has loaded the site without the certificate before certbot deletes it`, async () => {
      for (const name of ["fix-7", "fix-8"]) await deploy(name);
      const hookResults = ["fix-7", "fix-8"].map((name) => `/var/lib/edox-ops/renewals/${hostOf(name)}`);
      for (const path of hookResults) site.fake.put(path, "reloaded 1\n");
      const count = site.fake.ran.length;
      expect(await remove()).toMatchObject({ exit: 0, err: "" });
      expect(deleted.map(({ name }) => name)).toEqual([hostOf("fix-7")]);
      expect(deleted[0]?.site).not.toContain(hostOf("fix-7"));
      expect(deleted[0]?.ran.slice(count).filter((each) => each.includes("reload"))).toHaveLength(1);
      expect([hasLineage("fix-7"), hasLineage("fix-8")]).toEqual([false, true]);
      expect(hookResults.map((path) => site.fake.text(path))).toEqual([null, "reloaded 1\n"]);
      expect(text()).toContain(ownServer("fix-8"));
    });
  }

  test("nginx that cannot be configured keeps the certificate, with a warning, and a later prune deletes it", async () => {
    await deploy();
    const { taught } = site.fake;
    const faulty: (typeof taught)[number] = (argv) =>
      argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "nginx: [emerg] a foreign fault\n" } : undefined;
    taught.unshift(faulty);
    const { exit, err } = await site.type("project previews remove demo fix-7 --yes");
    expect([exit, err]).toEqual([0, expect.stringContaining("were not deleted: ")]);
    expect([deleted.length, hasLineage("fix-7"), text().includes(ownServer("fix-7"))]).toEqual([0, true, true]);
    taught.splice(taught.indexOf(faulty), 1);
    expect(await site.type("project previews prune")).toMatchObject({ exit: 0 });
    expect([deleted.length, hasLineage("fix-7"), text().includes(ownServer("fix-7"))]).toEqual([1, false, false]);
  });

  test("a certificate that comes for all previews replaces those of single ones", async () => {
    await deploy();
    const wildcard = { name: "wild", names: ["*.preview.demo.test"], authenticator: "dns-rfc2136" };
    putLineage(site.fake, { ...wildcard, from: day(-1), to: day(80) });
    const { exit, out, err } = await deploy();
    expect([exit, err]).toEqual([0, expect.not.stringContaining("preview")]);
    expect(out).toContain("with the wildcard certificate wild.\n");
    expect([deleted.length, hasLineage("fix-7"), text().includes(ownServer("fix-7"))]).toEqual([1, false, false]);
  });

  test("the certificate of a site whose name is below that of the previews stays", async () => {
    await site.type("project update demo --previews path --yes");
    site.fake.records.set(hostOf("other"), ["10.0.0.4"]);
    const publish = `project publish other --source /srv/site --domain ${hostOf("other")} --tls`;
    expect(await site.type(publish)).toMatchObject({ exit: 0 });
    await deploy();
    await site.type("project previews prune");
    await site.type("project disable other --yes");
    await site.type("project previews prune");
    expect([deleted, hasLineage("other")]).toEqual([[], true]);
  });
});

describe("project remove:", () => {
  test("names the certificates of previews that stay", async () => {
    await deploy("fix-7");
    const { exit, out } = await site.type("project remove demo");
    expect(exit).toBe(0);
    expect(out).toContain(
      `Left the certificate of ${hostOf("fix-7")}, which certbot renews; to delete it: sudo certbot delete --cert-name ${hostOf("fix-7")}\n`,
    );
    expect(out).not.toContain("previews, which");
    expect(deleted).toEqual([]);
  });

  test("names the command for several, which lets a person choose", async () => {
    for (const name of ["fix-7", "fix-8"]) await deploy(name);
    const { out } = await site.type("project remove demo");
    expect(out).toContain(
      "Left the certificates of 2 previews, which certbot renews; to choose those to delete: sudo certbot delete\n",
    );
  });

  test("--delete-files deletes them once nginx no longer uses them, and a dry run names them", async () => {
    for (const name of ["fix-7", "fix-8"]) await deploy(name);
    const planned = await site.type("project remove demo --delete-files --dry-run");
    for (const name of names) expect(planned.out).toContain(`Would delete the certificate ${name}\n`);
    expect(deleted).toEqual([]);
    const { exit, err } = await site.type("project remove demo --delete-files --yes");
    expect([exit, err]).toEqual([0, ""]);
    expect(deleted.map(({ name }) => name).sort()).toEqual(names);
    expect(site.fake.stat("/etc/letsencrypt/renewal/demo.test.conf")).not.toBeNull();
    expect(site.fake.stat("/etc/nginx/sites-enabled/edox-ops-demo")).toBeNull();
    expect(await line("certs:lineages")).not.toContain("preview");
  });

  test("--delete-files keeps them with --keep-nginx, because the nginx site has their paths", async () => {
    await deploy("fix-7");
    const { out } = await site.type("project remove demo --delete-files --keep-nginx --yes");
    expect(out).toContain(`Left the certificate of ${hostOf("fix-7")}`);
    expect(deleted).toEqual([]);
  });
});

describe("doctor and certs status:", () => {
  test("know the certificates of previews, and report one that no preview needs", async () => {
    await deploy();
    expect(await line("certs:previews")).toBe("[OK] certs:previews: 1 preview of demo over HTTPS");
    expect(await line("certs:lineages")).toStartWith("[OK]");
    expect(await line(`certs:expiry:${hostOf("fix-7")}`)).toStartWith("[OK]");
    expect(await line("project:demo")).not.toContain(sitePath);
    const { certificates } = JSON.parse((await site.type("certs status --json")).out).certs;
    expect(certificates).toContainEqual(expect.objectContaining({ name: hostOf("fix-7"), projects: ["demo"] }));
    site.disk.remove(previewsDir);
    await site.type("project update demo --previews host");
    expect(await line("certs:lineages")).toContain(`no preview needs the certificate ${hostOf("fix-7")}`);
    expect(await site.type("project previews prune")).toMatchObject({ exit: 0, err: "" });
    expect(await line("certs:lineages")).toStartWith("[OK]");
  });
});
