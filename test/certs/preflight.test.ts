// The checks before the first request to a certificate authority.

import { beforeAll, describe, expect, test } from "bun:test";
import { defaultServer } from "../../src/certs/acme-servers.ts";
import { certbotLog } from "../../src/certs/certbot-log.ts";
import { ownAddresses } from "../../src/certs/issue/addresses.ts";
import { withinLimits } from "../../src/certs/issue/rate-limits.ts";
import { prepared, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { issue } from "../sites/certificates.ts";
import { addAuthority, type FakeAuthority } from "./fake-authority.ts";

const ready = prepared("bootstrap --yes", "project add demo --domain demo.test", "certs setup-auto-renew --yes");
const line = "project certs issue demo --yes";
const challenges = "/var/lib/edox-ops/acme/.well-known/acme-challenge";
const refusedConnection = { code: 7, stdout: "\n000 ", stderr: "curl: (7) Failed to connect: Connection refused" };
const fib = (address: string): string => `Local:\n        |-- ${address}\n           /32 host LOCAL\n`;

async function hostWith(...addresses: string[]): Promise<{ host: FakeHost; authority: FakeAuthority }> {
  const host = await ready(fakeDebian());
  const authority = addAuthority(host, []);
  host.put("/proc/net/fib_trie", fib("10.0.0.4"));
  if (addresses.length > 0) host.records.set("demo.test", addresses);
  return { host, authority };
}

/** Returns the error and the hint of the command. certbot has not run. */
async function fails(host: FakeHost, words = line): Promise<string> {
  const { exit, err } = await typed(words, host);
  expect([exit, host.ran.filter((each) => each.startsWith("certbot"))]).toEqual([1, []]);
  expect(host.list(challenges) ?? []).toEqual([]);
  return err;
}

describe("preflight: the DNS", () => {
  test("a name without a record is reported with the record to add", async () => {
    const { host } = await hostWith();
    expect(await fails(host)).toContain(
      "demo.test has no address in the DNS: add an A record with the address that leads",
    );
    host.put("/proc/net/fib_trie", fib("203.0.113.5"));
    expect(await fails(host)).toContain(
      `demo.test has no address in the DNS: add the A record 203.0.113.5\nhint: edox-ops ${line}`,
    );
  });

  test.each([
    ["server-failure", "the name servers of demo.test answer with an error", `edox-ops ${line}`],
    ["no-answer", "no name server answers for demo.test", "cat /etc/resolv.conf"],
  ] as const)("%s is reported: %s", async (failure, message, hint) => {
    const { host } = await hostWith();
    const failing = { ...host, resolve: async () => ({ addresses: [], failure }) } as FakeHost;
    expect(await fails(failing)).toContain(`error: ${message}\nhint: ${hint}\n`);
  });

  test("an address of this host passes, of IPv4 and IPv6", async () => {
    const { host, authority } = await hostWith("10.0.0.4", "2001:db8::1");
    host.put("/proc/net/if_inet6", "20010db8000000000000000000000001 02 40 00 80 eth0\n");
    expect(await typed(line, host)).toMatchObject({ exit: 0 });
    expect(authority.tokens).toHaveLength(2);
    expect(host.list(challenges)).toEqual([]);
  });

  test("an address of another host is named, with the record to change", async () => {
    const { host, authority } = await hostWith("192.0.2.7");
    authority.elsewhere.set("192.0.2.7", refusedConnection);
    const start =
      "the A record 192.0.2.7 of demo.test does not lead to this host (connection refused): change the record";
    const err = await fails(host);
    expect(err).toContain(`${start}, or skip this check if a router translates the addresses of this host`);
    expect(err).toContain(`hint: edox-ops ${line} --no-preflight\n`);
    host.put("/proc/net/fib_trie", fib("203.0.113.5"));
    expect(await fails(host)).toContain(`${start} to 203.0.113.5\nhint: edox-ops ${line}\n`);
    expect(await typed(`${line} --no-preflight`, host)).toMatchObject({ exit: 0 });
  });

  test.each(["0.0.0.0", "127.0.0.1", "127.0.1.1", "169.254.169.254", "224.0.0.1", "255.255.255.255"])(
    "an address that other hosts cannot reach is not asked: %s",
    async (address) => {
      const { host, authority } = await hostWith(address);
      host.put("/proc/net/fib_trie", fib("127.0.0.1") + fib("203.0.113.5"));
      const reason = `the A record ${address} of demo.test does not lead to this host (other hosts cannot reach such an address): change the record to 203.0.113.5`;
      for (const words of [line, "project certs issue demo --dry-run"])
        expect(await fails(host, words)).toContain(reason);
      expect(authority.requests).toEqual([]);
    },
  );

  test.each(["::", "::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:7f00:1"])(
    "an address that other hosts cannot reach is not asked, beside a right one: %s",
    async (address) => {
      const { host, authority } = await hostWith("10.0.0.4", address);
      expect(await fails(host)).toContain(
        `the AAAA record ${address} of demo.test does not lead to this host (other hosts cannot reach such an address), and certificate authorities try IPv6 first: remove the record`,
      );
      expect(authority.requests).toEqual([]);
    },
  );

  test("an answer that changes after the first check is checked again", async () => {
    const { host, authority } = await hostWith("10.0.0.4");
    const resolve = host.resolve.bind(host);
    let asked = 0;
    const changing = {
      ...host,
      async resolve(...words: Parameters<typeof resolve>) {
        asked += 1;
        return asked === 1 ? resolve(...words) : { addresses: ["169.254.169.254"], failure: null };
      },
    } as FakeHost;
    expect(await fails(changing)).toContain("the A record 169.254.169.254 of demo.test does not lead to this host");
    expect(authority.requests).toEqual([]);
  });

  test("of a thousand addresses that do not answer, some are asked", async () => {
    const addresses = Array.from({ length: 1000 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);
    const { host, authority } = await hostWith(...addresses);
    for (const each of addresses) authority.elsewhere.set(each, refusedConnection);
    await fails(host);
    expect(authority.requests.length).toBeLessThan(20);
  });

  test("an address of a router that leads to this host passes", async () => {
    const { host } = await hostWith("198.51.100.9");
    expect(await typed(line, host)).toMatchObject({ exit: 0, err: "" });
  });

  test("an AAAA record that leads elsewhere is reported although the A record is right", async () => {
    const { host, authority } = await hostWith("10.0.0.4", "2001:db8::9");
    authority.elsewhere.set("2001:db8::9", { code: 28, stdout: "\n000 ", stderr: "curl: (28) Connection timed out" });
    expect(await fails(host)).toContain(
      "the AAAA record 2001:db8::9 of demo.test does not lead to this host (timed out: a firewall?), and certificate authorities try IPv6 first: remove the record",
    );
  });

  test("a redirect to HTTPS or another name is followed, over an address of the DNS", async () => {
    const { host, authority } = await hostWith("198.51.100.9");
    host.records.set("www.test", ["198.51.100.10"]);
    let token = "";
    host.taught.unshift((argv) => {
      if (argv[0] !== "curl") return undefined;
      const url = argv.at(-1) ?? "";
      authority.requests.push(argv.join(" "));
      if (url.startsWith("https://www.test/")) return ok(`${token}\n200 `);
      token = url.slice(url.lastIndexOf("/") + 1);
      return ok(`moved\n301 ${url.startsWith("http:") ? url.replace("http:", "https:") : "https://www.test/x"}`);
    });
    expect(await typed(line, host)).toMatchObject({ exit: 0, err: "" });
    expect(authority.requests).toHaveLength(3);
    expect(authority.requests[1]).toContain("--resolve demo.test:443:198.51.100.9");
    expect(authority.requests[2]).toContain("--resolve www.test:443:198.51.100.10");
  });

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://[::1]/",
    "https://demo.test:8443/",
    "http://demo.test:2375/containers",
    "http://internal.test/",
    "http://unknown.test/",
    "file:///etc/shadow",
    "gopher://demo.test/",
    `http://169.254.169.254/${"x".repeat(5000)}\u001b[2J`,
  ])("a redirect to %s is not followed", async (url) => {
    const { host, authority } = await hostWith("198.51.100.9");
    host.records.set("internal.test", ["127.0.0.1"]);
    authority.elsewhere.set("198.51.100.9", ok(`moved\n302 ${url}`));
    const err = await fails(host);
    expect(err).toContain(`it redirects to ${url.slice(0, 30)}`);
    expect(err).not.toMatch(/[^\P{Cc}\n]/u);
    expect(err.length).toBeLessThan(2000);
    expect(authority.requests).toHaveLength(1);
  });

  test("a dry run writes no file, and reports an address that it cannot check", async () => {
    const { host, authority } = await hostWith("192.0.2.7");
    const before = host.listing();
    const { exit, out, err } = await typed("project certs issue demo --dry-run", host);
    expect([exit, authority.tokens, host.listing()]).toEqual([0, [], before]);
    expect(out + err).toContain(
      "demo.test has the address 192.0.2.7, which is not one of this host: only a run can check",
    );
  });
});

