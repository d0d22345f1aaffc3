import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readLineages, shareLeft } from "../../src/certs/lineage.ts";
import { intervalMs, parseRenewal, webrootsOf, withRenewBefore, withWebroot } from "../../src/certs/renewal-config.ts";
import { parseCertificate } from "../../src/host/x509.ts";
import { anyText } from "../any-text.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";
import { acmeServer, putLineage, renewalTextOf } from "./lineage-files.ts";

const conf = (name: string): string => `/etc/letsencrypt/renewal/${name}.conf`;

describe("lineages", () => {
  test("a lineage has the settings of its renewal and the facts of its certificate", () => {
    const host = fakeHost();
    const names = ["docs.test", "www.docs.test"];
    const more = ["preferred_profile = shortlived"];
    const issued = putLineage(host, { name: "docs.test", names, more, top: ["renew_before_expiry = 48 hours"] });
    const { lineages, broken } = readLineages(host);
    expect(broken.size).toBe(0);
    expect(lineages.get("docs.test")).toEqual({
      name: "docs.test",
      path: conf("docs.test"),
      settings: {
        authenticator: "webroot",
        server: acmeServer,
        webroots: new Map(names.map((name) => [name, "/var/lib/edox-ops/acme"])),
        webrootPaths: ["/var/lib/edox-ops/acme"],
        renewBefore: "48 hours",
        profile: "shortlived",
      },
      certificate: {
        names,
        issuer: "CN=docs.test",
        serial: parseCertificate(issued.certificate)?.serialNumber ?? "",
        keyType: "ecdsa prime256v1",
        notBefore: Date.parse("2027-01-01T00:00:00Z"),
        notAfter: Date.parse("2027-04-01T00:00:00Z"),
        lifetime: 90 * 86_400_000,
      },
    });
  });

  test("a host without certbot has none", () => {
    expect(readLineages(fakeHost())).toEqual({ lineages: new Map(), broken: new Map() });
  });

  const damages: [string, (host: FakeHost) => void, string][] = [
    ["no certificate", (host) => host.remove("/etc/letsencrypt/live/bad.test/fullchain.pem"), "is missing"],
    [
      "a link that leads nowhere",
      (host) => host.remove("/etc/letsencrypt/archive/bad.test/fullchain1.pem"),
      "is missing",
    ],
    [
      "a certificate that is cut off",
      (host) => host.put("/etc/letsencrypt/archive/bad.test/fullchain1.pem", "-----BEGIN CERTIFICATE-----\nMII"),
      "does not begin with a certificate",
    ],
    ["an empty renewal configuration", (host) => host.put(conf("bad.test"), ""), "authenticator is missing"],
    [
      "a binary renewal configuration",
      (host) => host.put(conf("bad.test"), new Uint8Array(5000).fill(255)),
      "line 1 is not a setting",
    ],
    ["a huge renewal configuration", (host) => host.put(conf("bad.test"), "#".repeat(300_000)), "is too large"],
    [
      "a setting that is given twice",
      (host) => host.put(conf("bad.test"), `${renewalTextOf({ name: "bad.test" })}\na = 1\na = 2`),
      "a is set twice",
    ],
    [
      "a section that does not end",
      (host) => host.put(conf("bad.test"), "[renewalparams\n"),
      "line 1 is not a section",
    ],
    ["a directory as its renewal configuration", (host) => host.dir(conf("bad.test"), {}), "is not a regular file"],
  ];
  test.each(damages)("%s: the lineage is broken, and the others are read", (_, damage, reason) => {
    const host = fakeHost();
    for (const name of ["a.test", "bad.test", "z.test"]) putLineage(host, { name });
    damage(host);
    const { lineages, broken } = readLineages(host);
    expect([...lineages.keys()]).toEqual(["a.test", "z.test"]);
    expect([...broken.values()]).toEqual([
      { name: "bad.test", path: conf("bad.test"), reason: expect.stringContaining(reason) },
    ]);
  });

  test("a name that certbot or a terminal would misread is broken", () => {
    const host = fakeHost();
    for (const name of ["", ".", "..", "--force", "a\u202eb"]) host.put(conf(name), renewalTextOf({ name: "a.test" }));
    expect([...readLineages(host).broken.values()].map(({ reason }) => reason)).toEqual(
      Array(5).fill("its name is not valid"),
    );
  });

  test("without root, the settings are known and the certificate is not", () => {
    const host = fakeHost(1000);
    putLineage(host, { name: "docs.test" });
    host.hidden.add("/etc/letsencrypt/live");
    const lineage = readLineages(host).lineages.get("docs.test");
    expect([lineage?.certificate, lineage?.settings.server]).toEqual([null, acmeServer]);
  });

  test("the share of the lifetime is between 0 and 1, at any time of the clock of this host", () => {
    const host = fakeHost();
    const shareOf = (from: string, to: string): number => {
      putLineage(host, { name: "docs.test", from, to });
      const certificate = readLineages(host).lineages.get("docs.test")?.certificate;
      return certificate ? Math.round(shareLeft(host, certificate) * 100) : -1;
    };
    expect([
      shareOf("2027-01-01", "2027-01-31"),
      shareOf("2026-01-01", "2026-12-01"),
      shareOf("2028-01-01", "2028-12-01"),
    ]).toEqual([52, 0, 100]);
  });

  test("only the authenticator webroot has webroots", () => {
    const host = fakeHost();
    putLineage(host, { name: "a.test", webroot: "/srv/a" });
    putLineage(host, { name: "b.test", authenticator: "dns-rfc2136" });
    const { lineages } = readLineages(host);
    expect([...lineages.values()].map(({ settings }) => webrootsOf(settings))).toEqual([["/srv/a"], []]);
  });
});

