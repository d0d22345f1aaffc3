// Request limits of a site, and the proxies that it trusts to name the client's address.

import { beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { clientsText } from "../../src/nginx/text.ts";
import { readNetwork } from "../../src/sites/serve/network.ts";
import { serveDemo, typed, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
const clientsPath = "/etc/nginx/conf.d/edox-ops-clients.conf";
const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
let host: FakeHost;
beforeEach(async () => {
  host = await serveDemo(fakeDebian());
});

const recorded = () => JSON.parse(host.text(projectsPath) ?? "").demo;
const lines = (pattern: RegExp): string[] =>
  (host.text(sitePath) ?? "").split("\n").flatMap((line) => (pattern.test(line) ? [line.trim()] : []));

describe("project update --rate-limit: sets the limits of a site", () => {
  for (const [value, record, directives] of [
    [
      "7",
      7,
      [
        "limit_req_zone $edox_ops_client zone=edox_ops_rate_demo:1m rate=7r/s;",
        "limit_req zone=edox_ops_rate_demo burst=100 nodelay;",
        "limit_req_status 429;",
        "limit_conn edox_ops_client_conn 1000;",
        "limit_conn_status 429;",
      ],
    ],
    [
      "100000",
      100000,
      [
        "limit_req_zone $edox_ops_client zone=edox_ops_rate_demo:1m rate=100000r/s;",
        "limit_req zone=edox_ops_rate_demo burst=400000 nodelay;",
        "limit_req_status 429;",
        "limit_conn edox_ops_client_conn 1000;",
        "limit_conn_status 429;",
      ],
    ],
    ["off", "off", []],
  ] as const) {
    test(`${value}, and default restores record and site byte for byte`, async () => {
      const [records, site] = [host.text(projectsPath), host.text(sitePath)];
      expect(await typed(`project update demo --rate-limit ${value}`, host)).toMatchObject({ exit: 0, err: "" });
      expect(recorded().rate_limit).toBe(record);
      expect(lines(/limit_/)).toEqual([...directives]);
      expect((await typed("project show demo", host)).out).toEndWith(`\nrate_limit: ${value}\n`);
      const { projects } = JSON.parse((await typed("project show demo --json", host)).out);
      expect(projects[0].rate_limit).toBe(record);
      expect((await typed(`project update demo --rate-limit ${value} --check`, host)).exit).toBe(0);
      expect((await typed("project update demo --rate-limit default", host)).exit).toBe(0);
      expect([host.text(projectsPath), host.text(sitePath)]).toEqual([records, site]);
    });
  }

  for (const value of ["0", "-1", "+5", "05", "1.5", "1e3", "0x10", "100001", "9".repeat(400), "٣", "5r/s", "none"]) {
    test(`rejects ${value.slice(0, 20)}`, () => refused(["--rate-limit", value], "--rate-limit"));
  }
  for (const value of ["OFF", "5\n", "5;", "5 ", "$host", "Infinity", "NaN"]) {
    test(`rejects ${JSON.stringify(value)}`, () => refused([`--rate-limit=${value}`], "--rate-limit"));
  }
});

async function refused(words: string[], flag: string, reason = ""): Promise<void> {
  const before = host.listing();
  const said = await typedWords(["project", "update", "demo", ...words], host);
  expect(said.exit).toBeGreaterThan(0);
  expect(said.err).toContain(flag);
  expect(said.err).toContain(reason);
  expect(said.err).toContain("\nhint: ");
  expect(host.listing()).toEqual(before);
}

describe("project update --real-ip-from: sets the proxies that a site trusts", () => {
  test("given twice or as a list, in canonical spelling without duplicates, and none restores record and site byte for byte", async () => {
    const [records, site] = [host.text(projectsPath), host.text(sitePath)];
    const flags = "--real-ip-from 127.0.0.1 --real-ip-from 10.0.0.0/8,2001:DB8:0::/32 --real-ip-from=127.0.0.1/32";
    expect(await typed(`project update demo ${flags}`, host)).toMatchObject({ exit: 0, err: "" });
    expect(recorded().real_ip_from).toEqual(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]);
    expect(lines(/real_ip/)).toEqual([
      "set_real_ip_from 127.0.0.1;",
      "set_real_ip_from 10.0.0.0/8;",
      "set_real_ip_from 2001:db8::/32;",
      "real_ip_header X-Forwarded-For;",
      "real_ip_recursive on;",
    ]);
    expect((await typed(`project update demo ${flags} --check`, host)).exit).toBe(0);
    expect((await typed("project show demo", host)).out).toEndWith(
      '\nreal_ip_from: ["127.0.0.1","10.0.0.0/8","2001:db8::/32"]\n',
    );
    const { projects } = JSON.parse((await typed("project list --json", host)).out);
    expect(projects[0].real_ip_from).toHaveLength(3);
    expect((await typed("project update demo --real-ip-from ::1", host)).exit).toBe(0);
    expect(recorded().real_ip_from).toEqual(["::1"]);
    expect((await typed("project update demo --real-ip-from none", host)).exit).toBe(0);
    expect([host.text(projectsPath), host.text(sitePath)]).toEqual([records, site]);
  });

  test("also in the server that redirects to HTTPS, whose log has the client's address", async () => {
    await typed("project add tls --domain tls.test --tls --real-ip-from fd00::/8", host);
    for (const name of ["fullchain", "privkey"]) host.put(`/etc/letsencrypt/live/tls.test/${name}.pem`, "x");
    const { out } = await typed("project render-nginx tls --stdout", host);
    const [, plain, secure] = out.split("server {\n");
    for (const server of [plain, secure]) expect(server?.split("set_real_ip_from fd00::/8;\n")).toHaveLength(2);
  });

  for (const [value, reason] of [
    ["0.0.0.0/0", "trusts every client to claim any address"],
    ["::/0", "trusts every client to claim any address"],
    ["128.0.0.0/1", "trusts strangers to claim any address"],
    ["2000::/3", "trusts strangers to claim any address"],
    ["10.0.0.1/8", "type 10.0.0.0/8, or 10.0.0.1 for one address"],
    ["2001:db8::1/32", "type 2001:db8::/32, or 2001:db8::1 for one address"],
    ["10.0.0.0/33", "no prefix length from 0 to 32"],
    ["2001:db8::/129", "no prefix length from 0 to 128"],
    ["10.0.0.0/08", "no prefix length"],
    ["10.0.0.0/1e1", "no prefix length"],
    ["10.0.0.0/٨", "no prefix length"],
    ["10.0.0.0/8\n", "no prefix length"],
    ["10.0.0.0/8;", "no prefix length"],
    ["10.0.0.0/255.0.0.0", "no prefix length"],
    ["10.0.0.0/", "no prefix length"],
    ["10.0.0.0/8/8", "is not a network"],
    ["10.0.0", "is not a network"],
    ["010.0.0.1", "is not a network"],
    ["0x0a000001", "is not a network"],
    ["1e3", "is not a network"],
    ["167772161", "is not a network"],
    ["256.0.0.1", "is not a network"],
    ["١.1.1.1", "is not a network"],
    ["10.0.0.1 ", "is not a network"],
    ["10.0.0.1\n", "is not a network"],
    ["10.0.0.1; deny all", "is not a network"],
    ["::ffff:10.0.0.1", "is not a network"],
    ["::ffff:a00:1", "is an IPv4 address in the notation of IPv6"],
    ["::ffff:0:0/96", "is an IPv4 address in the notation of IPv6"],
    ["fe80::1%eth0", "is not a network"],
    ["[::1]", "is not a network"],
    ["1::2::3", "is not a network"],
    ["unix:", "is not a network"],
    ["localhost", "is not a network"],
    ["10.0.0.0/8,", "is not a network"],
    ["none,10.0.0.0/8", "none is not a network"],
    [Array.from({ length: 201 }, (_, i) => `10.0.0.${i}`).join(), "invalid --real-ip-from '201 networks': at most 200"],
  ] as const) {
    test(`rejects ${JSON.stringify(value.slice(0, 30))}`, () =>
      refused([`--real-ip-from=${value}`], "--real-ip-from", reason));
  }
  test("rejects an empty value", () => refused(["--real-ip-from", ""], "--real-ip-from needs a value"));

  test("real_ip_from: a parsed network is safe in nginx's configuration, and its spelling parses to itself", () => {
    const part = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:./%;]{1,12}$/), fc.string());
    const text = fc.oneof(
      part,
      fc.tuple(part, fc.integer({ min: -1, max: 130 })).map(([at, n]) => `${at}/${n}`),
    );
    fc.assert(
      fc.property(text, (each) => {
        const read = readNetwork(each);
        if ("reason" in read) return;
        expect(read.network).toMatch(/^[0-9a-f.:]+(?:\/\d{1,3})?$/);
        expect(readNetwork(read.network)).toEqual(read);
      }),
    );
  });
});