describe("preflight: port 80", () => {
  test.each([
    [
      "another site",
      ok("hello\n200 "),
      "another program or site answers for demo.test at 10.0.0.4: it answers with another text",
    ],
    ["a status", ok("\n404 "), "another program or site answers for demo.test at 10.0.0.4: it answers with status 404"],
    [
      "no response",
      { code: 52, stdout: "\n000 ", stderr: "" },
      "nginx does not answer for demo.test at 10.0.0.4: the connection was closed",
    ],
    ["a body without an end", { code: 0, stdout: "x".repeat(16_384), stderr: "" }, "it answers with another text"],
    [
      "a redirect without an end",
      ok("\n301 http://demo.test/.well-known/acme-challenge/again"),
      "it redirects to http://demo.test/.well-known/acme-challenge/again, which authorities do not follow",
    ],
  ])("%s is reported", async (_, answer, message) => {
    const { host, authority } = await hostWith("10.0.0.4");
    authority.elsewhere.set("10.0.0.4", answer);
    expect(await fails(host)).toContain(message);
  });

  test("a stopped nginx and another program on the port are reported", async () => {
    const { host, authority } = await hostWith("10.0.0.4");
    authority.elsewhere.set("10.0.0.4", refusedConnection);
    const invocation = "/run/systemd/units/invocation:nginx.service";
    host.taught.unshift((argv) => {
      if (argv[0] === "curl") host.nodes.delete(invocation);
      return undefined;
    });
    expect(await fails(host)).toContain("nginx is not running\nhint: systemctl start nginx\n");
    host.link(invocation, "0123456789abcdef");
    const socket = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1";
    host.put("/proc/net/tcp", `  sl  local_address\n${socket}\n`);
    host.put("/proc/77/comm", "httpd\n");
    host.link("/proc/77/fd/3", "socket:[4242]");
    host.taught.shift();
    expect(await fails(host)).toContain("port 80 is taken by httpd (pid 77), which nginx needs");
  });

  test("a clock that is not set is reported before a request", async () => {
    const { host } = await hostWith("10.0.0.4");
    const early = { ...host, now: () => 0, sleep: async () => {} } as FakeHost;
    let now = 0;
    early.now = () => (now += 1000);
    const { exit, err } = await typed(line, early);
    expect([exit, err]).toEqual([1, expect.stringContaining("the clock of this host is at 1970-01-01")]);
  });

  test("a foreign default server: the site has to be published without HTTPS first", async () => {
    const { host, authority } = await hostWith("10.0.0.4");
    host.put(
      "/etc/nginx/conf.d/theirs.conf",
      "server {\n listen 80 default_server;\n listen [::]:80 default_server;\n}\n",
    );
    host.put(
      "/etc/nginx/conf.d/secure.conf",
      "server {\n listen 443 default_server;\n listen [::]:443 default_server;\n}\n",
    );
    await typed("bootstrap --yes", host);
    authority.elsewhere.set("10.0.0.4", ok("\n404 "));
    const err = await fails(host);
    expect(err).toContain("another default server of nginx answers for demo.test, which has no site yet");
    expect(err).toContain("hint: edox-ops project publish demo --domain demo.test --source DIRECTORY\n");
  });

  test("a foreign site of nginx with the name is shown", async () => {
    const { host, authority } = await hostWith("10.0.0.4");
    host.put("/etc/nginx/conf.d/theirs.conf", "server {\n listen 80;\n server_name demo.test;\n}\n");
    await typed("nginx status", host);
    authority.elsewhere.set("10.0.0.4", ok("\n404 "));
    const err = await fails(host);
    expect(err).toContain("another site of nginx answers for demo.test: /etc/nginx/conf.d/theirs.conf:1 has the name");
  });

  test("a token that a killed run left is removed", async () => {
    const { host, authority } = await hostWith("10.0.0.4");
    host.put(`${challenges}/edox-ops-preflight-old`, "old");
    host.put(`${challenges}/of-certbot`, "other");
    expect(await typed(line, host)).toMatchObject({ exit: 0 });
    expect(authority.tokens.filter((name) => name.endsWith("old"))).toEqual([]);
    expect(host.list(challenges)).toEqual(["of-certbot"]);
  });
});

