// The check of the links between the pages of a site.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { typedWords } from "../cli/typed.ts";
import { project, type TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

let host: TreeHost;
beforeEach(() => {
  host = registeredHost();
  host.remove("/srv/site");
});
afterEach(() => host[Symbol.dispose]());

const filesOf = (dir: string): string[] => readdirSync(dir, { recursive: true, encoding: "utf8" });
const check = (...flags: string[]) =>
  typedWords(["project", "check-links", "demo", ...flags], host.host, undefined, undefined, undefined, host.trees);

/** Writes a site, and returns the broken links of its front page and of all other pages. */
async function broken(files: Record<string, string>): Promise<string[]> {
  for (const [path, content] of Object.entries({ "index.html": "home", ...files })) {
    host.write(`/srv/site/${path}`, content);
  }
  const { exit, out } = await check("--source", "/srv/site");
  const lines = out.split("\n").filter(Boolean);
  expect(exit).toBe(lines.length > 1 ? 1 : 0);
  return lines.slice(0, -1).map((line) => line.replaceAll("\t", " "));
}

const links = (...all: string[]): string => all.map((href) => `<a href="${href}">x</a>`).join("\n");

describe("check-links: a link is in order if nginx answers it", () => {
  const site = {
    "a.html": "a",
    "guide/index.html": "guide",
    "guide/install.html": "install",
    "old.htm": "old",
    "import.meta.env.html": "page",
    "files/My file.pdf": "pdf",
    "grüße.html": "hello",
    "100%.html": "percent",
    "empty/logo.png": "png",
    "1.0/page.html": "page",
    latest: "-> 1.0",
    ".well-known/security.txt": "x",
    ".hidden/page.html": "x",
    "notes.bak": "x",
  };

  test("by its pretty addresses, with queries, encodings and dots", async () => {
    const fine = [
      ...["a", "a/", "a.html", "/a", "./a", "../../a", "a?x=1&amp;y=2", "a#", "a#top", " a\n", ""],
      ...["guide", "guide/", "guide/index.html", "guide/install", "guide/../a", "/guide//install/", "old.htm"],
      ...["files/My%20file.pdf", "files/My file.pdf", "gr%C3%BC%C3%9Fe", "grüße", "100%25", "%61", "guide%2Finstall"],
      ...["import.meta.env", "latest/page", "1.0/page.html", ".well-known/security.txt"],
      ...["http://demo.test/a", "https://DEMO.test/a", "//demo.test/a", "http://demo.test:80/a"],
    ];
    const ignored = [
      "mailto:a@b",
      "tel:1",
      "javascript:x()",
      "data:,x",
      "https://other.test/no",
      "http://demo.test:81/no",
    ];
    expect(await broken({ ...site, "index.html": links(...fine, ...ignored, "{{ url }}/no") })).toEqual([]);
  });

  test("and is reported otherwise, with the address that differs in case", async () => {
    const all = [
      ...["no", "/no/", "a/b", "a/index.html", "guide.html", "old", "empty", "empty/", "A", "Guide/Install.html"],
      ...[
        ".hidden/page",
        "notes.bak",
        "%zz",
        "a%00",
        "%ff",
        "https://demo.test/no",
        "files/my%20file.pdf",
        "latest/no",
      ],
    ];
    expect(await broken({ ...site, "index.html": links(...all, "no", "no") })).toEqual([
      ..."no|/no/|a/b|a/index.html|guide.html|old|empty|empty/"
        .split("|")
        .map((link) => `index.html ${link} not found`),
      "index.html A not found, but /a exists",
      "index.html Guide/Install.html not found, but /guide/install.html exists",
      "index.html .hidden/page not found",
      "index.html notes.bak not found",
      "index.html %zz not a valid address",
      "index.html a%00 not a valid address",
      "index.html %ff not a valid address",
      "index.html https://demo.test/no not found",
      "index.html files/my%20file.pdf not found, but /files/My file.pdf exists",
      "index.html latest/no not found",
    ]);
  });

  test("relative to the page or to its base, in all elements and in style sheets", async () => {
    const found = await broken({
      "guide/page.html": `${links("other", "../guide/other", "/guide/other", "no")}<img src="a.png" srcset="no.png 2x">`,
      "guide/other.html": `<base href="/docs/"><link rel=stylesheet href="style.css"><script src="no.js"></script>`,
      "guide/a.png": "png",
      "far.html": `<base href="https://cdn.other.test/">${links("no", "/no", "https://demo.test/guide/page")}`,
      "docs/style.css": `@import "no.css"; a { background: url(../guide/a.png) } b { background: url("no.png"), url(#id) }`,
    });
    expect(found).toEqual([
      "docs/style.css no.css not found",
      "docs/style.css no.png not found",
      "guide/other.html no.js not found",
      "guide/page.html no not found",
      "guide/page.html no.png not found",
    ]);
  });

  test("by a rule in _redirects, except one that sends the page for missing files", async () => {
    const rules = "/old/* /a 301\n/gone /a 302\n/* /404.html 404\n";
    const pages = { _redirects: rules, "a.html": "a", "404.html": "not found" };
    const all = ["/old/page", "/gone", "/gone#x", "/none"];
    expect(await broken({ ...pages, "index.html": links(...all) })).toEqual(["index.html /none not found"]);
  });

  test("with its versions, and with what the default version has", async () => {
    const versions = "/var/www/docs/.edox-ops-versions/demo";
    host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, default_version: "latest" } }));
    host.write(`${versions}/1.4/guide/install.html`, "page");
    host.write(`${versions}/latest`, "-> 1.4");
    const all = ["/guide/install", "/guide/install/", "/latest/guide/install", "/guide/none", "/versions.json"];
    expect(await broken({ "index.html": links(...all) })).toEqual([
      "index.html /guide/none not found",
      "index.html /versions.json not found",
    ]);
    host.write(`${versions}/versions.json`, "[]");
    expect(await broken({ "index.html": links(...all) })).toEqual(["index.html /guide/none not found"]);
  });

  test("with the aliases of the project, and with its versions", async () => {
    const aliases = ["www.demo.test"];
    host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, aliases } }));
    host.write("/var/www/docs/.edox-ops-versions/demo/1.4/index.html", "home");
    const all = ["https://www.demo.test/no", "/1.4/page", "/1.5/page"];
    expect(await broken({ "index.html": links(...all) })).toEqual([
      "index.html https://www.demo.test/no not found",
      "index.html /1.5/page not found",
    ]);
  });
});

