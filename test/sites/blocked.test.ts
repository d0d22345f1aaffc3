// Foreign origins that a page loads from and that the content policy of its site blocks.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { type Kind, Policy } from "../../src/sites/serve/csp.ts";
import { policies } from "../../src/sites/serve/site-headers.ts";
import { processorTime } from "../processor-time.ts";
import { project, type TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

let host: TreeHost;
beforeEach(() => {
  host = registeredHost();
});
afterEach(() => host[Symbol.dispose]());

const cdn = "https://cdn.jsdelivr.net";

/** Returns the warnings of a deploy of one page. */
async function notesOf(page: string, more = {}, name = "index.html"): Promise<string[]> {
  host.write(`/srv/site/${name}`, page);
  return (await host.deploy({ project: { ...project, ...more } })).notes;
}

/** Returns the policy in the command of a warning. */
const offered = ([, line = ""]: string[]): string => / --csp "(.*)"$/.exec(line)?.[1] ?? "";

describe("deploy: the default policy blocks", () => {
  test("MathJax from a CDN: the warning names the origin and the page, and its command allows scripts and fonts", async () => {
    const notes = await notesOf(
      `<script id="MathJax-script" async\n src="${cdn}/npm/mathjax@3/es5/tex-mml-chtml.js"></script>`,
    );
    expect(notes[0]).toBe(`the content policy blocks ${cdn} (script of index.html)`);
    expect(notes[1]).toStartWith(
      `to allow all of that, if you trust it: sudo edox-ops project update demo --csp "default-src`,
    );
    expect(offered(notes)).toBe(
      policies.default
        .replace("'wasm-unsafe-eval'", `'wasm-unsafe-eval' ${cdn}`)
        .replace("font-src 'self' data:", `font-src 'self' data: ${cdn}`),
    );
    host.write("/srv/site/more.html", `<script src="${cdn}/a.js"></script>`);
    const { exit, err } = await typedDeploy(host.root, "/srv/site", "--dry-run");
    expect(exit).toBe(0);
    // Root needs no sudo, which a bare Debian does not have.
    expect(err).toContain(`if you trust it: edox-ops project update demo --csp "default-src`);
    expect((await host.deploy({ project: { ...project, csp: offered(notes) } })).notes).toEqual([]);
  });

  test("Mermaid as an inline module", async () => {
    const notes = await notesOf(
      `<script type="module">\n import mermaid from '${cdn}/npm/mermaid@11/dist/mermaid.esm.min.mjs';\n mermaid.initialize({});</script>`,
    );
    expect(notes[0]).toBe(`the content policy blocks ${cdn} (script of index.html)`);
  });

  test("web fonts: Google's style sheet, and the other host of its font files", async () => {
    const notes = await notesOf(
      '<link href="https://fonts.googleapis.com/css2?family=Inter&amp;display=swap" rel=stylesheet>',
    );
    expect(notes[0]).toBe("the content policy blocks https://fonts.googleapis.com (style of index.html)");
    expect(offered(notes)).toContain("style-src 'self' 'unsafe-inline' https://fonts.googleapis.com;");
    expect(offered(notes)).toContain("font-src 'self' data: https://fonts.gstatic.com;");
  });

  test("fonts and imports of style sheets, in files and in pages", async () => {
    host.write(
      "/srv/site/a.css",
      `@import url("https://a.test/x.css"); @font-face { src: url(https://b.test/f.woff2) format("woff2") }`,
    );
    host.write("/srv/site/b.css", "@IMPORT '//c.test/y.css';\nbody { background: url(https://img.test/i.png) }");
    const notes = await notesOf("<style>@font-face { src: url('https://d.test/f.ttf') }</style>");
    expect(notes[0]).toBe(
      "the content policy blocks https://d.test (font of index.html), https://a.test (style of a.css), https://b.test (font of a.css), http://c.test (style of b.css)",
    );
    expect(offered(notes)).toContain(
      "font-src 'self' data: https://d.test https://a.test https://b.test http://c.test;",
    );
  });

  test.each([
    ["frame", '<iframe width=1 src="//video.test/embed">', "http://video.test", "frame-src 'self' http://video.test"],
    [
      "media",
      "<video><source src='https://x.test/a.mp4'></video>",
      "https://x.test",
      "media-src 'self' https://x.test",
    ],
    ["object", "<object data=https://x.test/a.svg>", "https://x.test", "object-src https://x.test"],
    ["form", '<form method="post" action="https://x.test/s">', "https://x.test", "form-action 'self' https://x.test"],
    ["base", '<base href="https://x.test/">', "https://x.test", "base-uri 'self' https://x.test"],
    ["image", '<img alt="" src="http://x.test/a.png">', "http://x.test", "img-src 'self' data: https: http://x.test"],
    ["connection", "<script>fetch('https://x.test/a')</script>", "https://x.test", "connect-src 'self' https://x.test"],
    [
      "connection",
      "<script>new WebSocket(`wss://x.test:81/`)</script>",
      "wss://x.test:81",
      "connect-src 'self' wss://x.test:81",
    ],
    [
      "worker",
      "<script>new Worker('https://x.test/w.js')</script>",
      "https://x.test",
      "worker-src 'self' blob: https://x.test",
    ],
    [
      "script",
      "<script>s.src = 'https://x.test/s.js?1'; a(s)</script>",
      "https://x.test",
      "font-src 'self' data: https://x.test",
    ],
    [
      "script",
      '<link rel="modulepreload" href="https://x.test/m.js">',
      "https://x.test",
      "font-src 'self' data: https://x.test",
    ],
    [
      "manifest",
      '<link rel="manifest" href="https://x.test/m.json">',
      "https://x.test",
      "manifest-src 'self' https://x.test",
    ],
    [
      "script",
      '<script type="importmap">{"imports": {"a": "https://x.test/a.js"}}</script>',
      "https://x.test",
      "'wasm-unsafe-eval' https://x.test",
    ],
    [
      "script",
      "<SCRIPT SRC=https://x.test:8443/a.js></SCRIPT>",
      "https://x.test:8443",
      "'wasm-unsafe-eval' https://x.test:8443",
    ],
  ])("%s: %s", async (kind, page, origin, directive) => {
    const notes = await notesOf(page);
    expect(notes[0]).toBe(`the content policy blocks ${origin} (${kind} of index.html)`);
    expect(offered(notes)).toContain(directive);
    expect(await notesOf(`${page} `, { csp: offered(notes) })).toEqual([]);
  });

  test("nothing that a page only mentions: links, code, images over HTTPS, its own address, JSON", async () => {
    const page = `<link rel="canonical" href="https://other.test/a"><link rel="alternate" href="https://other.test/feed">
      <link rel="preconnect" href="https://other.test"><a href="https://other.test/x.js">x</a><img src="https://badge.test/a.svg">
      <pre>import x from 'https://esm.test/x'; fetch("https://api.test")</pre><meta content="https://other.test/card.png">
      <script src="/a.js"></script><script src="https://demo.test/b.js"></script><script>var u = "https://repo.test/x"</script>
      <script type="application/ld+json">{"@context": "https://schema.org"}</script><blockquote cite="https://x.test/">`;
    expect(await notesOf(page)).toEqual([]);
  });

  test("an origin that a policy cannot contain, which the command does not offer", async () => {
    expect(
      await notesOf(`<script src="https://a;b.test/x.js"></script><script src='https://$x.test/"'></script>`),
    ).toEqual([]);
    expect(
      await notesOf('<script src="https://user:pw@x.test/y.js"></script><script src="https://"></script>'),
    ).toEqual([
      "the content policy blocks https://x.test (script of index.html)",
      expect.stringContaining("https://x.test"),
    ]);
  });
});

describe("deploy: a custom policy", () => {
  test("strict blocks inline scripts and styles", async () => {
    const notes = await notesOf("<style>a{}</style><script>x()</script><script src=a.js></script>", { csp: "strict" });
    expect(notes[0]).toBe(
      "the content policy blocks inline styles (style of index.html), inline scripts (script of index.html)",
    );
    expect(offered(notes)).toBe(
      `${policies.strict}; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'`,
    );
    expect(await notesOf("<script>x()</script>", { csp: offered(notes) })).toEqual([]);
  });

  test("with nonces or hashes causes no warning about scripts", async () => {
    const csp = "script-src 'nonce-a' 'strict-dynamic'";
    expect(await notesOf("<script>x()</script><script src=https://x.test/a.js></script>", { csp })).toEqual([]);
  });

  test("that would be too long is not offered", async () => {
    const csp = `default-src 'self' ${"https://a.test/".padEnd(3980, "x")}`;
    const notes = await notesOf(`<script src="${cdn}/a.js"></script>`, { csp });
    expect(notes[1]).toBe("a policy that allows them would be too long: serve these files from the site itself");
  });
});

describe("deploy: the search for blocked origins", () => {
  test("reads only changed files, names each origin once, and skips a release", async () => {
    const page = `<script src="${cdn}/a.js"></script><link rel="stylesheet" href="${cdn}/a.css">`;
    host.write("/srv/site/a/b.html", page);
    expect((await notesOf(page))[0]).toBe(`the content policy blocks ${cdn} (script, style of index.html)`);
    expect((await host.deploy()).notes).toEqual([]);
    host.write("/srv/site/text.txt", "x");
    expect((await host.deploy()).notes).toEqual([]);
    host.write("/srv/site/a/b.html", "changed");
    expect((await host.deploy()).notes).toEqual([]);
    expect((await host.restore())?.notes).toEqual([]);
  });

  test("warns in a dry run, in the JSON and for an archive, and never fails", async () => {
    host.write("/srv/site/index.html", `<script src="${cdn}/a.js"></script>`);
    const warning = `the content policy blocks ${cdn} (script of index.html)`;
    const dry = await typedDeploy(host.root, "/srv/site", "--dry-run");
    expect([dry.exit, dry.err]).toEqual([0, expect.stringContaining(`warning: ${warning}\n`)]);
    expect(Bun.spawnSync(["tar", "-C", `${host.root}/srv/site`, "-cf", `${host.root}/srv/a.tar`, "."]).exitCode).toBe(
      0,
    );
    const { exit, out } = await typedDeploy(host.root, "/srv/a.tar", "--json");
    expect([exit, JSON.parse(out).warnings[0]]).toEqual([0, warning]);
  });

  test("searches a directory while it is copied, and reads an unpacked archive, whose files are not copied", async () => {
    const { search } = host.trees;
    const read: string[] = [];
    Object.assign(host.trees, {
      search: (...given: Parameters<typeof search>) => {
        read.push(...given[0].map((path) => path.replace(/.*\//, "")));
        return search(...given);
      },
    });
    expect(await notesOf(`<script src="${cdn}/a.js"></script>`)).toHaveLength(2);
    expect(read).toEqual([]);
    host.mode("/srv/site/index.html", 0o644);
    host.write("/srv/site/a.css", "@import '//x.test/a.css'");
    const { notes } = await host.deploy({ of: "unpacked" });
    expect(notes[0]).toBe("the content policy blocks http://x.test (style of a.css)");
    expect(read).toEqual(["a.css"]);
  });

  test("skips a file that is copied again although its content is live", async () => {
    expect(await notesOf(`<script src="${cdn}/a.js"></script>`)).toHaveLength(2);
    const live = `${project.root_path}/index.html`;
    const { ino } = host.stat(live);
    host.mode(live, 0o600);
    expect((await host.deploy()).notes).toEqual([]);
    expect(host.stat(live).ino).not.toBe(ino);
  });

  const one = `<script src="${cdn}/a.js"></script>`;
  test.each<[string, [string, string][]]>([
    ["nothing foreign", [["index.html", "<a href='https://x.test'>x</a> // text"]]],
    [
      "a style sheet before the page",
      [
        ["a.css", "@import '//x.test/a.css'"],
        ["index.html", one],
        ["z.css", `@import '${cdn}/z.css'`],
      ],
    ],
    [
      "one origin of several kinds",
      [
        ["a.html", `<img src="http://x.test/a">`],
        ["b.html", `<iframe src=http://x.test>`],
        ["c.css", "a { b: url(http://x.test/f.woff2) }"],
      ],
    ],
    [
      "a tag in the text of a script",
      [["index.html", `<script>a("<img src='http://x.test/a'>"); fetch("//y.test/")</script>${one}`]],
    ],
    [
      "tags after a script without an end",
      [["index.html", `<script>a < b ${one} ${" ".repeat(9000)}<iframe src="//x.test">`]],
    ],
    [
      "an import map with an opening byte",
      [["index.html", '<script type=importmap>{"imports": {"<a": "https://m.test/a.js"}}</script>']],
    ],
    [
      "a needle across two blocks",
      [["index.html", `${" ".repeat(256 * 1024 - 20)}<iframe src="https://x.test/"></iframe>${one}`]],
    ],
  ])("has the same result in a dry run, a deploy and an archive: %s", async (_, files) => {
    for (const [path, content] of [["index.html", "home"], ...files] as [string, string][])
      host.write(`/srv/site/${path}`, content);
    const tar = ["tar", "-C", `${host.root}/srv/site`, "-cf", `${host.root}/srv/a.tar`, "."];
    expect(Bun.spawnSync(tar).exitCode).toBe(0);
    const warnings = async (...given: string[]): Promise<string[]> => {
      const [source = "", ...flags] = given;
      const { exit, out } = await typedDeploy(host.root, source, "--json", ...flags);
      expect(exit).toBe(0);
      return (JSON.parse(out).warnings as string[]).filter((each) => !each.startsWith("left out"));
    };
    const looked = await warnings("/srv/site", "--dry-run");
    expect(await warnings("/srv/a.tar", "--dry-run")).toEqual(looked);
    expect(await warnings("/srv/a.tar")).toEqual(looked);
    rmSync(`${host.root}${project.root_path}`, { recursive: true });
    mkdirSync(`${host.root}${project.root_path}`);
    expect(await warnings("/srv/site")).toEqual(looked);
    expect(looked).toMatchSnapshot();
  });

  test("prints a command that a shell parses correctly, with any characters in the policy", async () => {
    const tag = `<script src="${cdn}/a.js"></script>`;
    const words = async (more: object): Promise<string[]> => {
      const line = ((await notesOf(`${tag}${JSON.stringify(more)}`, more))[1] ?? "").replace(
        /^.*?: sudo edox-ops /,
        "printf '%s\\n' ",
      );
      host.remove("/srv/site/index.html");
      return Bun.spawnSync(["bash", "-c", line]).stdout.toString().split("\n");
    };
    expect(await words({})).toEqual([
      "project",
      "update",
      "demo",
      "--csp",
      expect.stringContaining(` 'self' data: ${cdn};`),
      "",
    ]);
    expect((await words({ csp: "default-src 'self' https://a/`id`!" }))[4]).toContain("https://a/`id`!");
  });

  test("finds matches across the blocks of a large page, and none after its first 4 MiB", async () => {
    const tag = `<script src="${cdn}/a.js"></script>`;
    for (const before of [256 * 1024 - 20, 256 * 1024 - 3, 2 * 256 * 1024 - 40]) {
      const notes = await notesOf(`${" ".repeat(before)}${tag}`);
      expect(notes[0]).toBe(`the content policy blocks ${cdn} (script of index.html)`);
    }
    expect(await notesOf(`${" ".repeat(4 * 2 ** 20)}${tag}`)).toEqual([]);
  });

  test("lists ten origins of a page with many, and stops", async () => {
    const tags = Array.from({ length: 300 }, (_, i) => `<script src="https://h${i}.test/a.js"></script>`);
    const [first = "", ...rest] = await notesOf(tags.join(""));
    expect(first).toContain("https://h9.test (script of index.html) and 40 more");
    expect(first).not.toContain("h10.test");
    expect(rest[0]).toMatch(/^to allow the first \d+ of them, .*https:\/\/h9\.test/);
    expect(rest[0]?.length).toBeLessThan(1000);
    expect(rest.at(-1)).toStartWith("not every page was checked");
  });

  test.each([
    ["tags without an end", "<script "],
    ["scripts without an end", "<script>"],
    ["attributes", "<link rel= "],
    ["one tag of many attributes", " src= "],
    ["import after import", "<script>import import "],
    ["url( without an end", "<style>url("],
    ["slashes", '<img src="//'],
    ["imports of a style sheet", "@import "],
    ["addresses without a tag", "https://x.test "],
    ["links, one after the other", '<a href="//x.test/a">'],
    ["tags that load, one after the other", '<iframe src="//x.test/"><b>'],
  ])("takes no longer for hostile text: %s", async (_, text) => {
    const page = text.repeat(Math.ceil((4 * 2 ** 20) / text.length));
    host.write("/srv/site/hostile.css", page);
    expect(await processorTime(() => notesOf(`<script ${page}`))).toBeLessThan(4);
  });

  test("skips files that cannot be parsed as pages", async () => {
    host.write("/srv/site/link.html", "-> index.html");
    expect(await notesOf("\u0000<script src=//x.test/\u0000>", {}, "bin.html")).toEqual(
      expect.arrayContaining([expect.stringContaining("http://x.test")]),
    );
  });
});

describe("content policy:", () => {
  const allows = (policy: string, kind: Kind, url: string): boolean =>
    new Policy(policy, "http://demo.test/").allows(kind, new URL(url));

  test.each([
    ["", "https://x.test/", true],
    ["default-src 'none'", "https://x.test/", false],
    ["default-src *", "https://x.test/", true],
    ["default-src https:", "https://x.test/", true],
    ["default-src https:", "http://x.test/", false],
    ["default-src http:", "https://x.test/", true],
    ["default-src x.test", "https://x.test/a", true],
    ["default-src X.TEST", "https://x.test/a", true],
    ["default-src *.x.test", "https://a.x.test/", true],
    ["default-src *.x.test", "https://x.test/", false],
    ["default-src https://x.test", "http://x.test/", false],
    ["default-src https://x.test:443", "https://x.test/", true],
    ["default-src https://x.test", "https://x.test:8443/", false],
    ["default-src https://x.test:*", "https://x.test:8443/", true],
    ["default-src https://x.test/a/", "https://x.test/a/b.js", true],
    ["default-src https://x.test/a.js", "https://x.test/b.js", false],
    ["default-src 'self'", "https://demo.test/a.js", true],
    ["script-src 'none'; script-src *", "https://x.test/", false],
    ["style-src 'none'", "https://x.test/", true],
    ["script-src-elem 'none'; script-src *", "https://x.test/", false],
  ])("%s: script %s is %p", (policy, url, expected) => {
    expect(allows(policy, "script", url)).toBe(expected);
  });

  test("with: added sources replace 'none', and a fallback directive is copied", () => {
    const added = new Policy("default-src 'none'; script-src-elem 'none'", "http://demo.test/");
    expect(
      added.with([
        ["script", "https://a.test"],
        ["font", "https://b.test"],
        ["font", "https://b.test"],
      ]),
    ).toBe("default-src 'none'; script-src-elem https://a.test; font-src https://b.test");
  });
});
