// The records, as hostile as a command line.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readProjects } from "../../src/projects/store.ts";
import { typed, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const demo = {
  slug: "demo",
  domain: "demo.test",
  root_path: "/var/www/docs/demo",
  source_path: null,
  branch: "main",
  owner_group: "www-data",
  enabled: false,
  tls: false,
};

function hostWith(text: string) {
  const host = fakeDebian();
  host.put(projectsPath, text);
  return host;
}

const one = (change: object): string => JSON.stringify({ demo: { ...demo, ...change } });

describe("a file that cannot be used is named, with the place and why, and nothing is touched", () => {
  const cases: [string, string, string][] = [
    ["broken JSON", '{\n  "demo": {\n    "slug": demo\n', "is no JSON: InvalidSymbol at line 3, column 13"],
    ["an empty file", "", "is no JSON: ValueExpected at line 1, column 1"],
    ["a list", "[]", "is not an object with a project under each slug"],
    ["a record that is none", '{"demo": []}', "has demo"],
    ["a key that is missing", JSON.stringify({ demo: { ...demo, root_path: undefined } }), "has demo.root_path wrong"],
    ["a root path elsewhere", one({ root_path: "/etc" }), "has demo.root_path wrong: a root path is /var/www/docs/"],
    ["the docs root itself", one({ root_path: "/var/www/docs" }), "has demo.root_path wrong"],
    ["the backups", one({ root_path: "/var/www/docs/.edox-ops-backups" }), "has demo.root_path wrong"],
    ["a way out", one({ root_path: "/var/www/docs/../../etc" }), "has demo.root_path wrong"],
    [
      "nginx's words",
      one({ root_path: "/var/www/docs/e; location /x { alias /etc/; } #" }),
      "has demo.root_path wrong",
    ],
    ["nginx's words in a domain", one({ domain: "a;b.test" }), "has demo.domain wrong"],
    ["another slug", one({ slug: "other" }), "has under demo the project other"],
    ["a string for a boolean", one({ enabled: "yes" }), "has demo.enabled wrong"],
    ["nginx's variables in a policy", one({ csp: "default-src $uri" }), "has demo.csp wrong"],
    [
      "one domain twice",
      JSON.stringify({ demo, two: { ...demo, slug: "two", domain: "DEMO.test", root_path: "/var/www/docs/two" } }),
      "has domain DEMO.test in two projects: demo and two",
    ],
    [
      "a slug twice",
      `{"demo": ${JSON.stringify(demo)}, "demo": ${JSON.stringify(demo)}}`,
      "has the project demo twice",
    ],
    [
      "one tree twice",
      JSON.stringify({ demo, two: { ...demo, slug: "two", domain: "two.test" } }),
      "has root path /var/www/docs/demo in two projects: demo and two",
    ],
  ];
  for (const [name, text, said] of cases) {
    test(name, async () => {
      const host = hostWith(text);
      const before = host.listing();
      for (const line of [
        "list",
        "show demo",
        "add new --domain new.test",
        "init demo",
        "enable demo",
        "remove demo",
        "deploy demo --source /srv/site",
        "restore demo --yes",
        "validate demo",
      ]) {
        const { exit, err } = await typed(`project ${line}`, host);
        expect([line, exit, err]).toEqual([line, 1, expect.stringContaining(`error: ${projectsPath} ${said}`)]);
      }
      expect(host.listing()).toEqual(before);
    });
  }
});

test("a file that Python wrote stays as it is to the byte when nothing changes, and unknown keys stay", async () => {
  const nested = JSON.stringify({ demo: { ...demo, note: { slug: "x" } } });
  expect((await readProjects(hostWith(nested))).size).toBe(1);
  const theirs = `{\n  "demo": ${JSON.stringify({ ...demo, note: "für später" }).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n}`;
  const host = hostWith(theirs);
  expect((await typed("project update demo --domain demo.test", host)).exit).toBe(0);
  expect(host.text(projectsPath)).toBe(theirs);
  expect((await typed("project add a --domain a.test", host)).exit).toBe(0);
  expect(Object.keys(JSON.parse(host.text(projectsPath) ?? ""))).toEqual(["a", "demo"]);
  expect(JSON.parse(host.text(projectsPath) ?? "").demo.note).toBe("für später");
});

test("slugs that an object orders by itself, or knows already, are projects as any", async () => {
  const host = fakeDebian();
  for (const slug of ["9", "10", "constructor", "prototype"]) {
    expect((await typed(`project add ${slug} --domain ${slug}.test`, host)).exit).toBe(0);
  }
  expect((host.text(projectsPath) ?? "").match(/^ {2}"\w+"/gm)).toEqual([
    '  "10"',
    '  "9"',
    '  "constructor"',
    '  "prototype"',
  ]);
  expect([...(await readProjects(host)).keys()]).toEqual(["10", "9", "constructor", "prototype"]);
});

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.constantFrom(
    "../x",
    "-x",
    ".",
    "..",
    "a/b",
    "A",
    "a\n",
    "ä",
    "a".repeat(65),
    "x_y.test",
    "*.test",
    "_",
    "a.test.",
    "__proto__",
  ),
);

test("2,000 hostile slugs and domains: refused with a word, or taken and read again", async () => {
  await fc.assert(
    fc.asyncProperty(nasty, nasty, async (slug, domain) => {
      const host = fakeDebian();
      const { exit, err } = await typedWords(["project", "add", slug, "--domain", domain], host);
      if (exit === 0) expect([...(await readProjects(host)).keys()]).toEqual([slug]);
      else {
        expect(exit).toBe(2);
        expect(err).toStartWith("error: ");
        expect(host.stat(projectsPath)).toBeNull();
      }
    }),
    { numRuns: 2000 },
  );
});

test("2,000 hostile files: read, or refused by name", async () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.json(),
    fc
      .record({ demo: fc.record({ slug: nasty, domain: nasty, root_path: nasty }) })
      .map((each) => JSON.stringify(each)),
    fc.object().map((change) => one(change)),
  );
  await fc.assert(
    fc.asyncProperty(text, async (each) => {
      const host = hostWith(each);
      const { exit, err } = await typedWords(["project", "list"], host);
      if (exit !== 0) expect(err).toStartWith(`error: ${projectsPath} `);
    }),
    { numRuns: 2000 },
  );
});