describe("check-links: an anchor", () => {
  test("is the id of an element or the name of a link, on the page itself, before it and after it", async () => {
    const found = await broken({
      "index.html": `${links("#here", "#no", "b#there", "b#no", "b/#old", "b.html#caf%C3%A9", "b#café", "b#%E4%BD", "b#A")}
        <p id=here>`,
      "b.html": `<h1 id="there"></h1><a name="old"></a><h2 id="café"></h2><h2 id="%E4%BD"></h2><b name="no"></b>
        <h2 id=a></h2>${links("/#here", "./#no")}`,
    });
    expect(found).toEqual([
      "b.html ./#no no such anchor",
      "index.html #no no such anchor",
      "index.html b#no no such anchor",
      "index.html b#A no such anchor",
    ]);
  });

  test("is not expected of a document, a route of a script, a text fragment, or a page that a version has", async () => {
    host.write("/var/www/docs/.edox-ops-versions/demo/1.4/index.html", "home");
    const all = ["a.pdf#page=2", "#/route", "#!old", "#:~:text=x", "#top", "#Top", "#id:~:text=x", "/1.4/#x"];
    expect(await broken({ "index.html": `<p id=id>${links(...all)}`, "a.pdf": "pdf" })).toEqual([]);
  });
});

describe("check-links: the command", () => {
  const page = links("page", "#no", "gone.html");

  test("checks the live tree without a source, and prints both results as text, as JSON and by the exit code", async () => {
    host.write("/srv/site/index.html", page);
    host.write("/srv/site/page.html", links("/"));
    await typedDeploy(host.root, "/srv/site");
    const before = filesOf(host.root).sort();
    const text =
      "index.html\tgone.html\tnot found\nindex.html\t#no\tno such anchor\n2 of 4 links on 2 pages are broken.\n";
    expect(await check()).toEqual({ exit: 1, out: text, err: "" });
    const { out, ...rest } = await check("--json");
    expect(rest).toEqual({ exit: 1, err: "" });
    expect(JSON.parse(out)).toMatchObject({
      outcome: "failed",
      exit: 1,
      links: {
        pages: 2,
        checked: 4,
        broken: 2,
        list: [
          { page: "index.html", link: "gone.html", problem: "not-found", instead: null },
          { page: "index.html", link: "#no", problem: "no-anchor", instead: null },
        ],
      },
    });
    expect(filesOf(host.root).sort()).toEqual(before);
    host.write("/srv/good/index.html", links("/"));
    const good = "No broken links: 1 link on 1 page.\n";
    expect(await check("/srv/good")).toEqual({ exit: 0, out: good, err: "" });
    expect(JSON.parse((await check("/srv/good", "--json")).out)).toMatchObject({ outcome: "ok", exit: 0 });
  });

  test("checks what a deploy would publish: an archive, a directory of it, without excluded files", async () => {
    host.write("/srv/site/public/index.html", page);
    host.write("/srv/site/public/page.html", links("no"));
    Bun.spawnSync(["tar", "-czf", `${host.root}/srv/site.tar.gz`, "-C", `${host.root}/srv/site`, "."]);
    const before = filesOf(host.root).sort();
    const { exit, out } = await check("/srv/site.tar.gz", "--subdir", "public", "--exclude", "page.html");
    expect([exit, out]).toEqual([
      1,
      "index.html\tpage\tnot found\nindex.html\tgone.html\tnot found\nindex.html\t#no\tno such anchor\n" +
        "3 of 3 links on 1 page are broken.\n",
    ]);
    const locks = ["run/edox-ops", "run/edox-ops/project-demo.lock"];
    expect(filesOf(host.root).sort()).toEqual([...before, ...locks].sort());
  });

  test("refuses what a deploy refuses, and flags of a source without one", async () => {
    host.write("/srv/site/index.html", "home");
    host.write("/srv/site/id_rsa", "key");
    const refused = await check("/srv/site");
    expect(refused.err).toContain("look like secrets by name, 1 file: id_rsa");
    expect(refused.err).toEndWith("hint: edox-ops project check-links demo /srv/site --exclude id_rsa\n");
    const lone = await check("--subdir", "public");
    expect([lone.exit, lone.err]).toEqual([2, expect.stringContaining("error: --subdir needs a source\n")]);
    expect((await check("/srv/none")).exit).toBe(1);
    host.remove("/var/www/docs/demo");
    expect((await check()).err).toContain("error: demo is not deployed: /var/www/docs/demo is missing\n");
  });

  test("lists at most 10,000 broken links, and counts all", async () => {
    host.write("/srv/site/index.html", Array.from({ length: 12_000 }, (_, i) => `<a href=no${i}>`).join(""));
    const { links: found } = JSON.parse((await check("/srv/site", "--json")).out);
    expect([found.checked, found.broken, found.list.length]).toEqual([12_000, 12_000, 10_000]);
  });

  test("reads pages that are not UTF-8, and escapes their links", async () => {
    host.write("/srv/site/index.html", "");
    const bytes = Buffer.from(`\xff<a href="no\xfe\x1b[31m">\x00<a href=no>`, "latin1");
    await Bun.write(`${host.root}/srv/site/index.html`, bytes);
    const { out } = await check("/srv/site");
    expect(out).toBe(
      "index.html\tno\ufffd\tnot found\nindex.html\tno\tnot found\n2 of 2 links on 1 page are broken.\n",
    );
  });
});
