// The TLS settings that all sites share, and the parameter http2 of a socket.

import { describe, expect, test } from "bun:test";
import { serveDemo, typed } from "../cli/typed.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { issue } from "../sites/certificates.ts";

const tlsPath = "/etc/nginx/edox-ops-tls.conf";
const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";
const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
const trixie: Like = { version: "13", codename: "trixie", nginx: "1.26.3-3" };
const noble: Like = { id: "ubuntu", version: "24.04", codename: "noble", nginx: "1.24.0-2ubuntu7" };

/** Adds OpenSSL's library to the packages of a host. */
function putOpenSsl(host: FakeHost, name: string, version: string): void {
  const status = "/var/lib/dpkg/status";
  const paragraph = `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`;
  host.put(status, `${host.text(status) ?? ""}\n${paragraph}\n`);
}

describe("nginx:tls: the curves are those that the host's OpenSSL knows", () => {
  const classical = "X25519:prime256v1:secp384r1";
  const cases: [string, Like, [name: string, version: string] | null, string][] = [
    ["Debian 12", {}, null, classical],
    ["Debian 13", trixie, null, `X25519MLKEM768:${classical}`],
    ["Ubuntu 24.04", noble, null, classical],
    ["OpenSSL 3.0.17", trixie, ["libssl3", "3.0.17-1~deb12u3"], classical],
    ["OpenSSL 3.4.1", trixie, ["libssl3t64", "3.4.1-1ubuntu3"], classical],
    ["OpenSSL 3.5.4", {}, ["libssl3t64", "3.5.4-1~deb13u1"], `X25519MLKEM768:${classical}`],
  ];
  for (const [name, like, library, curves] of cases) {
    test(`nginx:tls: curves of ${name}`, async () => {
      const host = fakeDebian(like);
      if (library !== null) putOpenSsl(host, ...library);
      expect((await typed("bootstrap --yes", host)).exit).toBe(0);
      expect(host.text(tlsPath)).toContain(`\nssl_ecdh_curve ${curves};\n`);
    });
  }

  test("nginx:tls: the file is that of Mozilla's intermediate profile, with one cache for all sites", async () => {
    const host = fakeDebian();
    await typed("bootstrap --yes", host);
    expect(host.text(tlsPath)).toMatchSnapshot();
  });
});

describe("nginx:tls: a host that an older edox-ops set up", () => {
  for (const line of ["enable demo", "update demo --branch next", "disable demo", "render-nginx demo"]) {
    test(`project ${line}: gets the file that the servers include`, async () => {
      const host = await serveDemo(fakeDebian());
      host.remove(tlsPath);
      for (const path of [catchAllPath, sitePath])
        host.put(path, (host.text(path) ?? "").replace(/^.*edox-ops-tls.*\n/m, ""));
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
      expect(host.text(tlsPath)).toContain("ssl_session_cache shared:edox_ops_tls:10m;\n");
    });
  }
});

test("project validate: a site of an older edox-ops with HTTPS is valid and only a warning, and enable brings it in line", async () => {
  const host = await serveDemo(fakeDebian());
  host.taught.push(([program, ...words]) => {
    const urls = words.filter((word) => word.startsWith("http"));
    return program === "curl" ? ok(urls.map((url) => `${url} 200\n`).join("")) : undefined;
  });
  host.put("/var/www/docs/demo/index.html", "home", { mode: 0o644, uid: 0, gid: 33 });
  const dates = { from: "2027-01-01", to: "2027-04-01" };
  const root = issue({ subject: "Root", ...dates, isAuthority: true });
  const { certificate, key } = issue({ subject: "demo.test", names: "DNS:demo.test", ...dates, by: root });
  host.put("/etc/ssl/certs/ca-certificates.crt", root.certificate);
  host.put("/etc/letsencrypt/live/demo.test/fullchain.pem", certificate);
  host.put("/etc/letsencrypt/live/demo.test/privkey.pem", key);
  expect(await typed("project update demo --tls", host)).toMatchObject({ exit: 0, err: "" });
  const site = host.text(sitePath) ?? "";
  const old = site
    .replace("return 308 ", "return 301 ")
    .replace(/^.*edox-ops-tls.*$/m, "    ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_session_tickets off;");
  host.put(sitePath, old);
  host.remove(tlsPath);
  expect(await typed("project validate demo", host)).toEqual({
    exit: 0,
    out: "Project demo validation passed.\n",
    err: `WARN: ${sitePath} differs from its record (drift) (run: edox-ops project enable demo)\n`,
  });
  expect((await typed("project enable demo", host)).exit).toBe(0);
  expect(host.text(sitePath)).toBe(site);
  expect(await typed("project validate demo", host)).toMatchObject({ exit: 0, err: "" });
});

describe("nginx:unknown-names: the parameter http2 of a socket", () => {
  const listens = (host: FakeHost): string[] => host.text(catchAllPath)?.match(/listen .*443.*(?=;)/g) ?? [];

  test("nginx:unknown-names: is that of a site before nginx 1.25.1, so that nginx does not warn, and goes with it", async () => {
    const host = await serveDemo(fakeDebian(noble));
    expect(listens(host)).toEqual(["listen 443 ssl default_server", "listen [::]:443 ssl default_server"]);
    const theirs = "/etc/nginx/sites-enabled/theirs";
    host.put(theirs, "server { listen 443 ssl http2; server_name theirs.test; }\n");
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0, err: "" });
    expect(listens(host)).toEqual(["listen 443 ssl http2 default_server", "listen [::]:443 ssl default_server"]);
    host.put(theirs, "server { listen 443 ssl; server_name http2; }\n");
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0, err: "" });
    expect(listens(host)).toEqual(["listen 443 ssl default_server", "listen [::]:443 ssl default_server"]);
  });

  test("nginx:unknown-names: is not set where nginx has the directive", async () => {
    const host = await serveDemo(fakeDebian(trixie));
    host.put("/etc/nginx/sites-enabled/theirs", "server { listen 443 ssl http2; server_name theirs.test; }\n");
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0, err: "" });
    expect(listens(host)).toEqual(["listen 443 ssl default_server", "listen [::]:443 ssl default_server"]);
  });
});
