// Further names of a site: in its record, its nginx site and its certificate.

import { beforeEach, describe, expect, test } from "bun:test";
import { serveDemo, typed, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { issue } from "./certificates.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
let host: FakeHost;
beforeEach(async () => {
  host = await serveDemo(fakeDebian());
  host.taught.push(([program, ...words]) => {
    const urls = words.filter((word) => word.startsWith("http"));
    return program === "curl" ? ok(urls.map((url) => `${url} 200\n`).join("")) : undefined;
  });
});

const records = () => JSON.parse(host.text(projectsPath) ?? "");
const names = (): string[] => (host.text(sitePath) ?? "").match(/server_name .*(?=;)/g) ?? [];

/** Writes a record without any check, as an editor does. */
function edit(slug: string, change: object): void {
  const all = records();
  host.put(projectsPath, JSON.stringify({ ...all, [slug]: { ...all.demo, slug, enabled: false, ...change } }));
}

async function refused(words: readonly string[], exit: number, ...reasons: string[]): Promise<void> {
  const before = host.listing("/etc");
  const done = await typedWords(words, host);
  expect([done.exit, done.out]).toEqual([exit, ""]);
  for (const reason of reasons) expect(done.err).toContain(reason);
  expect(host.listing("/etc")).toEqual(before);
}

describe("project update --alias: serves a site under further names", () => {
  test("given twice or as a list, in lower case without duplicates, and none restores record and site byte for byte", async () => {
    const [all, site] = [host.text(projectsPath), host.text(sitePath)];
    const flags = "--alias WWW.demo.test --alias docs.test,www.demo.test --alias=docs.test";
    expect(await typed(`project update demo ${flags}`, host)).toMatchObject({ exit: 0, err: "" });
    expect(records().demo.aliases).toEqual(["www.demo.test", "docs.test"]);
    expect(names()).toEqual(["server_name demo.test www.demo.test docs.test"]);
    expect((await typed(`project update demo ${flags} --check`, host)).exit).toBe(0);
    expect((await typed("project show demo", host)).out).toEndWith('\naliases: ["www.demo.test","docs.test"]\n');
    for (const line of ["list", "show demo"]) {
      const { projects } = JSON.parse((await typed(`project ${line} --json`, host)).out);
      expect([line, projects[0].aliases]).toEqual([line, ["www.demo.test", "docs.test"]]);
    }
    expect((await typed("project list", host)).out).toBe("demo\tdemo.test\t/var/www/docs/demo\tenabled\n");
    expect((await typed("project update demo --alias one.test", host)).exit).toBe(0);
    expect(names()).toEqual(["server_name demo.test one.test"]);
    expect((await typed("project update demo --alias none", host)).exit).toBe(0);
    expect([host.text(projectsPath), host.text(sitePath)]).toEqual([all, site]);
  });

  test("with HTTPS in both servers, and the redirect keeps the requested name", async () => {
    await typed("project add tls --domain tls.test --tls --alias www.tls.test", host);
    for (const name of ["fullchain", "privkey"]) host.put(`/etc/letsencrypt/live/tls.test/${name}.pem`, "x");
    const { out } = await typed("project render-nginx tls --stdout", host);
    expect(out.split("server_name tls.test www.tls.test;\n")).toHaveLength(3);
    expect(out).toMatch(/return 30\d https:\/\/\$host\$request_uri;/);
  });

  test("remove and add again: the names are free", async () => {
    await typed("project update demo --alias www.demo.test", host);
    expect((await typed("project remove demo", host)).exit).toBe(0);
    expect(await typed("project add new --domain www.demo.test", host)).toMatchObject({ exit: 0, err: "" });
  });

  const rule = "a domain is a host name";
  for (const [value, reason] of [
    ["*.demo.test", rule],
    ["a_b.test", rule],
    ["a..test", rule],
    ["a.test.", rule],
    ["a.test,", rule],
    ["a.test, b.test", rule],
    ["a.test;", rule],
    ["a.test\n", rule],
    ["$host", rule],
    [`${"a".repeat(64)}.test`, rule],
    ["dömo.test", "in ASCII it is xn--dmo-sna.test"],
    [Array.from({ length: 100 }, (_, i) => `n${i}.test`).join(), "invalid --alias '100 names': at most 99 names"],
  ] as const) {
    test(`rejects ${JSON.stringify(value.slice(0, 30))}`, () =>
      refused(["project", "update", "demo", "--alias", value], 1, "invalid --alias", reason));
  }

  test("accepts 99 names", async () => {
    const many = Array.from({ length: 99 }, (_, i) => `n${i}.test`).join();
    expect((await typed(`project update demo --alias ${many}`, host)).exit).toBe(0);
    expect(records().demo.aliases).toHaveLength(99);
  });

  test("rejects an empty value, and none beside a name", async () => {
    await refused(["project", "update", "demo", "--alias", ""], 2, "--alias needs a value");
    for (const value of ["none,www.demo.test", "www.demo.test,none"])
      await refused(["project", "update", "demo", "--alias", value], 2, "--alias none cannot be used with other names");
  });

  test("rejects the domain of the project, in any case", async () => {
    const reason = "aliases is invalid: the domain is one of them";
    await refused(["project", "update", "demo", "--alias", "Demo.test"], 1, reason);
    await refused(["project", "add", "new", "--domain", "new.test", "--alias", "new.test"], 1, reason);
    await typed("project update demo --alias www.demo.test", host);
    await refused(["project", "update", "demo", "--domain", "WWW.demo.test"], 1, reason);
    expect((await typed("project update demo --domain www.demo.test --alias demo.test", host)).exit).toBe(0);
    expect(names()).toEqual(["server_name www.demo.test demo.test"]);
  });
});

describe("aliases in a record that was written by hand", () => {
  for (const [aliases, reason] of [
    [[], "at least one name is named"],
    ["www.demo.test", "Invalid type"],
    [["a.test; return 200"], "a domain is a host name"],
    [["a.test", "A.test"], "a name is listed twice"],
    [["DEMO.test"], "the domain is one of them"],
  ] as const) {
    test(`${JSON.stringify(aliases)} is reported, and the command of the hint repairs it`, async () => {
      edit("demo", { aliases });
      const { exit, err } = await typed("project validate demo", host);
      expect([exit, err]).toEqual([1, expect.stringContaining("its record is invalid: aliases is invalid: ")]);
      expect(err).toContain(reason);
      expect(err).toContain("(run: edox-ops project update demo --alias none)");
      expect((await typed("project update demo --alias none", host)).exit).toBe(0);
      expect(records().demo.aliases).toBeUndefined();
    });
  }
});

describe("a name belongs to one project", () => {
  const cases: [string, object, string, string][] = [
    [
      "a domain that is an alias",
      { domain: "www.demo.test" },
      "domain",
      "domain www.demo.test is already used by project demo as an alias",
    ],
    [
      "an alias that is a domain",
      { aliases: ["x.test", "DEMO.test"] },
      "aliases",
      "alias DEMO.test is already used by project demo",
    ],
    [
      "an alias that is an alias",
      { aliases: ["www.demo.test"] },
      "aliases",
      "alias www.demo.test is already used by project demo as an alias",
    ],
  ];
  for (const [name, second, key, reason] of cases) {
    test(`${name} is not added`, async () => {
      await typed("project update demo --alias www.demo.test", host);
      const { domain = "two.test", aliases = [] } = second as { domain?: string; aliases?: string[] };
      const flags = aliases.length > 0 ? ["--alias", aliases.join()] : [];
      const shown = reason.replace("DEMO", "demo");
      await refused(
        ["project", "add", "two", "--domain", domain, ...flags],
        1,
        `error: ${shown}\nhint: edox-ops project list\n`,
      );
    });

    test(`${name} makes both records invalid, and an update of one repairs both`, async () => {
      await typed("project update demo --alias www.demo.test", host);
      const two = { domain: "two.test", aliases: undefined, root_path: "/var/www/docs/two", ...second };
      edit("two", two);
      const { out } = await typed("project list", host);
      expect(out).toContain(`\ntwo\t-\t-\tinvalid: ${reason}\n`);
      expect(out).toStartWith("demo\t-\t-\tinvalid: ");
      const flag = key === "domain" ? "--domain DOMAIN" : "--alias none";
      expect((await typed("project validate two", host)).err).toContain(`edox-ops project update two ${flag})`);
      expect((await typed("project update two --domain two.test --alias none", host)).exit).toBe(0);
      expect((await typed("project list", host)).out).not.toContain("invalid");
    });
  }
});

describe("an alias that nginx cannot serve", () => {
  test("because a foreign site has it: validate fails, an update warns", async () => {
    host.put("/etc/nginx/conf.d/theirs.conf", "server { listen 80; server_name www.demo.test; }\n");
    const reason = "/etc/nginx/conf.d/theirs.conf:1 has the name www.demo.test too";
    const { exit, out } = await typed("project update demo --alias docs.test,www.demo.test", host);
    expect([exit, out]).toEqual([0, expect.stringContaining(`warning: ${reason}: nginx serves only one of them`)]);
    const { err } = await typed("project validate demo", host);
    expect(err).toContain(`FAIL: ${reason} (run: grep -niF www.demo.test /etc/nginx/conf.d/theirs.conf)`);
  });

  test("because it is too long for a foreign setting", async () => {
    const conf = host.text("/etc/nginx/nginx.conf") ?? "";
    host.put("/etc/nginx/nginx.conf", conf.replace(/}\n$/, " server_names_hash_bucket_size 64;\n}\n"));
    const long = `${"a".repeat(42)}.test`;
    await refused(
      ["project", "update", "demo", "--alias", `b.test,${long}`],
      1,
      `error: ${long} is too long for nginx`,
    );
  });
});

