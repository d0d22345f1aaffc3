// Compressed files that a deploy writes beside the files of a site.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { backupHealth } from "../../src/sites/deploy/backup-health.ts";
import { plan } from "../../src/sites/deploy/plan.ts";
import { siteTarget } from "../../src/sites/target.ts";
import { SiteHost } from "./site-host.ts";
import { project, TreeHost } from "./tree.ts";
import { typedDeploy } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
const on = { project: { ...project, precompress: true } };
const page = (text: string): string => `${text} `.repeat(500);
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
  host.write("/srv/site/index.html", page("home"));
  host.write("/srv/site/guide/app.js", page("script"));
});
afterEach(() => host[Symbol.dispose]());

const bytes = (path: string): Buffer<ArrayBuffer> => readFileSync(`${host.root}${path}`);
const unzipped = (path: string): string => Buffer.from(Bun.gunzipSync(bytes(path))).toString();
const withBrotli = (): void => host.write("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so", "");
const stamp = (path: string): number => statSync(host.root + path).mtimeMs;
const named = (): string[] => host.list(backups).filter((name) => !name.startsWith("."));

/** Every compressed file beside a file of the live tree has its content, its time and a smaller size. */
function expectFresh(): void {
  for (const path of host.trees.walk(live)) {
    const encoding = /\.(?:gz|br)$/.exec(path.path)?.[0];
    if (encoding === undefined) continue;
    const plain = `${live}/${path.path.slice(0, -3)}`;
    const packed = bytes(`${live}/${path.path}`);
    const content = encoding === ".gz" ? Bun.gunzipSync(packed) : brotliDecompressSync(packed);
    expect([path.path, Buffer.from(content).equals(bytes(plain))]).toEqual([path.path, true]);
    expect(packed.length).toBeLessThan(bytes(plain).length);
    expect([path.path, stamp(`${live}/${path.path}`)]).toEqual([path.path, Math.floor(stamp(plain) / 1000) * 1000]);
  }
}

