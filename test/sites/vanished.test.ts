// The guard against addresses that vanish with a deploy.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";

import { previewTarget, siteTarget, versionTarget } from "../../src/sites/target.ts";
import { SiteHost } from "./site-host.ts";
import { project, TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

/** Deploys the files before, and then those after. Returns what vanished as "address -> where it is now". */
async function vanished(before: Record<string, string>, after: Record<string, string>): Promise<string[]> {
  const sets: [string, Record<string, string>][] = [
    ["/srv/before", before],
    ["/srv/after", after],
  ];
  for (const [dir, files] of sets) {
    rmSync(`${host.root}${dir}`, { recursive: true, force: true });
    host.write(`${dir}/index.html`, "home");
    for (const [path, content] of Object.entries(files)) host.write(`${dir}/${path}`, content);
  }
  expect((await host.deploy({ dir: "/srv/before" })).vanished).toEqual([]);
  const done = await host.deploy({ dir: "/srv/after" });
  return done.vanished.map(({ address, moved_to: to }) => (to === null ? address : `${address} -> ${to}`));
}

describe("URL guard: a deploy reports", () => {
  test("the addresses of removed pages and documents, and of nothing that only belongs to pages", async () => {
    const found = await vanished(
      {
        "a.html": "a",
        "guide/index.html": "guide",
        "old.htm": "old",
        "manual.pdf": "manual",
        "data/all.tar.gz": "all",
        "404.html": "not found",
        "import.meta.env.html": "page",
        "notes.txt.bak": "x",
        ".hidden/page.html": "x",
        "_sources/a.md.txt": "# a",
        "app.js": "x",
        "assets/app.0123456789abcdef.js": "x",
        "style.css": "x",
        "logo.png": "x",
        "search.json": "{}",
        "a.html.gz": "x",
        ".well-known/security.txt": "x",
      },
      {},
    );
    expect(found).toEqual([
      "/.well-known/security.txt",
      "/a",
      "/data/all.tar.gz",
      "/guide/",
      "/import.meta.env",
      "/manual.pdf",
      "/old.htm",
    ]);
  });

  const forms = ["a.html", "a/index.html"];
  for (const before of forms) {
    for (const after of forms) {
      test(`no address if ${before} becomes ${after}`, async () => {
        expect(await vanished({ [before]: "before" }, { [after]: "after" })).toEqual([]);
      });
    }
  }

  test("one address for two files that have the same", async () => {
    expect(await vanished({ "a.html": "1", "a/index.html": "2" }, {})).toEqual(["/a"]);
    expect(await vanished({ "b.html": "1", "b/index.html": "2" }, { "b.html": "1" })).toEqual([]);
  });

  test("the address of a folder whose symlink is removed, and none that a symlink still leads to", async () => {
    const old = { "1.0/a.html": "a", latest: "-> 1.0" };
    expect(await vanished(old, { "1.0/a.html": "a" })).toEqual(["/latest/"]);
    expect(await vanished({ "latest/a.html": "a", "1.0/a.html": "a" }, old)).toEqual([]);
  });

  test("where a page is now: by its content, else by its name, and nothing where that is not clear", async () => {
    const found = await vanished(
      {
        "start.html": "the same content",
        "one/install/index.html": "before",
        "one/faq.html": "before too",
        "one/deep/setup.html": "same size",
        "empty.html": "",
        "manual.pdf": "pdf",
      },
      {
        "begin.html": "the same content",
        "two/install/index.html": "after it was edited",
        "x/faq.html": "1",
        "y/faq.html": "22",
        "two/setup.html": "1",
        "two/deep/setup.html": "sane size",
        "other.html": "",
        "files/manual.pdf": "another edition",
      },
    );
    expect(found).toEqual([
      "/empty",
      "/manual.pdf -> /files/manual.pdf",
      "/one/deep/setup -> /two/deep/setup",
      "/one/faq",
      "/one/install/ -> /two/install/",
      "/start -> /begin",
    ]);
  });

  test("no address that a rule in _redirects leads elsewhere, in any of its forms, but for the page for missing files", async () => {
    const before = { "a.html": "a", "b.html": "b", "c/d.html": "d", "e.html": "e" };
    const rules = "/a /index 301\n/b.html /index 302\n/c/* /index 301\n/* /404.html 404\n";
    expect(await vanished(before, { _redirects: rules, "404.html": "not found" })).toEqual(["/e"]);
  });

  test("the addresses of a version with its name, and none of the site that a version answers", async () => {
    const target = versionTarget("demo", "1.4");
    host.write("/var/www/docs/.edox-ops-versions/demo/1.4/index.html", "home");
    host.write("/var/www/docs/.edox-ops-versions/demo/1.4/old/page.html", "page");
    host.write("/srv/site/new/page.html", "page");
    const live = `/var/www/docs/.edox-ops-versions/demo/1.4`;
    expect((await host.deploy({ target, live })).vanished).toEqual([
      { address: "/1.4/old/page", moved_to: "/1.4/new/page" },
    ]);
    expect(await vanished({ "1.4/page.html": "a", "1.5/page.html": "a" }, {})).toEqual(["/1.5/page"]);
  });

  test("nothing for a new version or a preview, which lack pages of what they start from, also with strict_urls", async () => {
    host.write("/srv/site/page.html", "page");
    await host.deploy();
    const strict = { project: { ...project, strict_urls: true as const }, base: siteTarget(project) };
    host.remove("/srv/site/page.html");
    host.write("/srv/site/first.html", "first");
    const [version, preview] = [versionTarget("demo", "1.5"), previewTarget("demo", "fix-7")];
    for (const target of [version, preview]) {
      expect(await host.deploy({ ...strict, target })).toMatchObject({ vanished: [], notes: [] });
    }
    host.remove("/srv/site/first.html");
    // Only a version has readers who know its addresses.
    expect(await host.deploy({ ...strict, target: preview })).toMatchObject({ vanished: [], notes: [] });
    await expect(host.deploy({ ...strict, target: version })).rejects.toThrow("/1.5/first");
  });

  test("nothing for a restore, also with strict_urls", async () => {
    host.write("/srv/site/page.html", "page");
    await host.deploy();
    host.write("/srv/site/more.html", "more");
    await host.deploy({ project: { ...project, strict_urls: true } });
    expect((await host.restore())?.vanished).toEqual([]);
    expect(host.list("/var/www/docs/demo")).toEqual(["index.html", "page.html"]);
  });
});

describe("URL guard: project deploy", () => {
  let registered: TreeHost;
  beforeEach(async () => {
    registered = registeredHost();
    registered.write("/srv/site/old/set up.html", "set up");
    for (let i = 1; i <= 6; i++) registered.write(`/srv/site/p${i}.html`, `page ${i}`);
    await typedDeploy(registered.root, "/srv/site", "--no-probe");
    registered.remove("/srv/site");
    registered.write("/srv/site/index.html", "home");
    registered.write("/srv/site/new/set up.html", "set up");
  });
  afterEach(() => registered[Symbol.dispose]());
  const deploy = (...flags: string[]) => typedDeploy(registered.root, "/srv/site", ...flags);
  const live = () => registered.list("/var/www/docs/demo");

  const warning =
    "7 addresses of the live site vanish without a redirect: /old/set%20up, /p1, /p2, /p3, /p4 and 2 more";

  test("warns with the count, the first five and the line to add, and lists all with --diff and --json", async () => {
    const { exit, err } = await deploy("--dry-run");
    expect([exit, err]).toEqual([
      0,
      `warning: ${warning}\nwarning: to redirect readers, add to _redirects: /old/set%20up /new/set%20up 301\n`,
    ]);
    const { out } = await deploy("--dry-run", "--diff");
    expect(out).toContain("vanished /old/set%20up, redirected by: /old/set%20up /new/set%20up 301\nvanished /p1\n");
    const all = [
      { address: "/old/set%20up", moved_to: "/new/set%20up" },
      ...[1, 2, 3, 4, 5, 6].map((i) => ({ address: `/p${i}`, moved_to: null })),
    ];
    expect(JSON.parse((await deploy("--dry-run", "--json")).out).plan.addresses).toEqual({ vanished: all });
    const done = JSON.parse((await deploy("--json", "--diff")).out);
    expect(done).toMatchObject({ deploy: { addresses: { vanished: all } }, plan: { addresses: { vanished: all } } });
    expect(done.warnings).toContain(warning);
  });

  test("refuses with --strict-urls, changes nothing, and hints at the list of all lines", async () => {
    const before = live();
    for (const flags of [[], ["--dry-run"], ["--check", "--diff"]]) {
      const { exit, err } = await deploy("--strict-urls", ...flags);
      expect(exit).toBe(1);
      expect(err).toContain(`error: ${warning}: add lines to _redirects in the source, or pass --no-strict-urls\n`);
      expect(err).toContain(
        "hint: edox-ops project deploy demo --source /srv/site --no-strict-urls --dry-run --diff\n",
      );
    }
    expect(live()).toEqual(before);
    expect(registered.list("/var/www/docs/.edox-ops-backups/demo").filter((name) => /^\d/.test(name))).toEqual([]);
    expect(JSON.parse((await deploy("--strict-urls", "--json")).out)).toMatchObject({
      exit: 1,
      error: { code: "vanished-addresses" },
    });
  });

  test("refuses with the setting of the project, unless --no-strict-urls is passed", async () => {
    registered.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, strict_urls: true } }));
    expect((await deploy()).exit).toBe(1);
    expect((await deploy("--strict-urls", "--no-strict-urls")).exit).toBe(2);
    expect((await deploy("--no-strict-urls")).exit).toBe(0);
    expect(live()).toEqual(["index.html", "new"]);
    // Nothing vanishes any more.
    expect(await deploy()).toMatchObject({ exit: 0, err: "" });
  });
});

test("URL guard: project publish --strict-urls refuses, and is a setting from then on", async () => {
  using site = await SiteHost.bootstrapped();
  const publish = "project publish docs --domain docs.example.org --source /srv/site";
  site.disk.write("/srv/site/index.html", "home");
  site.disk.write("/srv/site/page.html", "page");
  expect(await site.type(`${publish} --strict-urls`)).toMatchObject({ exit: 0 });
  expect((await site.type("project show docs")).out).toContain("strict_urls: True\n");
  site.disk.remove("/srv/site/page.html");
  const log = "/var/log/edox-ops/project.log";
  const { [log]: _, ...before } = site.snapshot();
  const refused = await site.type(publish);
  expect([refused.exit, refused.err]).toEqual([
    1,
    expect.stringContaining("1 address of the live site vanishes without a redirect: /page: add lines"),
  ]);
  const { [log]: logged, ...after } = site.snapshot();
  expect(after).toEqual(before);
  expect(logged).toContain("STEP project.deploy FAILURE");
  expect(await site.type("project update docs --no-strict-urls --yes")).toMatchObject({ exit: 0 });
  expect(await site.type(publish)).toMatchObject({ exit: 0 });
});