describe("renewal configuration", () => {
  const text = renewalTextOf({ name: "a.test", names: ["a.test", "b.test"], webroot: "/srv/a" });
  /** Returns the lines that differ. */
  const edits = (before: string, after: string): [string, string][] => {
    const [old, now] = [before.split("\n"), after.split("\n")];
    expect(now.length).toBe(old.length);
    return old.flatMap((line, i) => (line === now[i] ? [] : [[line, now[i] ?? ""] as [string, string]]));
  };

  test("lists, quotes and comments are read as certbot reads them", () => {
    const odd = [
      "[renewalparams]",
      "  authenticator = 'webroot' # as before",
      'server="https://a.test/dir"',
      "webroot_path = /srv/a b, '/srv/b', # two",
      "[[ webroot_map ]]",
      '"A.test" = /srv/a b',
    ];
    const { authenticator, server, webrootPaths, webroots } = parseRenewal(odd.join("\r\n"));
    expect([authenticator, server, webrootPaths, [...webroots]]).toEqual([
      "webroot",
      "https://a.test/dir",
      ["/srv/a b", "/srv/b"],
      [["a.test", "/srv/a b"]],
    ]);
  });

  test("the time before the expiry is set above the first section, and every other byte stays", () => {
    const first = withRenewBefore(text, "48 hours");
    expect(first).toBe(`renew_before_expiry = 48 hours\n${text}`);
    expect(parseRenewal(first).renewBefore).toBe("48 hours");
    expect(edits(first, withRenewBefore(first, "72 hours"))).toEqual([
      ["renew_before_expiry = 48 hours", "renew_before_expiry = 72 hours"],
    ]);
    const dos = first.replaceAll("\n", "\r\n");
    expect(withRenewBefore(dos, "72 hours")).toBe(withRenewBefore(first, "72 hours").replaceAll("\n", "\r\n"));
  });

  test("all names move to another webroot, and every other byte stays", () => {
    const after = withWebroot(`${text}# \u00e4\n`, new Set(["a.test", "b.test"]), "/acme");
    expect(edits(`${text}# \u00e4\n`, after)).toEqual([
      ["webroot_path = /srv/a,", "webroot_path = /acme,"],
      ["a.test = /srv/a", "a.test = /acme"],
      ["b.test = /srv/a", "b.test = /acme"],
    ]);
    expect(withWebroot(after, new Set(["a.test", "b.test"]), "/acme")).toBe(after);
  });

  test("a name that keeps its webroot keeps the one for new names", () => {
    expect(edits(text, withWebroot(text, new Set(["a.test"]), "/acme"))).toEqual([
      ["a.test = /srv/a", "a.test = /acme"],
    ]);
  });

  test("any text is parsed or refused with a reason", () => {
    const property = fc.property(anyText({ maxLength: 200 }), (text) => {
      try {
        parseRenewal(text);
        parseRenewal(`[renewalparams]\nauthenticator = ${text}\nserver = x\n`);
      } catch (error) {
        expect((error as Error).constructor).toBe(Error);
      }
    });
    fc.assert(property);
  });

  test.each([
    ["30 days", 30 * 24],
    ["1 hour", 1],
    ["2 weeks", 14 * 24],
    ["90 minutes", 1.5],
    [" 30 ", 30 * 24],
    ["soon", null],
    ["-1 days", null],
  ])("an interval: %s", (interval, hours) => {
    expect(intervalMs(interval)).toBe(hours === null ? null : hours * 3_600_000);
  });
});