describe("precompress: a deploy", () => {
  test("compresses text over 1 kB that shrinks, with the time of its file, and counts only the files of the source", async () => {
    host.write("/srv/site/small.css", "a".repeat(1024));
    host.write("/srv/site/random.txt", "");
    writeFileSync(`${host.root}/srv/site/random.txt`, crypto.getRandomValues(new Uint8Array(4096)));
    host.write("/srv/site/photo.png", page("no text"));
    host.write("/srv/site/LOUD.HTML", page("loud"));
    host.write("/srv/site/link.html", "-> index.html");
    const done = await host.deploy(on);
    expect([done.files, done.changed]).toEqual([6, 7]);
    expect(done.names.added.filter((path) => path.endsWith(".gz"))).toEqual([]);
    const names = ["LOUD.HTML", "LOUD.HTML.gz", "guide", "index.html", "index.html.gz"];
    expect(host.list(live)).toEqual([...names, "link.html", "photo.png", "random.txt", "small.css"]);
    expect(host.list(`${live}/guide`)).toEqual(["app.js", "app.js.gz"]);
    expect(unzipped(`${live}/guide/app.js.gz`)).toBe(page("script"));
    expect(stamp(`${live}/index.html.gz`)).toBe(stamp(`${live}/index.html`));
    expect(host.stat(`${live}/index.html.gz`).mode & 0o777).toBe(0o444);
  });

  test("does nothing if it did the same before, also without a file that shrinks", async () => {
    await host.deploy(on);
    for (let i = 0; i < 2; i++) expect(await host.deploy(on)).toMatchObject({ replaced: false, changed: 0 });
    host.remove("/srv/site/guide");
    writeFileSync(`${host.root}/srv/site/index.html`, crypto.getRandomValues(new Uint8Array(4096)));
    await host.deploy(on);
    expect(host.list(live)).toEqual(["index.html"]);
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
  });

  test("shares the compressed files of unchanged files with the last release, and compresses only changed ones", async () => {
    await host.deploy(on);
    for (let i = 0; i < 9; i++) {
      const before = host.stat(`${live}/guide/app.js.gz`);
      host.write("/srv/site/index.html", page(`version ${i}`));
      expect(await host.deploy(on)).toMatchObject({ changed: 1, files: 2, names: { added: [], removed: [] } });
      expect(host.stat(`${live}/guide/app.js.gz`).ino).toBe(before.ino);
      expect(unzipped(`${live}/index.html.gz`)).toBe(page(`version ${i}`));
      expectFresh();
    }
  });

  test("never keeps one beside a file that changed, was removed, or no longer shrinks, with the same size and time", async () => {
    const old = new Date("2020-01-01");
    await host.deploy(on);
    const before = [stamp(`${live}/index.html.gz`), bytes(`${live}/index.html.gz`).length];
    host.write("/srv/site/index.html", page("hime"));
    utimesSync(`${host.root}/srv/site/index.html`, old, old);
    await host.deploy(on);
    const after = [stamp(`${live}/index.html.gz`), bytes(`${live}/index.html.gz`).length];
    // nginx makes the ETag of these two.
    expect(after).not.toEqual(before);
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("hime"));
    host.remove("/srv/site/guide/app.js");
    host.write("/srv/site/guide/other.js", "x");
    host.write("/srv/site/index.html", "short");
    expect((await host.deploy(on)).names).toMatchObject({ removed: ["guide/app.js"] });
    expect(host.list(live)).toEqual(["guide", "index.html"]);
    expect(host.list(`${live}/guide`)).toEqual(["other.js"]);
  });

  test("compresses or removes all of them once the record changes, and makes no backup of the same files", async () => {
    await host.deploy();
    expect(host.list(live)).toEqual(["guide", "index.html"]);
    const before = host.stat(`${live}/index.html`);
    expect(await host.deploy(on)).toMatchObject({ changed: 0, replaced: true, backup: null });
    expect(host.list(live)).toEqual(["guide", "index.html", "index.html.gz"]);
    expect(host.stat(`${live}/index.html`).ino).toBe(before.ino);
    expect(await host.deploy()).toMatchObject({ changed: 0, replaced: true, backup: null });
    expect(host.list(`${live}/guide`)).toEqual(["app.js"]);
    expect(await host.deploy()).toMatchObject({ replaced: false });
    expect(named()).toEqual([]);
  });

  test("adds brotli files where nginx has the module, and removes them where it no longer has", async () => {
    await host.deploy(on);
    withBrotli();
    expect(await host.deploy(on)).toMatchObject({ replaced: true, changed: 0 });
    expect(host.list(live)).toEqual(["guide", "index.html", "index.html.br", "index.html.gz"]);
    expect(bytes(`${live}/index.html.br`).length).toBeLessThan(bytes(`${live}/index.html.gz`).length);
    expectFresh();
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
    host.remove("/usr/lib/nginx");
    await host.deploy(on);
    expect(host.list(live)).toEqual(["guide", "index.html", "index.html.gz"]);
  });

  test("publishes the compressed file of the source in place of its own, and its own once the source has none", async () => {
    await host.deploy(on);
    const theirs = Bun.gzipSync(page("home"), { level: 1 });
    writeFileSync(`${host.root}/srv/site/index.html.gz`, theirs);
    expect((await host.deploy(on)).names).toEqual({ added: ["index.html.gz"], changed: [], removed: [] });
    expect(bytes(`${live}/index.html.gz`).equals(Buffer.from(theirs))).toBe(true);
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
    // A stale one is left out, and the deploy makes one that matches.
    writeFileSync(`${host.root}/srv/site/index.html.gz`, Bun.gzipSync("old"));
    const { notes, names } = await host.deploy(on);
    expect(notes).toEqual([expect.stringContaining("1 file: index.html.gz")]);
    expect(names).toMatchObject({ removed: ["index.html.gz"] });
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("home"));
    host.remove("/srv/site/index.html.gz");
    expect(await host.deploy(on)).toMatchObject({ replaced: false, notes: [] });
  });

  test("leaves out a brotli file of the source that does not match the file beside it", async () => {
    for (const [name, content] of Object.entries({ good: "text", stale: "other", damaged: null })) {
      host.write(`/srv/site/${name}.css`, "text");
      writeFileSync(`${host.root}/srv/site/${name}.css.br`, content === null ? "text" : brotliCompressSync(content));
    }
    expect((await host.deploy()).notes).toEqual([expect.stringContaining("2 files: damaged.css.br, stale.css.br")]);
    expect(host.list(live)).toContain("good.css.br");
    expect(host.list(live)).not.toContain("stale.css.br");
  });

  test("makes a compressed file anew that was removed, edited or planted in the live tree", async () => {
    await host.deploy(on);
    host.remove(`${live}/index.html.gz`);
    host.write(`${live}/index.html.gz`, "edited");
    host.write("/srv/site/guide/app.js", page("two"));
    await host.deploy(on);
    expectFresh();
    expect(host.list(live)).toContain("index.html.gz");
  });

  test("trusts no compressed file in a tree that it did not make, with any mode and time", async () => {
    await host.deploy();
    const { mtime } = host.stat(`${live}/index.html`);
    writeFileSync(`${host.root}${live}/index.html.gz`, Bun.gzipSync("planted"));
    host.mode(`${live}/index.html.gz`, 0o444);
    utimesSync(`${host.root}${live}/index.html.gz`, mtime, mtime);
    await host.deploy(on);
    expectFresh();
    expect(host.list(live)).toContain("index.html.gz");
  });

  test("removes a compressed file in an encoding that it did not write, with any mode and time", async () => {
    await host.deploy(on);
    const planted = `${live}/guide/app.js.br`;
    const { mtime } = host.stat(`${live}/guide/app.js`);
    writeFileSync(host.root + planted, brotliCompressSync("planted"));
    host.mode(planted, 0o444);
    utimesSync(host.root + planted, mtime, mtime);
    expect(await host.deploy(on)).toMatchObject({ replaced: true });
    expect(host.list(`${live}/guide`)).toEqual(["app.js", "app.js.gz"]);
  });

  test("writes no brotli file as large as the gzip file, so that their ETags differ", async () => {
    host.write(`${live}/index.html`, page("home"));
    const brotli = brotliCompressSync(page("home"), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length;
    const write = async (gzipBytes: number): Promise<string[]> => {
      writeFileSync(`${host.root}${live}/index.html.gz`, "x".repeat(gzipBytes));
      await host.trees.compress([`${live}/index.html.br`], { mode: 0o444, uid: host.host.uid, gid: host.host.uid });
      return host.list(live);
    };
    expect(await write(brotli)).toEqual(["index.html", "index.html.gz"]);
    expect(await write(brotli + 1)).toEqual(["index.html", "index.html.br", "index.html.gz"]);
  });

  test("leaves names alone that have no room for the ending, and names that the source has", async () => {
    const [fits, long] = [`${"a".repeat(247)}.html`, `${"b".repeat(248)}.html`];
    for (const name of [fits, long]) host.write(`/srv/site/${name}`, page("name"));
    host.write("/srv/site/index.html.gz/inner", "a directory");
    await host.deploy(on);
    expect(host.list(live)).toEqual([fits, `${fits}.gz`, long, "guide", "index.html", "index.html.gz"]);
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
  });

  test("compresses what it unpacks from an archive, once", async () => {
    host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: on.project }));
    host.mode("/etc/edox-ops/projects.json", 0o600);
    const tar = Bun.spawnSync(["tar", "-C", `${host.root}/srv/site`, "-cf", `${host.root}/srv/site.tar`, "."]);
    expect(tar.exitCode).toBe(0);
    expect((await typedDeploy(host.root, "/srv/site.tar")).exit).toBe(0);
    expect(host.list(live)).toEqual(["guide", "index.html", "index.html.gz"]);
    expectFresh();
    expect((await typedDeploy(host.root, "/srv/site.tar", "--check")).exit).toBe(0);
  });

  test("is shown by a dry run, which lists no compressed file", async () => {
    await host.deploy();
    host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: on.project }));
    host.mode("/etc/edox-ops/projects.json", 0o600);
    const { exit, out } = await typedDeploy(host.root, "/srv/site", "--check", "--diff");
    expect([exit, out]).toEqual([3, expect.stringContaining("0 added, 0 changed, 0 removed, of 2 files")]);
    expect(out).toContain("Would write or remove compressed files beside unchanged ones");
    expect(out).not.toContain(".gz");
  });
});

