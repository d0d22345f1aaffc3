// The records, with values as hostile as a command line.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { rootPath } from "../../src/sites/project.ts";
import { readProjects } from "../../src/sites/store.ts";
import { anyText } from "../any-text.ts";
import { prepared, typed, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { runs } from "../runs.ts";
import { TreeHost } from "./tree.ts";

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

const other = { ...demo, slug: "other", domain: "other.test", root_path: "/var/www/docs/other" };
const both = (change: object): string => JSON.stringify({ demo: { ...demo, ...change }, other });

describe("projects.json: a file whose records cannot be separated fails every command, with line and column", () => {
  const cases: [string, string | Uint8Array, string][] = [
    ["broken JSON", '{\n  "demo": {\n    "slug": demo\n', "is not JSON: InvalidSymbol at line 3, column 13"],
    ["a document nested too deeply", "[".repeat(200_000), "cannot be used: it is nested deeper than 100 levels"],
    [
      "a record with an unknown key nested too deeply",
      one({ more: JSON.parse("[".repeat(200) + "]".repeat(200)) }),
      "cannot be used: it is nested deeper than 100 levels",
    ],
    ["an empty file", "", "is not JSON: ValueExpected at line 1, column 1"],
    ["a list", "[]", "is not an object with a project under each slug: line 1, column 1"],
    [
      "a byte that is not UTF-8, after a valid replacement character",
      new Uint8Array([...new TextEncoder().encode('{\n "\ufffd": "'), 0xfc, 0x22, 0x7d]),
      "is not JSON: not UTF-8 at line 2, column 8",
    ],
    [
      "a slug twice",
      `{"demo": ${JSON.stringify(demo)},\n "d\\u0065mo": []}`,
      "has the project demo twice: again at line 2, column 2",
    ],
  ];
  for (const [type, said] of [
    ["directory", "is a directory, and should be a file"],
    ["other", "is a device, a pipe or a socket, and should be a file"],
  ] as const) {
    test(`a path that ${said.split(",")[0]}`, async () => {
      const host = await prepared("bootstrap --yes")(fakeDebian());
      host.nodes.set(projectsPath, { type, content: "", mode: 0o600, uid: 0, gid: 0, changedMs: 0 });
      const { read } = host;
      host.read = (path) => {
        if (path === projectsPath && type === "other") throw new Error("a pipe is waited for without an end");
        return path === projectsPath ? null : read(path);
      };
      for (const line of ["list", "show demo", "add new --domain new.test", "remove demo"]) {
        const { exit, err } = await typed(`project ${line}`, host);
        const expected = `error: ${projectsPath} ${said}\nhint: ls -ld ${projectsPath}\n`;
        expect([line, exit, err]).toEqual([line, 1, expect.stringContaining(expected)]);
      }
      const { exit, out } = await typed("doctor", host);
      expect([exit, out]).toEqual([1, expect.stringContaining(`[FAIL] projects:managed: ${projectsPath} ${said}`)]);
    });
  }

  for (const [name, text, said] of cases) {
    test(name, async () => {
      const host = fakeDebian();
      host.put(projectsPath, text);
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

/** Hand-written records of the project demo, why each is invalid, and the command that fixes it. */
const broken: [string, string, string, string][] = [
  ["a record that is none", JSON.stringify({ demo: [], other }), "it is not an object", "remove demo"],
  [
    "a missing key",
    both({ root_path: undefined }),
    "root_path is missing",
    "update demo --root-path /var/www/docs/demo",
  ],
  ["a domain for nginx", both({ domain: "a;b.test" }), "domain is invalid", "update demo --domain DOMAIN"],
  ["a missing slug", both({ slug: undefined }), "slug is missing", "update demo --domain demo.test"],
  ["another slug", both({ slug: "else" }), "its slug is else", "update demo --domain demo.test"],
  ["a string for a boolean", both({ enabled: "yes" }), "enabled is invalid", "disable demo"],
  ["a number for tls", both({ tls: 1 }), "tls is invalid", "update demo --no-tls"],
  ["a string for hsts", both({ hsts: "on" }), "hsts is invalid", "update demo --no-hsts"],
  ["a text for rate_limit", both({ rate_limit: "7" }), "rate_limit is invalid", "update demo --rate-limit default"],
  ["a rate for nginx", both({ rate_limit: 1e9 }), "rate_limit is invalid", "update demo --rate-limit default"],
  [
    "every client as a proxy",
    both({ real_ip_from: ["10.0.0.0/8", "0.0.0.0/0"] }),
    "real_ip_from is invalid: 0.0.0.0/0 trusts every client",
    "update demo --real-ip-from none",
  ],
  [
    "a directive for nginx as a proxy",
    both({ real_ip_from: ["10.0.0.1; deny all"] }),
    "real_ip_from is invalid: 10.0.0.1; deny all is not a network",
    "update demo --real-ip-from none",
  ],
  [
    "a text for real_ip_from",
    both({ real_ip_from: "10.0.0.1" }),
    "real_ip_from is invalid",
    "update demo --real-ip-from none",
  ],
  ["an empty list", both({ real_ip_from: [] }), "real_ip_from is invalid", "update demo --real-ip-from none"],
  ["a policy for nginx", both({ csp: "default-src $uri" }), "csp is invalid", "update demo --csp default"],
  ["a branch", both({ branch: "a\nb" }), "branch is invalid", "update demo --branch main"],
  ["a group", both({ owner_group: "a:b" }), "owner_group is invalid", "update demo --owner-group www-data"],
  ["a source", both({ source_path: "srv" }), "source_path is invalid", "update demo --source-path DIRECTORY"],
  ...[
    "/etc",
    "/var/www/docs",
    "/var/www/docs/",
    "/var/www/docs/demo/",
    "/var/www/docs//demo",
    "/var/www/docs/./demo",
    "/var/www/docs/../../etc",
    "/var/www/docs/team/../../../../etc",
    "/var/www/docs/.edox-ops-backups",
    "/var/www/docs/.edox-ops-backups/other/20260101T000000Z",
    "/var/www/docs/.edox-ops-assets/other",
    "/var/www/docs/e; location /x { alias /etc/; } #",
    "/var/www/docs/$host",
    "/var/www/docs/a b",
    "/var/www/docs/a\tb",
    "/var/www/docs/a\u202eb",
    "/var/www/docs/it's",
    '/var/www/docs/a"b',
    "/var/www/docs/a\\b",
    `/var/www/docs/${"a".repeat(256)}`,
  ].map((root_path): [string, string, string, string] => [
    `the root path ${JSON.stringify(root_path)}`.slice(0, 90),
    both({ root_path }),
    "root_path is invalid: a root path is below /var/www/docs",
    "update demo --root-path /var/www/docs/demo",
  ]),
];

describe("projects.json: an invalid record disables only its own project", () => {
  for (const [name, text, reason, mends] of broken) {
    test(name, async () => {
      const host = hostWith(text);
      const raw = JSON.stringify(JSON.parse(text).demo);
      expect((await typed("project list", host)).out).toMatch(/^demo\t-\t-\tinvalid: .+\nother\tother\.test\t/);
      for (const line of [
        "init demo",
        "enable demo",
        "deploy demo --source /srv/site",
        "restore demo --yes",
        "show demo",
      ]) {
        const { exit, err } = await typed(`project ${line}`, host);
        expect([line, exit, err]).toEqual([line, 1, expect.stringContaining(reason)]);
        expect([line, err]).toEqual([line, expect.stringContaining(`hint: edox-ops project ${mends}\n`)]);
      }
      expect((await typed("project validate demo", host)).err).toStartWith(`FAIL: its record is invalid: ${reason}`);
      for (const line of ["show other", "init other", "update other --branch next", "add new --domain new.test"]) {
        expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
      }
      expect((await typed("project remove new", host)).exit).toBe(0);
      expect(host.text(projectsPath)).toContain(`"demo":${raw}`);
      const line = mends.replace("DOMAIN", "docs.example.org").replace("DIRECTORY", "/srv/demo");
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
      const left = (await typed("project list", host)).out;
      expect(left).not.toContain("invalid");
      expect(left.startsWith("demo\t")).toBe(!mends.startsWith("remove"));
    });
  }

  test("projects.json: several invalid records are each named, and each is removed by command", async () => {
    const all = Object.fromEntries(broken.map(([, text], i) => [`p${i}`, JSON.parse(text).demo]));
    const host = hostWith(JSON.stringify({ ...all, "../../../etc/x": demo, UPPER: 7, other }));
    expect((await typed("project list", host)).out.match(/\tinvalid: /g)).toHaveLength(broken.length + 2);
    for (const slug of [...Object.keys(all), "../../../etc/x", "UPPER"]) {
      const words = ["project", "remove", slug];
      // The files may be deleted if the tree of the record is known to be its own.
      if (!v.is(rootPath, JSON.parse(host.text(projectsPath) ?? "")[slug]?.root_path)) {
        const before = host.listing();
        expect((await typedWords([...words, "--delete-files", "--yes"], host)).exit).toBe(1);
        expect(host.listing()).toEqual(before);
      }
      expect([slug, await typedWords(words, host)]).toMatchObject([slug, { exit: 0, err: "" }]);
    }
    expect((await typed("project list", host)).out).toBe("other\tother.test\t/var/www/docs/other\tdisabled\n");
  });
});

test("project remove --delete-files: a record with another fault has its own tree and backups deleted", async () => {
  const host = hostWith(both({ branch: 7 }));
  using disk = new TreeHost();
  for (const dir of ["/var/www/docs/demo", "/var/www/docs/.edox-ops-backups/demo"]) disk.write(`${dir}/a`, "a");
  const line = "project remove demo --delete-files --yes";
  const { exit, out } = await typed(line, host, undefined, undefined, undefined, disk.trees);
  expect([exit, out]).toEqual([
    0,
    expect.stringContaining(
      "Deleted /var/www/docs/demo: 1 file, 1 byte\nDeleted /var/www/docs/.edox-ops-backups/demo: 1 file, 1 byte\n",
    ),
  ]);
  expect(disk.list("/var/www/docs")).toEqual([".edox-ops-backups"]);
});

describe("projects.json: two records in conflict", () => {
  const nested = { slug: "two", domain: "two.test", root_path: "/var/www/docs/team/handbook" };
  const team = { slug: "team", domain: "team.test", root_path: "/var/www/docs/team" };
  const cases: [string, object, object, string][] = [
    ["one domain, in different case", {}, { domain: "DEMO.test" }, "domain DEMO.test is already used by project demo"],
    [
      "one tree",
      {},
      { root_path: "/var/www/docs/demo" },
      "root path /var/www/docs/demo is already used by project demo",
    ],
    [
      "a tree in another",
      { root_path: "/var/www/docs/team" },
      { root_path: "/var/www/docs/team/a/b" },
      "root path /var/www/docs/team/a/b overlaps with /var/www/docs/team of project demo",
    ],
    [
      "a tree around another",
      { root_path: "/var/www/docs/team/a" },
      { root_path: "/var/www/docs/team" },
      "root path /var/www/docs/team overlaps with /var/www/docs/team/a of project demo",
    ],
    [
      "a tree under the staging name of the Python version",
      {},
      { root_path: "/var/www/docs/demo.staging" },
      "root path /var/www/docs/demo.staging overlaps with /var/www/docs/demo of project demo",
    ],
    [
      "a tree under the swap name of the Python version",
      {},
      { root_path: "/var/www/docs/demo.previous-swap/a" },
      "root path /var/www/docs/demo.previous-swap/a overlaps with /var/www/docs/demo of project demo",
    ],
    ["unknown names", { default: true }, { default: true }, "unknown names are already answered by project demo"],
  ];
  for (const [name, first, second, reason] of cases) {
    test(`${name}: both are reported, a third project works, and an update of one fixes both`, async () => {
      const two = { ...demo, slug: "two", domain: "two.test", root_path: "/var/www/docs/two", ...second };
      const host = hostWith(JSON.stringify({ demo: { ...demo, ...first }, other, two }));
      const { out } = await typed("project list", host);
      expect(out).toContain(`\ntwo\t-\t-\tinvalid: ${reason}\n`);
      expect(out).toStartWith("demo\t-\t-\tinvalid: ");
      expect(out).toContain("\nother\tother.test\t");
      expect(await typed("project update other --branch next", host)).toMatchObject({ exit: 0, err: "" });
      for (const line of ["enable two", "deploy demo --source /srv/site", "update two --branch next"]) {
        expect([line, (await typed(`project ${line}`, host)).exit]).toEqual([line, 1]);
      }
      expect((await typed("project disable two", host)).exit).toBe(0);
      const mending = "project update two --domain two.test --root-path /var/www/docs/two --no-default";
      expect(await typed(mending, host)).toMatchObject({ exit: 0, err: "" });
      expect((await typed("project list", host)).out).not.toContain("invalid");
    });

    test(`${name}: the second is not added`, async () => {
      const host = hostWith(JSON.stringify({ demo: { ...demo, ...first } }));
      const typedKeys: [string, unknown][] = Object.entries({ domain: "two.test", ...second });
      const flags = typedKeys.flatMap(([key, value]) => {
        return value === true ? [`--${key}`] : [`--${key.replace("_", "-")}`, String(value)];
      });
      const { exit, err } = await typedWords(["project", "add", "two", ...flags], host);
      expect([exit, err]).toEqual([1, `error: ${reason}\nhint: edox-ops project list\n`]);
    });
  }

  test("project remove --delete-files: neither of two overlapping trees is deleted", async () => {
    const host = hostWith(JSON.stringify({ team: { ...demo, ...team }, two: { ...demo, ...nested } }));
    for (const slug of ["team", "two"]) {
      const { exit, err } = await typed(`project remove ${slug} --delete-files --yes`, host);
      expect([exit, err]).toEqual([
        1,
        `error: project ${slug} has no directory that is its alone: its files and backups are not deleted\nhint: edox-ops project remove ${slug} --yes\n`,
      ]);
    }
    expect((await typed("project remove two", host)).exit).toBe(0);
    expect((await typed("project show team", host)).exit).toBe(0);
  });
});

describe("projects.json: values that the Python version accepts are accepted:", () => {
  const roots = [
    "docs.example.org",
    "team/handbook",
    "Team/Hand_Book-2.0",
    "a/b/c/d",
    "app.staging",
    "~x@y",
    "Übersicht",
  ];
  for (const [key, value] of [
    ...roots.map((name) => ["root_path", `/var/www/docs/${name}`]),
    ...["feature#1", "release 1", "Größe", "a/b"].map((branch) => ["branch", branch]),
    ...["Www", "web.admins", "1000"].map((group) => ["owner_group", group]),
    ["domain", "DOCS.Example.org"],
  ] as [string, string][]) {
    test(`${key} ${value}, in a record and on the command line`, async () => {
      const host = hostWith(both({ [key]: value }));
      host.put("/etc/group", "www-data:x:33:\nWww:x:34:\nweb.admins:x:35:\n1000:x:36:\n");
      expect((await readProjects(host)).get("demo")).toMatchObject({ [key]: value });
      const flag = `--${key.replace("_", "-")}`;
      expect(await typedWords(["project", "update", "other", "--branch", "next"], host)).toMatchObject({ exit: 0 });
      expect(await typedWords(["project", "remove", "demo"], host)).toMatchObject({ exit: 0, err: "" });
      const words = ["project", "add", "demo", ...(key === "domain" ? [] : ["--domain", "demo.test"]), flag, value];
      expect(await typedWords(words, host)).toMatchObject({ exit: 0, err: "" });
      expect(await typed("project init demo", host)).toMatchObject({ exit: 0, err: "" });
      expect((await readProjects(host)).get("demo")).toMatchObject({ [key]: value });
    });
  }
});

test("projects.json: a symlink above a tree, which would lead a deploy out of the docs root, makes its record invalid", async () => {
  const host = hostWith(both({ root_path: "/var/www/docs/team/nginx" }));
  host.link("/var/www/docs/team", "/etc");
  const { exit, err } = await typed("project init demo", host);
  expect([exit, err]).toEqual([
    1,
    expect.stringContaining("root_path is invalid: /var/www/docs/team is not a directory"),
  ]);
  expect((await typed("project remove demo --delete-files --yes", host)).exit).toBe(1);
  expect((await typed("project show other", host)).exit).toBe(0);
});

test("projects.json: unchanged records keep their bytes, with any content", async () => {
  const odd = `"b" :  {"slug":"b", "n": 1.50e0,\t"big": 12345678901234567890, "s": "\\u00e9{[,\\"" ,\n"domain": 7}`;
  const fine = `"c": ${JSON.stringify({ ...other, slug: "c", root_path: "/var/www/docs/c", note: "é" }).replace(",", " , ")}`;
  const host = hostWith(`{ ${fine},\n\n ${odd} ,"d":[]}`);
  expect((await typed("project add a --domain a.test", host)).exit).toBe(0);
  expect(host.text(projectsPath)).toEndWith(`  },\n  ${odd},\n  ${fine},\n  "d":[]\n}\n`);
  expect((await typed("project remove a", host)).exit).toBe(0);
  expect(host.text(projectsPath)).toBe(`{\n  ${odd},\n  ${fine},\n  "d":[]\n}\n`);
});

test("projects.json: a file that Python wrote is kept byte for byte when nothing changes, and unknown keys stay", async () => {
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

test("projects.json: slugs that are integers, or properties of every object, are ordinary projects", async () => {
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
  anyText({ maxLength: 80 }),
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

test("project add: hostile slugs and domains are rejected with a reason, or accepted and read again", async () => {
  await fc.assert(
    fc.asyncProperty(nasty, nasty, async (slug, domain) => {
      const host = fakeDebian();
      const { exit, err } = await typedWords(["project", "add", slug, "--domain", domain], host);
      if (exit === 0) expect([...(await readProjects(host)).keys()]).toEqual([slug]);
      else {
        expect(exit).toBe(/^-./.test(slug) || /^-./.test(domain) ? 2 : 1);
        expect(err).toStartWith("error: ");
        expect(host.stat(projectsPath)).toBeNull();
      }
    }),
    { numRuns: runs(80, 10_000) },
  );
}, 300_000);

test("projects.json: a hostile file is read, or rejected by name", async () => {
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
    { numRuns: runs(80, 10_000) },
  );
}, 300_000);

test("projects.json: a hostile record leaves the one beside it usable, and keeps its bytes", async () => {
  const value = fc.oneof(
    nasty,
    nasty.map((name) => `/var/www/docs/${name}`),
    fc.jsonValue(),
  );
  const keys = Object.fromEntries(Object.keys(demo).map((key) => [key, value]));
  const hostile = fc.oneof(fc.jsonValue(), fc.record(keys, { requiredKeys: [] })).map((each) => JSON.stringify(each));
  await fc.assert(
    fc.asyncProperty(hostile, async (each) => {
      const host = hostWith(`{"demo": ${each}, "other": ${JSON.stringify(other)}}`);
      const { exit, out } = await typed("project update other --branch next", host);
      expect([exit, out]).toEqual([0, expect.stringContaining("Updated project other.\n")]);
      expect(host.text(projectsPath)).toStartWith(`{\n  "demo": ${each},\n  "other": {\n`);
      expect((await typed("project remove demo", host)).exit).toBe(0);
      expect([...(await readProjects(host)).keys()]).toEqual(["other"]);
    }),
    { numRuns: runs(30, 5000) },
  );
}, 300_000);