describe("the certificate of a site with aliases", () => {
  const dates = { from: "2027-01-01", to: "2027-04-01" };
  const put = (names: string): void => {
    const { certificate, key } = issue({ subject: "demo.test", names, ...dates });
    host.put("/etc/letsencrypt/live/demo.test/fullchain.pem", certificate);
    host.put("/etc/letsencrypt/live/demo.test/privkey.pem", key, { mode: 0o600 });
  };

  test("must cover each of them: a missing one is named, and the hint reissues it", async () => {
    put("DNS:demo.test,DNS:b.test");
    host.put("/etc/letsencrypt/renewal/demo.test.conf", "");
    await typed("project update demo --tls", host);
    const reason = "the certificate for demo.test does not cover the alias a.test, c.test: it is for demo.test, b.test";
    const hint = "hint: edox-ops project certs issue demo --alias a.test,b.test,c.test --yes\n";
    await refused(["project", "update", "demo", "--alias", "a.test,b.test,c.test"], 1, reason, hint);
    expect((await typed("project update demo --alias b.test", host)).exit).toBe(0);
    put("DNS:demo.test");
    const { exit, err } = await typed("project validate demo", host);
    expect([exit, err]).toEqual([1, expect.stringContaining("does not cover the alias b.test")]);
  });

  test("may cover them with a wildcard", async () => {
    put("DNS:demo.test,DNS:*.demo.test");
    await typed("project update demo --tls", host);
    expect((await typed("project update demo --alias www.demo.test", host)).exit).toBe(0);
    expect(names()).toHaveLength(2);
  });
});