describe("precompress: a release", () => {
  const restored = async (more: object) => {
    const { host: h } = host;
    const { restoreRequest } = await import("../../src/sites/deploy/requests.ts");
    const choices = { keep: 5, backup: true, allowEmpty: false, asks: false, again: [], dryRun: false };
    const request = await restoreRequest(h, host.trees, { project: { ...project, ...more }, typed: null, choices });
    if (request === null) throw new Error("nothing to restore");
    return host.run(request);
  };

  test("is restored with its compressed files, reports none of them, and is not compressed again", async () => {
    await host.deploy(on);
    const before = host.stat(`${live}/index.html.gz`);
    host.write("/srv/site/index.html", page("two"));
    await host.deploy(on);
    const { names, notes } = await restored({ precompress: true });
    expect([names, notes]).toEqual([{ added: [], changed: ["index.html"], removed: [] }, []]);
    expect(host.stat(`${live}/index.html.gz`).ino).toBe(before.ino);
    expectFresh();
    const again = await host.deploy(on);
    expect(again.names).toEqual({ added: [], changed: ["index.html"], removed: [] });
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("two"));
  });

  test("from before the setting is compressed when it is restored, and one from after it loses the files without it", async () => {
    await host.deploy();
    host.write("/srv/site/index.html", page("two"));
    await host.deploy(on);
    await restored({ precompress: true });
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("home"));
    expectFresh();
    host.write("/srv/site/index.html", page("three"));
    await host.deploy(on);
    const { names } = await restored({});
    expect(names).toEqual({ added: [], changed: ["index.html"], removed: [] });
    expect(host.list(live)).toEqual(["guide", "index.html"]);
  });

  test("of a killed deploy leaves nothing behind, and the next deploy is complete", async () => {
    await host.deploy(on);
    host.write("/srv/site/index.html", page("two"));
    const stopped = host.deploy({ ...on, pause: async ({ phase }) => Promise.reject(new Error(phase)) });
    expect(await stopped.catch(({ message }) => message)).toBe("read");
    const late = host.deploy({
      ...on,
      pause: async ({ phase }) => (phase === "staged" ? Promise.reject(new Error(phase)) : undefined),
    });
    expect(await late.catch(({ message }) => message)).toBe("staged");
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("home"));
    expect(await host.deploy(on)).toMatchObject({ changed: 1 });
    expectFresh();
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
  });

  test("is replaced file by file where no exchange is possible, and never has an old compressed file beside a new one", async () => {
    await host.deploy(on);
    host.write("/srv/site/index.html", page("two"));
    const { move } = host.trees;
    Object.assign(host.trees, {
      exchange: () => false,
      move(from: string, to: string) {
        move(from, to);
        if (to.startsWith("/proc/") || to.startsWith(live)) expectFresh();
      },
    });
    expect((await host.deploy(on)).notes).toEqual([expect.stringContaining("replaced one by one")]);
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("two"));
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
  });

  test("is replaced file by file, and never has a former download in place of a new page", async () => {
    host.write("/srv/site/manual.txt.gz", "");
    writeFileSync(`${host.root}/srv/site/manual.txt.gz`, Bun.gzipSync("a download"));
    await host.deploy();
    host.write("/srv/site/manual.txt", page("new"));
    host.remove("/srv/site/manual.txt.gz");
    const { move } = host.trees;
    Object.assign(host.trees, {
      exchange: () => false,
      move(from: string, to: string) {
        move(from, to);
        if (to.endsWith("/manual.txt")) expect(host.list(live)).not.toContain("manual.txt.gz");
      },
    });
    expect((await host.deploy()).notes).toEqual([expect.stringContaining("replaced one by one")]);
    expect(host.list(live)).toEqual(["guide", "index.html", "manual.txt"]);
    expect.assertions(3);
  });

  test("is replaced file by file with a directory that has the name of a compressed file", async () => {
    host.write("/srv/site/index.html.gz/inner/page.html", page("one"));
    await host.deploy(on);
    host.write("/srv/site/index.html.gz/inner/page.html", page("two"));
    Object.assign(host.trees, { exchange: () => false });
    await host.deploy(on);
    expect(unzipped(`${live}/index.html.gz/inner/page.html.gz`)).toBe(page("two"));
    expect(await host.deploy(on)).toMatchObject({ replaced: false });
  });

  test("has no edited backup, no kept asset and no backup of its own because of compressed files", async () => {
    host.write("/srv/site/assets/bundle.83f73b43.min.js", page("hashed"));
    await host.deploy(on);
    host.remove("/srv/site/assets");
    const { assets } = await host.deploy(on);
    expect(assets.map(({ path }) => path)).toEqual(["assets/bundle.83f73b43.min.js"]);
    expect(backupHealth(host.host, host.trees, project)).toMatchObject({ changed: null, unread: [] });
    expect(named()).toHaveLength(1);
  });

  test("is forgotten together with its tree", async () => {
    for (let i = 0; i < 5; i++) {
      host.write("/srv/site/index.html", page(`version ${i}`));
      await host.deploy({ ...on, keep: 1 });
    }
    const recorded = bytes(`${backups}/.compressed`).toString().split("\n").filter(Boolean);
    // The next deploy is recorded before the oldest backup is pruned.
    expect(recorded.length).toBeLessThanOrEqual(named().length + 2);
  });

  test("is refused before anything is written if the disk has no room for the compressed files", async () => {
    await host.deploy();
    const { room } = host.trees;
    Object.assign(host.trees, { room: (path: string) => ({ ...room(path), bytes: 4096 }) });
    expect(await host.deploy(on).catch(({ code }) => code)).toBe("no-space");
    expect(host.list(live)).toEqual(["guide", "index.html"]);
  });

  test("of many files is the same with two threads, and a full disk leaves the live one", async () => {
    for (let i = 0; i < 200; i++) host.write(`/srv/site/many/${i}.html`, page(`page ${i}`));
    await host.deploy(on);
    expect(host.list(`${live}/many`)).toHaveLength(400);
    expectFresh();
    const target = siteTarget(project);
    const request = {
      ...on,
      target,
      base: null,
      dir: "/srv/site",
      name: "",
      live,
      of: "others" as const,
      probe: null,
      again: [],
    };
    const planned = await plan(host.host, host.trees, { ...request, keep: 5, backup: true, allowEmpty: false });
    expect([planned.added, planned.removed, planned.compression.isDue]).toEqual([[], [], false]);
    const { compress } = host.trees;
    host.write("/srv/site/index.html", page("two"));
    Object.assign(host.trees, { compress: async () => Promise.reject(new Error("ENOSPC: no space left on device")) });
    expect(await host.deploy(on).catch(({ message }) => message)).toContain("ENOSPC");
    Object.assign(host.trees, { compress });
    expect(unzipped(`${live}/index.html.gz`)).toBe(page("home"));
    await host.deploy(on);
    expectFresh();
  });
});

