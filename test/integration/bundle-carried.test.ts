// The whole way of a bundle: made in parts from repositories as they were 400 days ago, carried on a read-only stick to
// a host that never had a network, and used there to install the program, set up the host and publish a site.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { compile } from "../../build/build.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import { localHost } from "../../src/host/local.ts";
import { type Made, makeKeys, makeRelease } from "../install/release.ts";
import { hostBundle } from "./bundle.ts";
import { type CiServer, serveFolder } from "./ci-server.ts";
import { oldDate, oldRepositories } from "./old-repositories.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { typedHint } from "./typed-hint.ts";

const suite = "trixie";
const version = "1.2.3";
const twice = ["curl", "rsync"];
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const stick = "/media/stick";

const dir = mkdtempSync("/var/tmp/edox-carried-");
const program = `${dir}/edox-ops`;
let maker: TestHost;
let host: TestHost;
let server: CiServer;
let release: Made;
let base: string;
/** The path of a part on the stick. Any of them stands for all. */
let bundle: string;

beforeAll(async () => {
  using bundle = hostBundle(suite);
  must(["tar", "-C", dir, "-xf", bundle.path]);
  mkdirSync(`${dir}/packages`);
  must(["sh", "-c", `mv $(find ${dir}/repo -name '*.deb') ${dir}/packages`]);
  const served = `${dir}/served`;
  mkdirSync(served);
  const key = oldRepositories(served, suite, `${dir}/packages`, twice);
  [maker, host] = await Promise.all([TestHost.up(suite), TestHost.up(suite, { isDark: true })]);
  server = await serveFolder(served, maker.gateway);
  base = `${server.url}/releases`;
  const keys = makeKeys(dir);
  const known = { version, keys: keys.publicKey, releases: base };
  await compile(`${import.meta.dir}/../../src/main.ts`, program, "linux-x64", known);
  release = makeRelease(`${served}/releases`, version, program, base, keys);
  expect(maker.sh("apt-get update -qq && apt-get install -y -qq xz-utils").code).toBe(0);
  for (const each of [maker, host]) copyFileSync(key, `${each.root}${keyring}`);
  maker.put(program, "/usr/local/bin/edox-ops");
  const lines = [`debian ${suite} main`, `debian ${suite}-updates main`, `debian-security ${suite}-security main`].map(
    (each) => `deb [signed-by=${keyring}] ${server.url}/${each}\n`,
  );
  writeFileSync(`${maker.root}/etc/apt/sources.list`, lines.join(""));
  // As for any archive of old releases.
  writeFileSync(`${maker.root}/etc/apt/apt.conf.d/92old`, 'Acquire::Check-Valid-Until "false";\n');
  mkdirSync(`${maker.root}/srv/docs`);
  writeFileSync(`${maker.root}/srv/docs/index.html`, "home\n");
  must(["touch", "-d", oldDate.toISOString(), `${maker.root}/srv/docs/index.html`]);
  expect(maker.run(["apt-get", "update", "-qq"]).code).toBe(0);
});
afterAll(() => {
  for (const each of [server, maker, host]) each?.[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

const making = [
  ...["edox-ops", "bundle", "create", "--suite", suite, "--arch", "amd64", "--with", "host"],
  ...["--site", "/srv/docs", "--split", "20M", "-o", "/srv/out/host.tar"],
];

test("bundle create: without --program the published release of its own version is fetched and verified", () => {
  maker.sh("mkdir /srv/out");
  const unreachable = maker.run(["env", "EDOX_BASE_URL=http://127.0.0.1:9/x", ...making]);
  expect([unreachable.code, unreachable.stderr]).toEqual([1, expect.stringContaining("cannot be fetched")]);
  expect(typedHint(maker, unreachable.stderr)).toContain(`Bundle for ${suite} amd64`);
  maker.sh("rm /srv/out/*");
  expect(maker.run(making)).toMatchObject({ code: 0 });
  const made = openBundle(localHost(), `${maker.root}/srv/out/host.tar`);
  made.close();
  const { manifest } = made;
  expect(manifest.program).toEqual({ version, path: "program/edox-ops-linux-x64.gz" });
  expect(manifest.serial).toBe(oldDate.getTime() / 1000);
  const parts = readdirSync(`${maker.root}/srv/out`).sort();
  expect(parts.length).toBeGreaterThan(2);
  bundle = `${stick}/${parts[1]}`;
});

test("bundle: one of 400 days ago installs program and packages from the parts on a read-only stick", () => {
  must(["cp", "-r", `${maker.root}/srv/out`, `${host.root}${stick}`]);
  host.put(`${release.folder}/install.sh`, `${stick}/install.sh`);
  host.raw(["mount", "--bind", stick, stick]);
  host.raw(["mount", "-o", "remount,bind,ro", stick]);
  expect(host.sh(`touch ${stick}/x`).stderr).toContain("Read-only file system");
  expect(host.sh(`EDOX_OFFLINE_FILE=${bundle} sh ${stick}/install.sh --version`)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\n1\.2\.3\n$/),
    stderr: "",
  });
  const doctor = host.run(["edox-ops", "doctor", "--bundle", bundle]);
  expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringContaining("the bundle fits this host")]);
  expect(host.run(["edox-ops", "bootstrap", "--bundle", bundle, "--yes"])).toMatchObject({ code: 0, stderr: "" });
  const publish = ["edox-ops", "project", "publish", "docs", "--domain", "docs.test", "--bundle", bundle];
  expect(host.run(publish)).toMatchObject({ code: 0, stderr: "" });
  expect(host.run(["curl", "-sS", "-H", "Host: docs.test", "http://127.0.0.1/"]).stdout).toBe("home\n");
  expect(host.packetsSent()).toBe(0);
});

test("doctor --fix --bundle: a package that was removed is installed again, from either of two equal repositories", () => {
  for (const name of ["rsync", "nginx"]) {
    expect(host.sh(`DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq ${name}`).code).toBe(0);
    const fixed = host.run(["edox-ops", "doctor", "--fix", "--bundle", bundle, "--yes"]);
    expect([name, fixed.code, host.sh(`dpkg -l ${name}`).stdout]).toEqual([name, 0, expect.stringMatching(/^ii /m)]);
  }
  expect(host.packetsSent()).toBe(0);
});

test("uninstall: of the bundle only the record stays that it was accepted", () => {
  expect(host.run(["edox-ops", "uninstall", "--yes"])).toMatchObject({ code: 0, stderr: "" });
  const left = host.sh(`find / -xdev -path '*edox-ops*' -path '*bundle*'; grep -rl edox-ops/bundle /etc /var/lib/apt`);
  expect(left.stdout).toBe("/etc/edox-ops/bundle.json\n");
});
