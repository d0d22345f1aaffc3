// `project publish --tls`: the certificate comes before the site.

import { afterEach, expect, test } from "bun:test";
import { SiteHost } from "../sites/site-host.ts";
import { addAuthority, type FakeAuthority } from "./fake-authority.ts";
import { putLineage } from "./lineage-files.ts";
import { unvalidated } from "./recorded.ts";

const publish = "project publish demo --domain demo.test --source /srv/site";
const site = "/etc/nginx/sites-available/edox-ops-demo";

const sites: SiteHost[] = [];
afterEach(() => {
  for (const each of sites.splice(0)) each[Symbol.dispose]();
});

async function bootstrapped(): Promise<{ made: SiteHost; authority: FakeAuthority }> {
  const made = await SiteHost.bootstrapped();
  sites.push(made);
  made.disk.write("/srv/site/index.html", "home");
  return { made, authority: addAuthority(made.fake, ["demo.test", "www.demo.test"], made.host.now()) };
}

const reloads = ({ fake }: SiteHost): number =>
  fake.ran.filter((each) => each.includes("reload-or-restart nginx")).length;
const requests = ({ fake }: SiteHost): string[] => fake.ran.filter((each) => each.startsWith("certbot certonly"));

test("publish --tls: from nothing to an HTTPS site, with one change of nginx after the certificate", async () => {
  const { made } = await bootstrapped();
  const before = reloads(made);
  const { exit, out, err } = await made.type(`${publish} --tls --alias www.demo.test --email me@demo.test`);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatch(/changed +certs\.issue[\s\S]*changed +project\.publish[\s\S]*https:\/\/demo\.test\//);
  expect(made.fake.text(site)).toContain("ssl_certificate /etc/letsencrypt/live/demo.test/fullchain.pem;");
  expect(reloads(made) - before).toBe(1);
  expect(requests(made)).toEqual([expect.stringContaining("-d demo.test -d www.demo.test --non-interactive")]);
  expect(await made.type(`${publish} --tls --check`)).toMatchObject({ exit: 0 });
  expect(requests(made)).toHaveLength(1);
});

test("publish --tls: a dry run lists the certificate and the site together, and writes nothing", async () => {
  const { made } = await bootstrapped();
  const before = made.snapshot();
  const { exit, out } = await made.type(`${publish} --tls --dry-run --diff`);
  expect(exit).toBe(0);
  expect(out).toMatch(/pending +certs\.install[\s\S]*pending +certs\.issue[\s\S]*pending +project\.publish/);
  expect(out).toContain("+    ssl_certificate /etc/letsencrypt/live/demo.test/fullchain.pem;");
  const { out: json } = await made.type(`${publish} --tls --dry-run --json`);
  const ids = (JSON.parse(json).steps as { id: string }[]).map(({ id }) => id);
  expect(ids).toEqual([
    ...["certs.install", "certs.hook", "certs.timer", "certs.challenge", "certs.issue", "certs.renew-before"],
    ...["certs.load", "project.publish", "project.deploy"],
  ]);
  expect(made.snapshot()).toEqual(before);
});

test("publish --tls: a certificate that a killed certbot left without its configuration is replaced", async () => {
  const { made } = await bootstrapped();
  putLineage(made.fake, { name: "demo.test" });
  made.fake.put("/etc/letsencrypt/renewal/demo.test.conf", "");
  expect(await made.type(`${publish} --tls`)).toMatchObject({ exit: 0, err: "" });
  expect(requests(made)).toHaveLength(1);
  expect(made.fake.text("/etc/letsencrypt/renewal/demo.test.conf")).toContain("webroot_path");
});

test.each([`${publish} --tls`, "project certs issue demo --yes"])(
  "a certificate that was deleted though nginx uses it is obtained again: %s",
  async (words) => {
    const { made } = await bootstrapped();
    expect(await made.type(`${publish} --tls`)).toMatchObject({ exit: 0 });
    const path = "/etc/letsencrypt/live/demo.test/fullchain.pem";
    const files = ["renewal/demo.test.conf", "live/demo.test", "archive/demo.test"];
    for (const key of [...made.fake.nodes.keys()]) {
      if (files.some((each) => key.startsWith(`/etc/letsencrypt/${each}`))) made.fake.nodes.delete(key);
    }
    made.fake.taught.unshift((argv) => {
      if (argv[0] !== "nginx" || !made.fake.text(site)?.includes(path) || made.fake.stat(path)) return undefined;
      return {
        code: 1,
        stdout: "",
        stderr: `nginx: [emerg] cannot load certificate "${path}": BIO_new_file() failed\n`,
      };
    });
    made.fake.put("/etc/nginx/nginx.conf", `${made.fake.text("/etc/nginx/nginx.conf")}\n`);
    expect(await made.type(words)).toMatchObject({ exit: 0, err: "" });
    expect(made.fake.text(site)).toContain(path);
    expect(requests(made)).toHaveLength(2);
  },
);

test("publish --tls: without a certificate, an existing site is not changed", async () => {
  const { made, authority } = await bootstrapped();
  await made.type(publish);
  await made.type("certs setup-auto-renew --yes");
  made.disk.write("/srv/new/index.html", "new");
  const before = made.snapshot();
  authority.refusal = { code: 1, ...unvalidated(["demo.test", "caa", "CAA record prevents issuance"]) };
  const { exit, err } = await made.type("project publish demo --source /srv/new --tls");
  expect([exit, err]).toEqual([1, expect.stringContaining("the CAA record of demo.test does not allow")]);
  const without = (all: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(all).filter(([path]) => !/^\/var\/(?:log|lib\/edox-ops\/acme)\/|lock/.test(path)),
    );
  expect(without(made.snapshot())).toEqual(without(before));
  authority.refusal = null;
  expect(await made.type("project publish demo --source /srv/new --tls")).toMatchObject({ exit: 0 });
  expect(made.disk.text("/var/www/docs/demo/index.html")).toBe("new");
  expect(made.fake.text(site)).toContain("return 308 https://");
});

test("publish --tls: a source that cannot be published asks no certificate authority", async () => {
  const { made } = await bootstrapped();
  made.disk.write("/srv/empty/page.txt", "no page");
  for (const source of ["/srv/none", "/srv/empty"]) {
    const { exit } = await made.type(`project publish demo --domain demo.test --source ${source} --tls`);
    expect([source, exit, requests(made)]).toEqual([source, 1, []]);
  }
});

test("publish --tls: a name without an address leaves no project behind", async () => {
  const { made } = await bootstrapped();
  made.fake.records.clear();
  const { exit, err } = await made.type(`${publish} --tls`);
  expect([exit, err]).toEqual([1, expect.stringContaining("demo.test has no address in the DNS")]);
  expect([made.fake.text(site), requests(made)]).toEqual([null, []]);
  expect(await made.type(`${publish} --tls --no-preflight`)).toMatchObject({ exit: 0 });
});

test("publish --tls: a certificate of the test server is replaced, and so is one with another key than the flag names", async () => {
  const { made } = await bootstrapped();
  await made.type(`${publish} --tls --staging`);
  expect(requests(made).at(-1)).toEndWith(" --staging");
  await made.type(`${publish} --tls --staging`);
  expect(requests(made)).toHaveLength(1);
  expect(await made.type(`${publish} --tls`)).toMatchObject({ exit: 0 });
  expect(requests(made).at(-1)).toContain("--force-renewal");
  expect(requests(made).at(-1)).not.toContain("--staging");
  // The authority in memory makes no RSA key.
  expect((await made.type(`${publish} --tls --key-type rsa`)).err).toContain("the key of demo.test is ecdsa");
  expect(requests(made).at(-1)).toEndWith("--key-type rsa");
  expect(await made.type(`${publish} --tls`)).toMatchObject({ exit: 0 });
  expect(requests(made)).toHaveLength(3);
  expect((await made.type(`${publish} --tls --staging`)).err).toContain("--staging does not replace it");
});

test("publish --tls: a name of another project is refused as without --tls", async () => {
  const { made } = await bootstrapped();
  await made.type(publish);
  const other = "project publish other --domain demo.test --source /srv/site";
  const refused = {
    exit: 1,
    err: "error: domain demo.test is already used by project demo\nhint: edox-ops project list\n",
  };
  expect(await made.type(other)).toMatchObject(refused);
  expect(await made.type(`${other} --tls`)).toMatchObject(refused);
});

test("publish --tls: a disabled project with a source path needs no --source", async () => {
  const { made } = await bootstrapped();
  await made.type(`${publish} --tls`);
  for (const line of ["project update demo --source-path /srv/site", "project disable demo"]) {
    expect(await made.type(line)).toMatchObject({ exit: 0 });
  }
  expect(await made.type("project publish demo --tls")).toMatchObject({ exit: 0 });
  expect(requests(made)).toHaveLength(1);
});

test("publish: a flag of the certificate needs --tls", async () => {
  const { made } = await bootstrapped();
  const { exit, err } = await made.type(`${publish} --staging`);
  expect([exit, err]).toEqual([2, expect.stringContaining("--staging needs --tls")]);
});