test("precompress: publish and update set the record, and the next deploy applies it", async () => {
  using site = await SiteHost.bootstrapped();
  site.disk.write("/srv/new/index.html", page("new"));
  const record = async (): Promise<unknown> => JSON.parse((await site.type("project show new --json")).out).projects[0];
  const publish = "project publish new --domain new.example.org --source /srv/new --precompress";
  for (let i = 0; i < 2; i++) expect(await site.type(publish)).toMatchObject({ exit: 0, err: "" });
  expect(await record()).toMatchObject({ precompress: true });
  expect(site.disk.list("/var/www/docs/new")).toEqual(["index.html", "index.html.gz"]);
  expect((await site.type("project deploy new --source /srv/new --check")).exit).toBe(0);
  const { out } = await site.type("project update new --no-precompress");
  expect(out).toEndWith("Updated project new. The next deploy writes or removes the compressed files.\n");
  expect(await record()).toMatchObject({ precompress: false });
  expect((await site.type("project deploy new --source /srv/new --check")).exit).toBe(3);
  expect((await site.type("project deploy new --source /srv/new")).exit).toBe(0);
  expect(site.disk.list("/var/www/docs/new")).toEqual(["index.html"]);
  expect((await site.type("project update new --precompress --no-precompress")).exit).toBe(2);
  expect((await site.type("project add more --domain more.example.org --precompress")).exit).toBe(0);
});