describe("preflight: the limits of Let's Encrypt", () => {
  let intermediate: ReturnType<typeof issue>;
  beforeAll(() => {
    intermediate = issue({ subject: "O=Let's Encrypt", from: "2026-01-01", to: "2028-01-01", isAuthority: true });
  });

  const limit = "Let's Encrypt issues 5 certificates for the same names in 7 days";

  /** Puts certificates of the last days into the archive of the lineage. */
  function issued(host: FakeHost, count: number, { names = "DNS:demo.test", from = "2027-01-12" } = {}): void {
    for (let i = 1; i <= count; i++) {
      const { certificate } = issue({ subject: "demo.test", names, from, to: "2027-04-12", by: intermediate });
      host.put(`/etc/letsencrypt/archive/demo.test/cert${i}.pem`, certificate);
    }
  }

  test("failed validations of the last hour count, for this name and this server only", async () => {
    const { host } = await hostWith("10.0.0.4");
    const stamp = (minutesAgo: number): string => {
      const date = new Date(host.now() - minutesAgo * 60_000 - new Date().getTimezoneOffset() * 60_000);
      return date.toISOString().slice(0, 19).replace("T", " ");
    };
    const run = (minutesAgo: number, server = "acme-v02.api.letsencrypt.org", name = "demo.test"): string =>
      `${stamp(minutesAgo)},000:DEBUG:certbot._internal.main:certbot version: 2.1.0\nhttps://${server}/directory\n  Domain: ${name}\n`;
    const five = [50, 40, 30, 20, 10];
    const limited = { domain: "demo.test", names: ["demo.test"], server: defaultServer, again: [] };
    const message = "Let's Encrypt accepts 5 failed validations of a name in an hour, and demo.test has had them";
    host.put(certbotLog, five.map((ago) => run(ago)).join(""));
    expect(await fails(host)).toContain(`${message}: try again in an hour\nhint: edox-ops ${line} --staging\n`);
    host.put("/etc/letsencrypt/renewal/demo.test.conf", "");
    expect(await withinLimits(async () => limited).check(host, () => {})).toMatchObject({
      hint: ["sudo", "edox-ops", "certs", "status"],
    });
    for (const others of [
      [70, 40, 30, 20, 10].map((ago) => run(ago)),
      five.map((ago) => run(ago, "acme-staging-v02.api.letsencrypt.org")),
      five.map((ago) => run(ago, undefined, "other.test")),
    ]) {
      const { host: another } = await hostWith("10.0.0.4");
      another.put(certbotLog, others.join(""));
      expect(await typed(line, another)).toMatchObject({ exit: 0 });
    }
  });

  test("five certificates of Let's Encrypt for the same names in a week are its limit", async () => {
    const { host } = await hostWith("10.0.0.4");
    const { putLineage } = await import("./lineage-files.ts");
    const server = "https://acme-v02.api.letsencrypt.org/directory";
    putLineage(host, { name: "demo.test", from: "2026-09-01", to: "2026-12-01", server });
    issued(host, 4);
    host.put(
      "/etc/letsencrypt/archive/demo.test/cert5.pem",
      issue({ subject: "demo.test", names: "DNS:demo.test", from: "2027-01-12", to: "2027-04-12" }).certificate,
    );
    expect(await typed(`${line} --dry-run`.replace(" --yes", ""), host)).toMatchObject({ exit: 0 });
    issued(host, 5);
    expect(await fails(host)).toContain(`${limit}, and this host has had them: the next one at 2027-01-19 01:00 UTC`);
    for (const others of [{ names: "DNS:demo.test, DNS:www.demo.test" }, { from: "2027-01-07" }]) {
      issued(host, 5, others);
      expect(await typed(`${line} --dry-run`.replace(" --yes", ""), host)).toMatchObject({ exit: 0 });
    }
  });
});

test("addresses: those of all interfaces are known, and the public one", () => {
  const host = fakeDebian();
  host.put("/proc/net/fib_trie", fib("10.1.2.3") + fib("203.0.113.5"));
  host.put(
    "/proc/net/if_inet6",
    "20010db8000000000000000000000001 02 40 00 80 eth0\nfe800000000000000000000000000001 02 40 20 80 eth0\n",
  );
  const own = ownAddresses(host);
  expect(
    ["10.1.2.3", "127.0.0.1", "2001:db8::1", "2001:DB8:0:0::1", "203.0.113.6", "2001:db8::2"].map(own.has),
  ).toEqual([true, false, true, true, false, false]);
  expect([own.publicOf(4), own.publicOf(6)]).toEqual(["203.0.113.5", "2001:db8::1"]);
});
