// Certificates of sites: which are rejected, which are reported, and how long browsers remember HTTPS.

import { beforeEach, describe, expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import type { Recipe } from "../../src/engine/step.ts";
import { checkRequirements } from "../../src/run/requirements.ts";
import { publication } from "../../src/sites/deploy/publish.ts";
import type { Draft } from "../../src/sites/project.ts";
import { updateProject } from "../../src/sites/recipe.ts";
import { prepared, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { issue } from "./certificates.ts";

const dir = "/etc/letsencrypt/live/demo.test";
const vhostPath = "/etc/nginx/sites-available/edox-ops-demo";
const storePath = "/etc/ssl/certs/ca-certificates.crt";
/** The clock of the host in memory is at 2027-01-15 08:00 UTC. */
const long = { from: "2026-12-01", to: "2030-01-01" };
const ninety = { from: "2027-01-01", to: "2027-04-01" };
const issuerUrl = "http://ca.test/one.crt";
const demo = { subject: "demo.test", names: "DNS:demo.test", ...ninety };

const root = issue({ subject: "Root", ...long, isAuthority: true });
const one = issue({ subject: "One", ...long, isAuthority: true, by: root, issuerUrl: "http://ca.test/root.crt" });
const old = issue({ subject: "One", from: "2026-01-01", to: "2027-01-02", isAuthority: true, by: root, key: one.key });
const leaf = issue({ ...demo, by: one, issuerUrl });
const { key } = leaf;
const like = (change: Partial<Parameters<typeof issue>[0]>): string =>
  issue({ ...demo, by: one, issuerUrl, key, ...change }).certificate;
const encrypted = Bun.spawnSync(["openssl", "pkey", "-aes128", "-passout", "pass:secret"], { stdin: Buffer.from(key) });

const privateRoot = issue({ subject: "Private", ...long, isAuthority: true });
const privateLeaf = issue({ ...demo, by: privateRoot, key }).certificate;

let host: FakeHost;

interface Files {
  chain: readonly string[];
  key?: string;
  /** The intermediate that certbot stores beside the certificate. */
  issuers?: string;
}

const good: Files = { chain: [leaf.certificate, one.certificate] };

function put({ chain, key: own = key, issuers }: Files): void {
  host.put(`${dir}/fullchain.pem`, chain.join(""));
  host.put(`${dir}/privkey.pem`, own, { mode: 0o600 });
  if (issuers) host.put(`${dir}/chain.pem`, issuers);
}

const addDemo = prepared("bootstrap --yes", "project add demo --domain demo.test", "project init demo");
const serveDemo = prepared("project enable demo", "project update demo --tls");

beforeEach(async () => {
  host = fakeDebian();
  host.taught.push((argv) => {
    if (argv[0] !== "curl") return undefined;
    return ok(
      argv
        .filter((word) => word.startsWith("http"))
        .map((url) => `${url} 200\n`)
        .join(""),
    );
  });
  await addDemo(host);
  host.put("/var/www/docs/demo/index.html", "home", { mode: 0o644, uid: 0, gid: 33 });
  host.put(storePath, root.certificate);
});

async function served(): Promise<void> {
  put(good);
  await serveDemo(host);
}

const noon = (day: string): number => Date.parse(`${day}T12:00:00Z`);

/** Runs checks at another time, by the host's clock alone. */
const at = (day: string): FakeHost => ({ ...host, now: () => noon(day) });

const cases: [string, Files, string][] = [
  [
    "expired",
    { chain: [like({ from: "2026-10-01", to: "2026-12-30" }), one.certificate] },
    "the certificate for demo.test expired on 2026-12-30 00:00 UTC",
  ],
  [
    "not valid yet",
    { chain: [like({ from: "2027-02-01", to: "2027-05-01" }), one.certificate] },
    "is not valid before 2027-02-01 00:00 UTC, and the clock of this host is at 2027-01-15 08:0",
  ],
  [
    "for other names",
    { chain: [like({ names: "DNS:other.test,DNS:*.demo.test,IP:10.0.0.1" }), one.certificate] },
    "is for another name: other.test, *.demo.test, 10.0.0.1",
  ],
  [
    "for many other names",
    { chain: [like({ names: [1, 2, 3, 4, 5, 6, 7].map((n) => `DNS:n${n}.test`).join() }), one.certificate] },
    "is for another name: n1.test, n2.test, n3.test, n4.test, n5.test and 2 more",
  ],
  [
    "with a common name only",
    { chain: [issue({ subject: "demo.test", ...ninety, by: one, key }).certificate, one.certificate] },
    "is for another name: it has no subject alternative name, and browsers read no other",
  ],
  ["with the key of another one", { ...good, key: root.key }, `does not match its private key ${dir}/privkey.pem`],
  ["with an encrypted key", { ...good, key: `${encrypted.stdout}` }, "privkey.pem is encrypted with a passphrase"],
  ["with something else as its key", { ...good, key: "x" }, "privkey.pem is not a private key in PEM"],
  ["empty", { chain: [] }, "fullchain.pem holds no certificate in PEM"],
  [
    "cut off",
    { chain: [leaf.certificate, one.certificate.slice(0, 200)] },
    "fullchain.pem is damaged: certificate 2 of 2",
  ],
  [
    "with a changed byte",
    { chain: [leaf.certificate.replace("MII", "AII"), one.certificate] },
    "fullchain.pem is damaged: certificate 1 of 2",
  ],
  [
    "after its issuer",
    { chain: [one.certificate, leaf.certificate] },
    "is number 2 of its chain and must be the first",
  ],
  [
    "before its root, and that before its issuer",
    { chain: [leaf.certificate, root.certificate, one.certificate] },
    "has its chain in the wrong order: 'CN=demo.test' is issued by 'CN=One', and followed by 'CN=Root'",
  ],
  [
    "with its root alone",
    { chain: [leaf.certificate, root.certificate] },
    "has a chain with a gap: 'CN=demo.test' is issued by 'CN=One', and followed by 'CN=Root'",
  ],
  [
    "without the intermediate of a public authority",
    { chain: [leaf.certificate] },
    "comes without the intermediate certificate of its issuer, 'CN=One'",
  ],
  [
    "without the intermediate that certbot keeps beside it",
    { chain: [issue({ ...demo, by: one, key }).certificate], issuers: one.certificate },
    "comes without the intermediate certificate of its issuer, 'CN=One'",
  ],
  [
    "with an expired intermediate",
    { chain: [leaf.certificate, old.certificate] },
    "has an issuer in its chain, 'CN=One', that expired on 2027-01-02",
  ],
];

describe.each(cases)("certificate %s", (_, files, reason) => {
  test("is rejected by project update --tls, and nothing is changed", async () => {
    expect(await typed("project enable demo", host)).toMatchObject({ exit: 0, err: "" });
    put(files);
    const before = host.listing("/etc");
    const { exit, err } = await typed("project update demo --tls", host);
    expect([exit, err]).toEqual([1, expect.stringContaining(reason)]);
    expect(err).toMatch(/\nhint: (openssl x509 -in \S+ -noout|timedatectl)/);
    expect(err.split("\n")).toHaveLength(3);
    expect(host.listing("/etc")).toEqual(before);
  });

  test("fails project validate and doctor for an enabled site", async () => {
    await served();
    put(files);
    const { exit, err: out } = await typed("project validate demo", host);
    expect([exit, out]).toEqual([1, expect.stringContaining("FAIL: ")]);
    expect(out).toContain(reason);
    expect((await typed("doctor", host)).out).toMatch(/\[FAIL\] (?:project:demo|certs:expiry:demo.test): /);
  });
});

describe("a faulty certificate:", () => {
  const expired = { chain: [like({ from: "2026-10-01", to: "2026-12-30" }), one.certificate] };

  test("project add --tls rejects it, and accepts a missing one", async () => {
    put(expired);
    const line = "project add other --domain other.test --tls";
    expect((await typed(line, host)).exit).toBe(0);
    await typed("project remove demo", host);
    const before = host.listing("/etc");
    const { exit, err } = await typed("project add new --domain demo.test --tls", host);
    expect([exit, err]).toEqual([1, expect.stringContaining("expired on 2026-12-30")]);
    expect(host.listing("/etc")).toEqual(before);
  });

  test("project enable rejects it, and nothing is changed", async () => {
    put(good);
    expect((await typed("project update demo --tls", host)).exit).toBe(0);
    put(expired);
    const before = host.listing("/etc");
    const { exit, err } = await typed("project enable demo", host);
    expect([exit, err]).toEqual([1, expect.stringContaining("expired on 2026-12-30")]);
    expect(host.listing("/etc")).toEqual(before);
  });

  test("project enable rejects a missing one, and the hint obtains it", async () => {
    await typed("project update demo --tls", host);
    const { exit, err } = await typed("project enable demo", host);
    const hint = "hint: edox-ops project certs issue demo --yes\n";
    expect([exit, err]).toEqual([1, expect.stringContaining(`${dir}/fullchain.pem is missing\n${hint}`)]);
  });

  test("project update rejects a missing one of an enabled site, and the hint obtains it", async () => {
    await typed("project enable demo", host);
    const { exit, err } = await typed("project update demo --tls", host);
    expect([exit, err]).toEqual([
      1,
      `error: there is no certificate for demo.test: ${dir}/fullchain.pem is missing\n` +
        "hint: edox-ops project certs issue demo --yes\n",
    ]);
  });

  test("project update only warns about it in other changes of an enabled site", async () => {
    await served();
    put(expired);
    const { exit, out } = await typed("project update demo --branch next", host);
    expect(exit).toBe(0);
    expect(out).toContain("warning: the certificate for demo.test expired on 2026-12-30");
    expect((await typed("project update demo --domain demo.test", host)).exit).toBe(1);
  });

  test("the hints renew or reissue a certificate of certbot", async () => {
    await served();
    host.put("/etc/letsencrypt/renewal/demo.test.conf", "");
    put(expired);
    const validate = async (): Promise<string> => (await typed("project validate demo", host)).err;
    expect(await validate()).toContain("(run: edox-ops certs renew --yes)");
    for (const chain of [[leaf.certificate], [leaf.certificate, old.certificate]]) {
      put({ chain });
      expect(await validate()).toContain("(run: edox-ops project certs issue demo --yes)");
    }
  });

  test("project validate warns if nginx was not reloaded since a renewal", async () => {
    await served();
    await host.sleep(1000);
    put(good);
    const { exit, err: out } = await typed("project validate demo", host);
    expect([exit, out]).toEqual([
      0,
      `WARN: ${dir}/fullchain.pem is newer than what nginx serves: it has not been reloaded since (run: systemctl reload nginx)\n`,
    ]);
  });
});

describe("a promised certificate", () => {
  const recipes = (certificate?: "promised"): [string, Recipe][] => {
    const facts = gatherFacts(host);
    const after = (before: Draft | null): Draft => ({ ...before, enabled: true, tls: true });
    return [
      ["publish", publication("demo", after, facts, { certificate }).recipe],
      ["update", updateProject("demo", { enabled: true, tls: true }, facts, { certificate })],
    ];
  };

  test("shows the HTTPS site before the certificate exists, and its requirements are met", async () => {
    for (const [name, recipe] of recipes("promised")) {
      expect([name, await checkRequirements(host, recipe, null)]).toMatchObject([name, { warnings: [] }]);
      const [result] = await converge(recipe.steps, host, {});
      const site = result?.changes.find((change) => "path" in change && change.path === vhostPath);
      expect([name, site?.kind === "file" && `${site.after}`]).toEqual([
        name,
        expect.stringContaining(`ssl_certificate ${dir}/fullchain.pem;`),
      ]);
    }
  });

  test("is required to exist where none is promised", async () => {
    for (const [name, recipe] of recipes()) {
      const problem = await checkRequirements(host, recipe, null).catch((error) => error);
      expect([name, problem.message]).toEqual([name, expect.stringContaining("there is no certificate for demo.test")]);
    }
  });
});

describe("a certificate that browsers accept", () => {
  test("passes without a warning, with its root or issued by it directly", async () => {
    await served();
    expect((await typed("project validate demo", host)).out).toBe("Project demo validation passed.\n");
    for (const chain of [
      [leaf.certificate, one.certificate, root.certificate],
      [issue({ ...demo, by: root, key }).certificate],
    ]) {
      put({ chain });
      expect(await typed("project update demo --tls", host)).toMatchObject({ exit: 0, err: "" });
    }
  });

  test("for a wildcard covers one label and no more", async () => {
    for (const [name, exit] of [
      ["a.docs.test", 0],
      ["a.b.docs.test", 1],
    ] as const) {
      host.put(`/etc/letsencrypt/live/${name}/fullchain.pem`, like({ names: "DNS:*.docs.test" }) + one.certificate);
      host.put(`/etc/letsencrypt/live/${name}/privkey.pem`, key);
      expect([name, (await typed(`project add a${exit} --domain ${name} --tls`, host)).exit]).toEqual([name, exit]);
    }
  });

  test("for an IP address passes, and one for four numbers that are no address does not", async () => {
    const live = "/etc/letsencrypt/live";
    for (const [name, exit] of [
      ["10.0.0.1", 0],
      ["999.0.0.1", 1],
    ] as const) {
      host.put(`${live}/${name}/fullchain.pem`, like({ names: "IP:10.0.0.1" }) + one.certificate);
      host.put(`${live}/${name}/privkey.pem`, key);
      expect([name, (await typed(`project add a${exit} --domain ${name} --tls`, host)).exit]).toEqual([name, exit]);
    }
  });

  test("passes with a warning if it is self-signed or from a private authority", async () => {
    for (const [chain, reason] of [
      [[issue({ ...demo, key }).certificate], "is self-signed: browsers trust it only where it was added by hand"],
      [[issue({ ...demo, by: one, key }).certificate], "is issued by 'CN=One', which this host does not trust"],
      [[privateLeaf, privateRoot.certificate], "is issued by 'CN=Private', which this host does not trust"],
    ] as const) {
      put({ chain });
      await typed("project enable demo", host);
      const { exit, out } = await typed("project update demo --tls", host);
      expect([exit, out]).toEqual([0, expect.stringContaining(`warning: the certificate for demo.test ${reason}`)]);
      expect((await typed("project validate demo", host)).err).toContain(
        `WARN: the certificate for demo.test ${reason}`,
      );
      await typed("project update demo --no-tls", host);
    }
  });

  test("causes both warnings if it is self-signed and expires soon", async () => {
    await served();
    put({ chain: [issue({ ...demo, key }).certificate] });
    const { err: out } = await typed("project validate demo", at("2027-03-10"));
    expect(out).toContain("WARN: the certificate for demo.test is self-signed");
    expect(out).toContain("WARN: the certificate for demo.test expires on 2027-04-01");
  });

  test.each([
    [ninety, "2027-03-09", null],
    [ninety, "2027-03-10", "23 %"],
    [{ from: "2027-01-14", to: "2027-01-20" }, "2027-01-18", null],
    [{ from: "2027-01-14", to: "2027-01-20" }, "2027-01-19", "8 %"],
    [long, "2029-11-30", null],
    [long, "2029-12-03", "2 %"],
  ])("is due for renewal by the share of its lifetime, at most 30 days: %o on %s", async (dates, day, share) => {
    await served();
    put({
      chain: [like(dates), issue({ subject: "One", ...long, isAuthority: true, by: root, key: one.key }).certificate],
    });
    const { exit, err: out } = await typed("project validate demo", at(day));
    expect(exit).toBe(0);
    const warning = out.split("\n").find((line) => line.includes("renewal is overdue"));
    if (share === null) expect(warning).toBeUndefined();
    else {
      expect(warning).toStartWith(`WARN: the certificate for demo.test expires on ${dates.to} 00:00 UTC: ${share} `);
      expect((await typed("doctor", at(day))).out).toContain(
        `[WARN] certs:expiry:demo.test: ${share} of its lifetime is left, until ${dates.to} 00:00 UTC: its renewal is overdue`,
      );
    }
  });
});

test("HSTS: lasts a day by default, and a year when the owner enables it", async () => {
  await served();
  const header = (): string | undefined => /Strict-Transport-Security "(.+?)"/.exec(host.text(vhostPath) ?? "")?.[1];
  expect(header()).toBe("max-age=86400");
  for (const [flag, value] of [
    ["--hsts", "max-age=31536000"],
    ["--no-hsts", "max-age=86400"],
  ] as const) {
    expect(await typed(`project update demo ${flag}`, host)).toMatchObject({ exit: 0, err: "" });
    expect(header()).toBe(value);
    expect((await typed("project validate demo", host)).out).toBe("Project demo validation passed.\n");
  }
  expect((await typed("project update demo --hsts --no-hsts", host)).exit).toBe(2);
});