describe("rate limit: a request is exempt only if it comes from the host itself and was not forwarded:", () => {
  const [, source = ""] = /map "([^"]+)"/.exec(clientsText) ?? [];
  const exempt = [...clientsText.matchAll(/"~([^"]+)" "";/g)].map(([, pattern]) => new RegExp(pattern ?? ""));
  for (const [remote, server, headers, counted] of [
    ["127.0.0.1", "127.0.0.1", {}, false],
    ["127.0.0.1", "127.0.1.1", {}, false],
    ["::1", "::1", {}, false],
    ["10.0.0.5", "10.0.0.5", {}, false],
    ["2001:db8::5", "2001:db8::5", {}, false],
    ["10.0.0.5", "10.0.0.55", {}, true],
    ["10.0.0.55", "10.0.0.5", {}, true],
    ["1270.0.0.1", "10.0.0.5", {}, true],
    ["::12", "::1", {}, true],
    ["2001:db8::1", "10.0.0.5", {}, true],
    ["127.0.0.1", "127.0.0.1", { x_forwarded_for: "198.51.100.1" }, true],
    ["127.0.0.1", "127.0.0.1", { x_real_ip: "127.0.0.1" }, true],
    ["::1", "::1", { forwarded: "for=127.0.0.1" }, true],
    ["10.0.0.5", "10.0.0.5", { via: "1.1 proxy" }, true],
    ["198.51.100.1", "10.0.0.5", { x_forwarded_for: "127.0.0.1 127.0.0.1 " }, true],
  ] as const) {
    test(`${remote} at ${server} ${JSON.stringify(headers)}`, () => {
      const values: Record<string, string> = { remote_addr: remote, server_addr: server };
      for (const [name, value] of Object.entries(headers)) values[`http_${name}`] = value;
      const text = source.replace(/\$(\w+)/g, (_, name) => values[name] ?? "");
      expect(exempt).toHaveLength(2);
      expect(exempt.some((pattern) => pattern.test(text))).toBe(!counted);
    });
  }
});

describe("rate limit: after an upgrade or a rollback of edox-ops, written sites find their zones and older sites keep working", () => {
  const earlier = "limit_req_zone $binary_remote_addr zone=edox_ops_reader:10m rate=500r/s;";
  for (const line of ["update demo", "enable demo", "render-nginx demo"]) {
    test(line, async () => {
      host.remove(clientsPath);
      host.put(sitePath, "server { limit_req zone=edox_ops_reader burst=2000 nodelay; }\n");
      expect((await typed("doctor", host)).out).toContain("[WARN] nginx:clients: ");
      expect((await typed(`project ${line}`, host)).exit).toBe(0);
      // An earlier edox-ops writes its own version of the limits file, and never the file of a newer one.
      const zones = host.text(clientsPath) ?? "";
      const used = [...(host.text(sitePath) ?? "").matchAll(/limit_(?:req zone=|conn )(\w+)/g)].map(([, zone]) => zone);
      expect(used).toHaveLength(2);
      for (const zone of used) expect(zones).toContain(` zone=${zone}:10m`);
      expect(host.text(limitsPath)).toContain(earlier);
    });
  }
});
