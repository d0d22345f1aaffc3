// Deploys on a real file system, in a temporary directory.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  lchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { type Block, Packed } from "../../src/host/listing.ts";
import { type Status, statusAt } from "../../src/host/local-libc.ts";
import type { Progress } from "../../src/sites/deploy/plan.ts";
import { openAbove, readWorkingFile, secureBackups, stampName } from "../../src/sites/deploy/releases.ts";
import { openSource } from "../../src/sites/source/source-path.ts";
import { siteTarget } from "../../src/sites/target.ts";
import { project, TreeHost } from "./tree.ts";
import { typedDeploy } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
const kept = [".digests", ".last-stamp", ".spare"];
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

const named = () => host.list(backups).filter((name) => !name.startsWith("."));
const refusal = (more = {}): Promise<string> =>
  host.deploy(more).then(
    () => "it was deployed",
    (error) => error.message,
  );

test("deploy: a tree in a nested directory is replaced and backed up, and a missing directory has init as its hint", async () => {
  const nested = { ...project, root_path: "/var/www/docs/team/docs.example.org" };
  const above = () => openAbove(host.trees, siteTarget(nested), host.host.uid);
  expect(above).toThrow("/var/www/docs/team is missing");
  host.write("/var/www/docs/team/other", "");
  const deployed = async () => {
    const { live, close } = above();
    return host.deploy({ project: nested, live, letGo: close });
  };
  await deployed();
  host.write("/srv/site/index.html", "two");
  const { backup } = await deployed();
  expect(host.text(`${nested.root_path}/index.html`)).toBe("two");
  expect(host.text(`${backup}/index.html`)).toBe("home");
  expect(host.list("/var/www/docs/team")).toEqual(["docs.example.org", "other"]);
});

describe("deploy: files that nginx will not serve", () => {
  const notes = async (...paths: string[]): Promise<string[]> => {
    for (const path of paths) host.write(`/srv/site/${path}`, "x");
    return (await host.deploy()).notes;
  };

  test("are reported by their number and the first few names, each time", async () => {
    const expected = ["nginx will not serve 5 files: .travis.yml, .github/a, .github/b and 2 more"];
    expect(await notes(".github/a", ".github/b", ".travis.yml", "guide/a.BAK", "guide/prod.env")).toEqual(expected);
    expect(host.text(`${live}/guide/prod.env`)).toBe("x");
    expect((await host.deploy()).notes).toEqual(expected);
  });

  test("are reported by name if there is one, symlinks included", async () => {
    expect(await notes("guide/repo.git")).toEqual(["nginx will not serve 1 file: guide/repo.git"]);
    host.remove("/srv/site/guide/repo.git");
    host.write("/srv/site/a.old", "-> index.html");
    expect((await host.deploy()).notes).toEqual(["nginx will not serve 1 file: a.old"]);
  });

  test("do not include .well-known, pages with such an address, folders, or markers of generators", async () => {
    const served = [".well-known/security.txt", "guide/import.meta.env.html", "repo.git/index.html", "a.b/env", "old"];
    expect(await notes(...served, ".nojekyll", ".buildinfo", ".doctrees/a/b.doctree", "a/.gitkeep")).toEqual([]);
  });

  test("are also reported by a dry run and by a restore", async () => {
    host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: project }));
    host.mode("/etc/edox-ops/projects.json", 0o600);
    await notes("a.bak");
    const warning = "warning: nginx will not serve 1 file: a.bak\n";
    expect((await typedDeploy(host.root, "/srv/site", "--dry-run")).err).toBe(warning);
    host.write("/srv/site/index.html", "two");
    await host.deploy();
    expect((await host.restore())?.notes).toEqual(["nginx will not serve 1 file: a.bak"]);
  });
});

describe("deploy: a gzip file beside the file that nginx sends it for", () => {
  const gzip = (path: string, content: string | Uint8Array): void =>
    writeFileSync(`${host.root}/srv/site/${path}`, typeof content === "string" ? Bun.gzipSync(content) : content);
  const leftOut = (what: string): string =>
    `left out, since nginx would send it for the file beside it, which has another content: ${what}`;
  const old = new Date("2020-01-01");

  test("is published if it has the same content, however old it is", async () => {
    host.write("/srv/site/app.js", "same");
    gzip("app.js.gz", "same");
    host.write("/srv/site/empty.txt", "");
    gzip("empty.txt.gz", "");
    utimesSync(`${host.root}/srv/site/app.js.gz`, old, old);
    expect((await host.deploy()).notes).toEqual([]);
    expect(host.list(live)).toEqual(["app.js", "app.js.gz", "empty.txt", "empty.txt.gz", "index.html"]);
  });

  test("is left out with a warning if that file differs, however new it is", async () => {
    host.write("/srv/site/assets/app.js", "new");
    gzip("assets/app.js.gz", "old");
    host.write("/srv/site/assets/long.js", "longer than before");
    gzip("assets/long.js.gz", "before");
    utimesSync(`${host.root}/srv/site/assets/app.js`, old, old);
    expect((await host.deploy()).notes).toEqual([leftOut("2 files: assets/app.js.gz, assets/long.js.gz")]);
    expect(host.list(`${live}/assets`)).toEqual(["app.js", "long.js"]);
    expect(await host.deploy()).toMatchObject({ changed: 0, files: 3 });
    gzip("assets/app.js.gz", "new");
    expect((await host.deploy()).notes).toEqual([leftOut("1 file: assets/long.js.gz")]);
    expect(host.list(`${live}/assets`)).toEqual(["app.js", "app.js.gz", "long.js"]);
  });

  test("is removed from the site by the next deploy if only that file changed", async () => {
    host.write("/srv/site/only/page.html", "one");
    gzip("only/page.html.gz", "one");
    await host.deploy();
    host.write("/srv/site/only/page.html", "two");
    expect(await host.deploy()).toMatchObject({ changed: 2, notes: [leftOut("1 file: only/page.html.gz")] });
    expect(host.list(`${live}/only`)).toEqual(["page.html"]);
  });

  test("is left out if it is no gzip file, is truncated, or is a symlink to another file's", async () => {
    host.write("/srv/site/a.css", "a");
    host.write("/srv/site/a.css.gz", "text that is no gzip file, and long enough to be one");
    host.write("/srv/site/b.css", "b");
    gzip("b.css.gz", Bun.gzipSync("b").subarray(0, 15));
    host.write("/srv/site/c.css", "-> a.css");
    host.write("/srv/site/c.css.gz", "-> d.css.gz");
    host.write("/srv/site/d.css", "d");
    gzip("d.css.gz", "d");
    expect((await host.deploy()).notes).toEqual([leftOut("3 files: a.css.gz, b.css.gz, c.css.gz")]);
    expect(host.list(live)).toEqual(["a.css", "b.css", "c.css", "d.css", "d.css.gz", "index.html"]);
  });

  test("is an ordinary download if there is no such file", async () => {
    gzip("data.tar.gz", "data");
    host.write("/srv/site/folder/index.html", "x");
    gzip("folder.gz", "folder");
    host.write("/srv/site/none.gz", "-> nothing");
    expect((await host.deploy()).notes).toEqual([]);
    expect(host.list(live)).toEqual(["data.tar.gz", "folder", "folder.gz", "index.html", "none.gz"]);
  });

  test("is also left out of an archive", async () => {
    host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: project }));
    host.mode("/etc/edox-ops/projects.json", 0o600);
    mkdirSync(`${host.root}/var/log`);
    host.write("/srv/site/app.js", "new");
    gzip("app.js.gz", "old");
    expect(Bun.spawnSync(["tar", "-C", `${host.root}/srv/site`, "-cf", `${host.root}/srv/a.tar`, "."]).exitCode).toBe(
      0,
    );
    expect(await typedDeploy(host.root, "/srv/a.tar")).toMatchObject({
      exit: 0,
      err: `warning: ${leftOut("1 file: app.js.gz")}\n`,
    });
    expect(host.list(live)).toEqual(["app.js", "index.html"]);
  });
});

describe("deploy: an unchanged file is not written again", () => {
  test("it keeps inode, time and ETag, and a changed file gets a later second than any before", async () => {
    host.write("/srv/site/a/same.css", "same");
    await host.deploy();
    const before = [host.stat(`${live}/a/same.css`), host.stat(`${live}/index.html`)] as const;
    host.write("/srv/site/index.html", "new!");
    host.write("/srv/site/a/same.css", "same");
    host.ahead = -3_600_000;
    const { files, changed, bytes } = await host.deploy();
    const after = [host.stat(`${live}/a/same.css`), host.stat(`${live}/index.html`)] as const;
    expect([after[0].ino, after[0].mtimeMs]).toEqual([before[0].ino, before[0].mtimeMs]);
    expect(after[1].ino).not.toBe(before[1].ino);
    expect(after[1].mtimeMs).toBe(before[1].mtimeMs + 1000);
    expect({ files, changed, bytes }).toEqual({ files: 2, changed: 1, bytes: 4 });
    expect(host.text(`${live}/index.html`)).toBe("new!");
  });

  test("a deploy without changes does nothing, and prunes no backup", async () => {
    await host.deploy();
    const { ino } = host.stat(live);
    expect(await host.deploy()).toMatchObject({ files: 1, changed: 0, backup: null });
    expect(host.stat(live).ino).toBe(ino);
  });

  test("a deploy without changes still fails if the site is not served", async () => {
    await host.deploy();
    const probe = async () => ({ reason: "nginx is not running", hint: ["sudo", "systemctl", "start", "nginx"] });
    expect(await refusal({ probe })).toBe("nginx is not running; nothing was changed");
    expect(await host.deploy({ probe: async () => null })).toMatchObject({ changed: 0 });
  });

  test("a backup is the previous tree, and takes no space", async () => {
    await host.deploy();
    const { ino } = host.stat(live);
    host.write("/srv/site/index.html", "two");
    const { backup } = await host.deploy();
    expect(backup).toStartWith(`${backups}/`);
    expect(host.stat(backup as string).ino).toBe(ino);
    expect(host.text(`${backup}/index.html`)).toBe("home");
  });

  test("a file that another user owned, or that all may write, is written again", async () => {
    await host.deploy();
    host.mode(`${live}/index.html`, 0o666);
    await host.deploy();
    expect(host.stat(`${live}/index.html`).mode & 0o777).toBe(0o644);
  });
});

describe("deploy: the digests of the live files are only a cache:", () => {
  const path = `${backups}/.digests`;
  /** A live tree whose files were compared once. */
  async function compared(): Promise<void> {
    host.write("/srv/site/large.bin", "x".repeat(600_000));
    host.write("/srv/site/page.html", "page");
    for (const content of ["one", "two", "six"]) {
      host.write("/srv/site/index.html", content);
      await host.deploy();
    }
  }
  const same = (): boolean => Bun.spawnSync(["diff", "-r", `${host.root}/srv/site`, host.root + live]).success;
  /** Returns the live files that the next deploy reads. */
  async function read(): Promise<string[]> {
    const { same } = host.trees;
    const found: string[] = [];
    Object.assign(host.trees, {
      same: (a: string, b: string) => {
        found.push(b.slice(b.indexOf("demo/") + "demo/".length));
        return same(a, b);
      },
    });
    await host.deploy();
    Object.assign(host.trees, { same });
    return found;
  }

  test("only files of the last deploy are read, and every change is detected", async () => {
    await compared();
    expect(await read()).toEqual(["index.html"]);
    expect(await read()).toEqual([]);
    host.write("/srv/site/large.bin", `${"x".repeat(599_999)}y`);
    host.write("/srv/site/page.html", "game");
    expect(await host.deploy()).toMatchObject({ changed: 2 });
    expect(same()).toBe(true);
  });

  test("a modified live file and a replaced live tree are read", async () => {
    await compared();
    host.write(`${live}/page.html`, "evil");
    expect(await read()).toContain("page.html");
    expect(same()).toBe(true);
    host.trees.move(live, `${live}.away`);
    Bun.spawnSync(["cp", "-al", `${host.root}${live}.away`, host.root + live]);
    expect(await read()).toContain("page.html");
  });

  test("a failed write is reported, and the site is live", async () => {
    await compared();
    Object.assign(host.host, {
      writeFile: (name: string) => {
        if (name.endsWith(".digests")) throw new Error("ENOSPC: no space left on device");
      },
    });
    host.write("/srv/site/page.html", "game");
    expect(await host.deploy()).toMatchObject({
      changed: 1,
      notes: [expect.stringContaining("no space left on device")],
    });
    expect(same()).toBe(true);
    expect(await host.deploy()).toMatchObject({
      changed: 0,
      notes: [expect.stringContaining("no space left on device")],
    });
  });

  test("a damaged cache is ignored", async () => {
    await compared();
    const whole = readFileSync(host.root + path);
    const flipped = Buffer.from(whole);
    flipped[whole.length - 1] = (whole.at(-1) ?? 0) ^ 1;
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(56), Buffer.alloc(5000, 7), whole.subarray(0, -40), flipped]) {
      writeFileSync(host.root + path, bytes);
      host.write("/srv/site/page.html", String(bytes.length).padStart(4));
      expect(await read()).toContain("large.bin");
      expect(same()).toBe(true);
    }
  });
});

describe("backups:", () => {
  test("the first deploy into an empty tree makes none, two in one second make two, and five are kept", async () => {
    expect((await host.deploy()).backup).toBeNull();
    const made: (string | null)[] = [];
    for (let i = 0; i < 7; i++) {
      host.write("/srv/site/index.html", `${i}`);
      made.push((await host.deploy()).backup);
    }
    expect(new Set(made).size).toBe(7);
    expect(named().map((name) => `${backups}/${name}`)).toEqual(made.slice(2) as string[]);
    expect(host.list(backups).filter((name) => name.startsWith(".") && !kept.includes(name))).toEqual([]);
  });

  test("other users cannot read them, nor can the group read the digests", async () => {
    await host.deploy();
    host.write("/srv/site/index.html", "two");
    await host.deploy();
    const modes = ["", "/demo/.digests", "/demo/.last-stamp"].map((path) => {
      return host.stat(`/var/www/docs/.edox-ops-backups${path}`).mode & 0o7777;
    });
    expect(modes).toEqual([0o750, 0o600, 0o600]);
  });

  test("--no-backup makes none", async () => {
    await host.deploy();
    host.write("/srv/site/index.html", "two");
    expect((await host.deploy({ backup: false })).backup).toBeNull();
    expect(host.list(backups)).toEqual(kept.slice(0, 2));
  });

  test("a restored one keeps the inodes and times of its files, and a second restore undoes the first", async () => {
    await host.deploy();
    const first = host.stat(`${live}/index.html`);
    host.write("/srv/site/index.html", "two");
    const { backup } = await host.deploy();
    const { backup: undo } = await host.deploy({ dir: backup as string, of: "release" });
    expect(host.text(`${live}/index.html`)).toBe("home");
    expect([host.stat(`${live}/index.html`).ino, host.stat(`${live}/index.html`).mtimeMs]).toEqual([
      first.ino,
      first.mtimeMs,
    ]);
    await host.deploy({ dir: undo as string, of: "release" });
    expect(host.text(`${live}/index.html`)).toBe("two");
    expect(named().length).toBe(3);
  });
});

describe("deploy: the new tree is built from the spare tree, which was pruned last:", () => {
  const spare = `${backups}/.spare`;
  const all = (dir: string) => [...host.trees.walk(dir)].map(({ path, type, inode }) => ({ path, type, inode }));
  const same = (): boolean => Bun.spawnSync(["diff", "-r", `${host.root}/srv/site`, host.root + live]).success;
  beforeEach(async () => {
    host.write("/srv/site/same/page.html", "page");
    host.write("/srv/site/to-folder", "x");
    host.write("/srv/site/to-file/deep/x", "x");
    host.write("/srv/site/to-link/x", "x");
    host.write("/srv/site/old/deep/x", "x");
    for (const content of ["one", "two", "six"]) {
      host.write("/srv/site/index.html", content);
      await host.deploy({ keep: 1 });
    }
    for (const path of ["to-folder", "to-file", "to-link", "old"]) host.remove(`/srv/site/${path}`);
    host.write("/srv/site/to-folder/x", "x");
    host.write("/srv/site/to-file", "x");
    host.write("/srv/site/to-link", "-> same");
  });

  test("nothing remains in it that is missing in the source", async () => {
    const { ino } = host.stat(spare);
    const [before, page] = [host.stat(`${live}/same/page.html`).ino, host.stat(`${spare}/same`).ino];
    const { backup } = await host.deploy({ keep: 1 });
    expect(same()).toBe(true);
    expect([host.stat(live).ino, host.stat(`${live}/same`).ino]).toEqual([ino, page]);
    expect(host.stat(`${live}/same/page.html`).ino).toBe(before);
    expect(host.text(`${backup}/old/deep/x`)).toBe("x");
    expect(named()).toHaveLength(1);
  });

  test("foreign files, folders, symlinks and modes in it do not reach the new tree", async () => {
    host.write("/srv/secret/page.html", "secret");
    host.remove(`${spare}/same`);
    host.write(`${spare}/same`, "-> /srv/secret");
    host.write(`${spare}/to-folder.more/x`, "x");
    host.mode(`${spare}/old`, 0o777);
    host.write("/srv/site/old/deep/x", "x");
    const { ino } = host.stat(`${spare}/old`);
    // The inode of an open directory is not reused.
    const old = openSync(`${host.root}${spare}/old`, "r");
    await host.deploy({ keep: 1 });
    closeSync(old);
    expect(same()).toBe(true);
    expect(host.text("/srv/secret/page.html")).toBe("secret");
    expect(host.stat(`${live}/old`).ino).not.toBe(ino);
    expect(host.stat(`${live}/old`).mode & 0o777).toBe(0o755);
  });

  test("it is not used if another user could write to it, or if there is none", async () => {
    host.mode(spare, 0o775);
    const { ino } = host.stat(spare);
    await host.deploy({ keep: 1 });
    expect(same()).toBe(true);
    expect(host.stat(live).ino).not.toBe(ino);
    host.remove(spare);
    host.write("/srv/site/index.html", "ten");
    await host.deploy({ keep: 1 });
    expect(same()).toBe(true);
  });

  test("it is removed to make room", async () => {
    Object.assign(host.trees, {
      room: () => ({ bytes: all(backups).some(({ path }) => path === ".spare") ? 0 : 1e9, inodes: 99, block: 4096 }),
    });
    await host.deploy({ keep: 1 });
    expect(same()).toBe(true);
  });
});

describe("deploy: rejected by name, and nothing is changed:", () => {
  const cases: [string, (host: TreeHost) => void, string][] = [
    ["an empty source", (h) => h.remove("/srv/site/index.html"), "/srv/site is empty"],
    [
      "a source without a page",
      (h) => [h.remove("/srv/site/index.html"), h.write("/srv/site/a", "a")],
      "has no index.html",
    ],
    [
      "a source whose page is a dangling symlink",
      (h) => [h.remove("/srv/site/index.html"), h.write("/srv/site/index.html", "-> none.html")],
      "has no index.html",
    ],
    [
      "a source whose page is a symlink to a directory",
      (h) => {
        h.remove("/srv/site/index.html");
        h.write("/srv/site/v1/a.html", "a");
        h.write("/srv/site/index.html", "-> v1");
      },
      "has no index.html",
    ],
    [
      "an absolute symlink",
      (h) => h.write("/srv/site/pw.txt", "-> /etc/passwd"),
      "/srv/site/pw.txt is a link to /etc/passwd",
    ],
    [
      "a symlink that leads out",
      (h) => [h.write("/srv/other/x", "x"), h.write("/srv/site/l", "-> ../other/x")],
      "leads out of the site",
    ],
    [
      "a symlink that leads out through another one",
      (h) => [
        h.write("/srv/site/d/x", "x"),
        h.write("/srv/x", "x"),
        h.write("/srv/site/a", "-> d/.."),
        h.write("/srv/site/b", "-> a/../x"),
      ],
      "leads out of the site",
    ],
    [
      "a symlink that stays inside only at the path of the source",
      (h) => {
        h.write("/srv/site/var/www/config", "x");
        h.write("/srv/site/var/www/x.txt", "-> ../../../site/var/www/config");
      },
      "/srv/site/var/www/x.txt is a link to ../../../site/var/www/config: it leads out of the site",
    ],
    [
      "a symlink that leads out through one to the root of the source",
      (h) => {
        h.write("/srv/site/1/2/3/y", "-> ../../..");
        h.write("/srv/site/1/2/3/x", "-> y/../etc/passwd");
      },
      "/srv/site/1/2/3/x is a link to y/../etc/passwd: it leads out of the site",
    ],
    [
      "a dangling symlink that leads out",
      (h) => h.write("/srv/site/d/l", "-> ../../x"),
      "is a link to ../../x: it leads out of the site",
    ],
    ["a set-user-ID bit", (h) => [h.write("/srv/site/s", "s"), h.mode("/srv/site/s", 0o4755)], "set-user-ID"],
    ["a line break in a name", (h) => h.write("/srv/site/a\nb", "x"), "characters that no address has"],
    ["a backslash in a name", (h) => h.write("/srv/site/a\\b", "x"), "characters that no address has"],
    ["a pipe", (h) => Bun.spawnSync(["mkfifo", `${h.root}/srv/site/p`]), "/srv/site/p is neither a file"],
    [
      "a name that is not UTF-8",
      (h) => Bun.spawnSync(["sh", "-c", `touch "$0/$(printf 'a\\377')"`, `${h.root}/srv/site`]),
      "characters",
    ],
  ];
  for (const [name, prepare, said] of cases) {
    test(name, async () => {
      await host.deploy();
      const before = [host.stat(live).ino, named()];
      prepare(host);
      expect(await refusal()).toContain(said);
      expect([host.stat(live).ino, named()]).toEqual(before);
      expect(host.list(backups)).toEqual(kept.slice(0, 2));
    });
  }

  test("a source that changes while it is read: rewritten, replaced by a rename, added to", async () => {
    for (let i = 0; i < 300; i++) host.write(`/srv/site/f${i}`, "x");
    await host.deploy();
    const changes = [
      () => host.write("/srv/site/f0", "y"),
      () => host.trees.move("/srv/site/f1", "/srv/site/f2"),
      () => host.write("/srv/site/added", "x"),
      () => host.remove("/srv/site/f3"),
    ];
    for (const change of changes) {
      let done = false;
      const pause = async () => {
        if (!done) change();
        done = true;
      };
      expect(await refusal({ pause })).toContain("was changed while it was read");
      expect(host.text(`${live}/f0`)).toBe("x");
      await host.deploy();
      host.write("/srv/site/f0", "x");
      host.write("/srv/site/f1", "x");
      await host.deploy();
    }
  });

  test("system directories, by every path to them", () => {
    const dirs = ["/etc/x", "/proc", "/var/www/docs/demo", "/srv/up"];
    for (const dir of dirs) host.write(`${dir}/index.html`, "x");
    host.write("/srv/link", "-> ../etc");
    host.write("/srv/deep", "-> link/x");
    for (const typed of [
      "/etc",
      "//etc",
      "/srv/../etc",
      "/srv/link",
      "/srv/deep",
      "/",
      "/proc",
      "/var/www",
      "/var/www/docs/demo",
    ]) {
      expect(() => openSource(host.host, host.trees, typed, [0])).toThrow("is not published");
    }
    expect(() => openSource(host.host, host.trees, "/none", [0])).toThrow("/none does not exist");
    expect(() => openSource(host.host, host.trees, "/etc/group/x", [0])).toThrow("does not exist");
    const opened = openSource(host.host, host.trees, "/srv/up", [0]);
    expect(opened).toMatchObject({ real: "/srv/up", type: "directory" });
    opened.close();
  });
});

describe("deploy: files are replaced one by one where trees cannot be swapped, with a note,", () => {
  const said = [`${live} cannot be exchanged with a new tree: its files were replaced one by one`];

  test("also files in place of directories, and directories in place of files", async () => {
    host.write("/srv/site/a/b", "b");
    host.write("/srv/site/c", "c");
    host.write("/srv/site/same", "same");
    host.write("/srv/site/l", "-> same");
    await host.deploy();
    const { mtimeMs } = host.stat(`${live}/same`);
    Object.assign(host.trees, { exchange: () => false });
    for (const name of ["a", "c", "l"]) host.remove(`/srv/site/${name}`);
    host.write("/srv/site/a", "a");
    host.write("/srv/site/c/d", "d");
    host.write("/srv/site/l", "-> a");
    const { notes, backup } = await host.deploy();
    expect(notes).toEqual(said);
    expect([host.text(`${live}/a`), host.text(`${live}/c/d`), host.text(`${live}/l`)]).toEqual(["a", "d", "a"]);
    expect([host.text(`${backup}/a/b`), host.text(`${backup}/c`), host.text(`${backup}/l`)]).toEqual([
      "b",
      "c",
      "same",
    ]);
    expect(host.list(live)).toEqual(["a", "c", "index.html", "l", "same"]);
    expect(host.stat(`${live}/same`).mtimeMs).toBe(mtimeMs);
    expect(host.list(backups).filter((name) => name.startsWith("."))).toEqual([".digests", ".last-stamp"]);
  });

  test("and are rolled back when that fails or is killed in the middle", async () => {
    for (const name of ["a", "b", "c"]) host.write(`/srv/site/${name}`, "old");
    await host.deploy();
    for (const name of ["a", "b", "c"]) host.write(`/srv/site/${name}`, "new");
    const { copy, exchange } = host.trees;
    const failing = (from: string, to: string, made: Parameters<typeof copy>[2], size: number) => {
      if (to.endsWith("demo/.b.edox-ops-new") && !from.includes(".old/"))
        throw new Error("ENOSPC: no space left on device");
      return copy(from, to, made, size);
    };
    Object.assign(host.trees, { exchange: () => false, copy: failing });
    expect(await refusal()).toContain("ENOSPC");
    expect(["a", "b", "c"].map((name) => host.text(`${live}/${name}`))).toEqual(["old", "old", "old"]);
    expect(host.list(backups)).toEqual([".digests", ".last-stamp"]);

    Object.assign(host.trees, { exchange, copy });
    host.write(`${backups}/.stage/a`, "new");
    const stage = `${backups}/.stage-${host.stat(`${backups}/.stage`).ino}-20260101T000000Z`;
    host.trees.move(`${backups}/.stage`, stage);
    for (const name of ["a", "b", "c", "index.html"]) host.write(`${stage}.old/${name}`, "old");
    host.write(`${live}/a`, "half");
    const request = { dir: "/srv/none" };
    await refusal(request);
    expect(["a", "b", "c"].map((name) => host.text(`${live}/${name}`))).toEqual(["old", "old", "old"]);
    expect(host.list(backups)).toEqual([".digests", ".last-stamp"]);
  });

  test("and are rolled back when the probe fails", async () => {
    await host.deploy();
    Object.assign(host.trees, { exchange: () => false });
    host.write("/srv/site/index.html", "two");
    expect(await refusal({ probe: async () => ({ reason: "no", hint: [] }) })).toBe(
      "no; the previous site was restored",
    );
    expect(host.text(`${live}/index.html`)).toBe("home");
    expect(host.list(backups)).toEqual([".digests", ".last-stamp"]);
  });
});

describe("deploy: an interrupted deploy", () => {
  test("by a failure or a signal: the live tree stays, and the stage is removed", async () => {
    for (let i = 0; i < 300; i++) host.write(`/srv/site/f${i}`, "x");
    await host.deploy();
    host.write("/srv/site/index.html", "two");
    for (const phase of ["read", "staged"]) {
      const pause = async ({ phase: now }: { phase: string }) => {
        if (now === phase) throw new Error("interrupted");
      };
      expect(await refusal({ pause })).toBe("interrupted");
      expect(host.text(`${live}/index.html`)).toBe("home");
      expect(host.list(backups)).toEqual(kept.slice(0, 2));
    }
  });

  test("handles signals at its pauses, which report the progress, hard-linked files included", async () => {
    for (let i = 0; i < 599; i++) host.write(`/srv/site/f${i}`, "x");
    await host.deploy();
    host.write("/srv/site/index.html", "two");
    const reported: unknown[] = [];
    const pause = async ({ phase, files, total, bytes }: Progress) => {
      reported.push([phase, files, total, bytes]);
      const stage = host.list(backups).find((name) => name.startsWith(".stage"));
      if (phase === "staged") expect(host.list(`${backups}/${stage}`).length).toBe(files);
    };
    await host.deploy({ pause });
    expect(reported).toEqual([
      ["read", 255, 601, 255],
      ["read", 511, 601, 511],
      ["read", 600, 601, 602],
      ["staged", 255, 600, 0],
      ["staged", 511, 600, 0],
      ["staged", 600, 600, 3],
    ]);
  });

  test("by a failed probe: the previous release is swapped back", async () => {
    await host.deploy();
    host.write("/srv/site/index.html", "two");
    const seen: string[] = [];
    const probe = async () => {
      seen.push(host.text(`${live}/index.html`));
      return { reason: "nginx answers with another page", hint: [] };
    };
    expect(await refusal({ probe })).toBe("nginx answers with another page; the previous site was restored");
    expect(seen).toEqual(["two"]);
    expect(host.text(`${live}/index.html`)).toBe("home");
    expect(host.list(backups)).toEqual(kept.slice(0, 2));
  });

  test("by a kill before the swap: the next deploy removes the stage", async () => {
    await host.deploy();
    host.write(`${backups}/.stage/x`, "x");
    const { ino } = host.stat(`${backups}/.stage`);
    host.trees.move(`${backups}/.stage`, `${backups}/.stage-${ino}-20260101T000000Z`);
    host.write(`${backups}/.trash-20260101T000000Z/x`, "x");
    expect(named()).toEqual([]);
    const { notes } = await host.deploy();
    expect(notes).toEqual(["removed the staged files of an interrupted deploy"]);
    expect(host.list(backups).filter((name) => name.startsWith("."))).toEqual(kept.slice(0, 2));
  });

  test("by a kill after the swap: the next deploy makes the previous tree a backup", async () => {
    await host.deploy();
    host.write(`${backups}/.stage-1-20260101T000000Z/index.html`, "before");
    const { notes } = await host.deploy();
    expect(notes[0]).toContain("the previous tree is backup 20260101T000000Z");
    expect(host.text(`${backups}/20260101T000000Z/index.html`)).toBe("before");
  });

  test("of a missing tree: the next deploy creates it", async () => {
    host.remove(live);
    expect((await host.deploy()).backup).toBeNull();
    expect(host.text(`${live}/index.html`)).toBe("home");
  });
});

test("deploy: a symlink within the site stays one, even dangling or in a loop, and is no change in the next deploy", async () => {
  host.write("/srv/site/d/page.html", "page");
  host.write("/srv/site/latest", "-> d");
  host.write("/srv/site/nothing", "-> d/none");
  host.write("/srv/site/self", "-> self");
  await host.deploy();
  expect(host.text(`${live}/latest/page.html`)).toBe("page");
  expect(await host.deploy()).toMatchObject({ changed: 0, backup: null });
  host.write("/srv/site/index.html", "two");
  const { backup } = await host.deploy();
  await host.deploy({ dir: backup as string, of: "release" });
  expect(host.text(`${live}/latest/page.html`)).toBe("page");
});

test("deploy: a live tree of another tool, with symlinks and odd modes, is compared without following symlinks", async () => {
  host.write("/srv/secret/index.html", "home");
  host.remove(live);
  host.write(`${live}/d`, "-> /srv/secret");
  host.write("/srv/site/d/index.html", "home");
  await host.deploy();
  expect(host.stat(`${live}/d`).isDirectory()).toBe(true);
  expect(host.stat("/srv/secret/index.html").nlink).toBe(1);
});

describe("deploy: root takes over what another user could change:", () => {
  /** The group is www-data, as in a tree of the Python tool. */
  const theirs = (path: string): void => {
    for (const { path: name } of [...host.trees.walk(path)]) lchownSync(`${host.root}${path}/${name}`, 33, 33);
    host.mode(path, 0o775);
  };
  const owners = (path: string): string[] =>
    [
      ...new Set(
        [...host.trees.walk(path)].map(({ type, uid, mode }) => `${uid}:${type === "link" ? 0 : mode & 0o022}`),
      ),
    ].sort();
  beforeEach(async () => {
    host.write("/srv/site/guide/page.html", "page");
    host.write("/srv/site/latest", "-> guide");
    await host.deploy();
    theirs(live);
  });

  test("the live tree, even if no page changes", async () => {
    const { changed, backup } = await host.deploy();
    expect(changed).toBe(0);
    expect([owners(live), owners(backup as string)]).toEqual([["0:0"], ["0:0"]]);
    expect((await host.deploy()).backup).toBeNull();
  });

  test("a live tree whose files are replaced one by one, with its directories", async () => {
    Object.assign(host.trees, { exchange: () => false });
    host.write("/srv/site/index.html", "two");
    await host.deploy();
    expect(owners(live)).toEqual(["0:0"]);
    expect(host.text(`${live}/index.html`)).toBe("two");
  });

  test("a backup, before it is restored", async () => {
    host.write("/srv/site/index.html", "two");
    const backup = (await host.deploy()).backup as string;
    theirs(backup);
    await host.deploy({ dir: backup, of: "release" });
    expect([owners(live), owners(backup)]).toEqual([["0:0"], ["0:0"]]);
    expect(host.text(`${live}/index.html`)).toBe("home");
  });

  test("the files of a restored backup are copied, because that user may still have them open", async () => {
    host.remove("/etc/group");
    host.write("/etc/group", "mine:x:33:\n");
    host.write("/srv/site/index.html", "two");
    const backup = (await host.deploy()).backup as string;
    theirs(backup);
    const open = openSync(`${host.root}${backup}/index.html`, "r+");
    await host.deploy({ dir: backup, of: "release" });
    writeSync(open, "evil", 0);
    closeSync(open);
    expect([host.text(`${backup}/index.html`), host.text(`${live}/index.html`)]).toEqual(["evil", "home"]);
  });

  test("no file of that live tree is kept for pages that were opened before", async () => {
    host.write(`${live}/app.4f283b18.js`, "theirs");
    expect(await host.deploy()).toMatchObject({ notes: [] });
    expect(host.trees.entry("/var/www/docs/.edox-ops-assets")).toBeNull();
  });
});

describe("deploy: backup directories that another user owns", () => {
  const above = "/var/www/docs/.edox-ops-backups";
  const secured = () => secureBackups(host.host, host.trees, siteTarget(project));
  beforeEach(async () => {
    await host.deploy();
    host.write(`${backups}/20260101T000000Z/index.html`, "one");
    host.write(`${backups}/.stage-1-20260101T000000Z/index.html`, "planted");
    host.write(`${backups}/.stage-1-20260101T000000Z.old/index.html`, "planted");
    host.write(`${backups}/.spare`, "-> /srv");
    host.remove(`${backups}/.last-stamp`);
    expect(Bun.spawnSync(["mkfifo", `${host.root}${backups}/.last-stamp`]).exitCode).toBe(0);
    for (const dir of [above, backups]) lchownSync(host.root + dir, 33, 33);
    host.mode(backups, 0o777);
  });

  test("include those of the kept assets, where that user may have planted a symlink", () => {
    const assets = "/var/www/docs/.edox-ops-assets";
    host.write(`${assets}/demo/assets`, "-> /srv");
    host.write(`${assets}/other/app.js`, "other");
    for (const dir of [assets, `${assets}/demo`]) lchownSync(host.root + dir, 33, 33);
    secured();
    expect([host.stat(assets).uid, host.stat(`${assets}/demo`).uid, host.list(`${assets}/demo`)]).toEqual([0, 0, []]);
    expect([host.list("/srv"), host.list(`${assets}/other`)]).toEqual([["site"], ["app.js"]]);
  });

  test("become root's, and planted working files in them are removed", async () => {
    secured();
    expect([above, backups].map((dir) => `${host.stat(dir).uid}:${(host.stat(dir).mode & 0o777).toString(8)}`)).toEqual(
      ["0:750", "0:755"],
    );
    expect(host.list(backups)).toEqual(["20260101T000000Z"]);
    expect(host.text("/srv/site/index.html")).toBe("home");
    await host.deploy();
    expect(host.text(`${live}/index.html`)).toBe("home");
  });

  test("are cleaned up by the next run if the first one was killed", () => {
    lchownSync(host.root + backups, 0, 0);
    host.mode(backups, 0o700);
    secured();
    expect(host.list(backups)).toEqual(["20260101T000000Z"]);
    host.write(`${backups}/.digests`, "ours");
    secured();
    expect(host.list(backups)).toEqual([".digests", "20260101T000000Z"]);
  });

  test("have no working file that is read before that", () => {
    expect(readWorkingFile(host.host, `${backups}/.digests`)).toBeNull();
    lchownSync(host.root + backups, 0, 0);
    host.mode(backups, 0o755);
    expect(readWorkingFile(host.host, `${backups}/.digests`)).not.toBeNull();
  });

  test("are a problem if a symlink is in their place", () => {
    host.remove(backups);
    host.write(backups, "-> /srv");
    expect(secured).toThrow(`${backups} is not a directory`);
  });
});

test("deploy: a stamp in the far future, of a file or a backup's name, is ignored", async () => {
  const soon = Math.floor(Date.now() / 1000) + 60;
  for (const stamp of ["9999999999999", "99999999999", "text"]) {
    host.write(`${backups}/.last-stamp`, stamp);
    host.write(`${backups}/99991231T235959Z/index.html`, "planted");
    host.write("/srv/site/index.html", stamp);
    await host.deploy();
    expect(host.stat(`${live}/index.html`).mtimeMs / 1000).toBeLessThan(soon);
  }
});

test("deploy: a source or a live tree with more than 100 nested directories is rejected and named", async () => {
  const nest = (path: string, depth: number): void => {
    const make = "chdir shift; for (1 .. shift) { mkdir 'a'; chdir 'a' or die }";
    expect(Bun.spawnSync(["perl", "-e", make, host.root + path, `${depth}`]).exitCode).toBe(0);
  };
  nest("/srv/site", 100);
  await host.deploy();
  nest("/srv/site", 300);
  expect(await refusal()).toEndWith("/srv/site/a/a/a has more than 100 directories in each other: move it away");
  Bun.spawnSync(["rm", "-r", `${host.root}/srv/site/a`]);
  nest(live, 300);
  expect(await refusal()).toEndWith(`${live}/a/a/a has more than 100 directories in each other: move it away`);
  Bun.spawnSync(["rm", "-r", `${host.root}${live}/a`]);
});

test("deploy: a source whose path is redirected while it is read is still read from the opened directory", async () => {
  host.write("/home/a/site/index.html", "theirs");
  host.write("/home/secret/site/index.html", "secret");
  const { path: dir, close: letGo } = openSource(host.host, host.trees, "/home/a/site", [0]);
  host.trees.move("/home/a", "/home/b");
  host.write("/home/a", "-> secret");
  await host.deploy({ dir, letGo });
  expect(host.text(`${live}/index.html`)).toBe("theirs");
});

test("deploy: a file that grows while it is copied ends the deploy", async () => {
  await host.deploy();
  host.write("/srv/site/new", "12345");
  const { entry } = host.trees;
  Object.assign(host.trees, {
    entry(path: string) {
      if (path.endsWith("/.stage")) host.write("/srv/site/new", "123456");
      return entry(path);
    },
  });
  expect(await host.deploy().catch((error) => error)).toMatchObject({
    message: "/srv/site/new was changed while it was read: nothing was deployed",
    hint: ["sudo", "edox-ops", "project", "deploy", "demo", "--source", expect.any(String)],
  });
});

test("deploy: a file of another file system is compared, even with an equal inode", async () => {
  await host.deploy();
  host.write("/srv/site/index.html", "new!");
  const { blocks } = host.trees;
  const statusOf = (path: string) => statusAt(0, host.root + path) as Status;
  const { inodeLow, inodeHigh } = statusOf(`${live}/index.html`);
  Object.assign(host.trees, {
    async blocks(dir: string, paths: string[]) {
      const found = await blocks(dir, paths);
      if (dir === "/srv/site")
        new Packed((found[0] as Block).statuses).set(0, { ...statusOf("/srv/site/index.html"), inodeLow, inodeHigh });
      return found;
    },
  });
  expect(await host.deploy({ of: "unpacked" })).toMatchObject({ changed: 1 });
});

test("deploy: a directory that is added, removed, or replaces a file is a change", async () => {
  host.write("/srv/site/a", "a");
  await host.deploy();
  host.remove("/srv/site/a");
  host.write("/srv/site/a/x", "x");
  host.remove("/srv/site/a/x");
  await host.deploy();
  expect(host.stat(`${live}/a`).isDirectory()).toBe(true);
  host.remove("/srv/site/a");
  await host.deploy();
  expect(host.list(live)).toEqual(["index.html"]);
});

test("deploy: a replaced tree is never lost, even if the name of its backup is taken", async () => {
  await host.deploy();
  host.remove(`${backups}/.last-stamp`);
  const taken = stampName(Math.floor(Date.now() / 1000) + 2);
  host.write(`${backups}/${taken}/index.html`, "theirs");
  host.write("/srv/site/index.html", "two");
  const { backup } = await host.deploy();
  expect(host.text(`${backup}/index.html`)).toBe("home");
  host.write(`${backups}/.stage-1-${taken}/index.html`, "precious");
  host.write("/srv/site/index.html", "three");
  await host.deploy();
  const all = named().map((name) => host.text(`${backups}/${name}/index.html`));
  expect(all).toEqual(expect.arrayContaining(["theirs", "precious", "home", "two"]));
});

test("deploy: remains that cannot be removed are reported, and do not fail later deploys", async () => {
  await host.deploy();
  const { remove } = host.trees;
  host.write(`${backups}/.trash-20260101T000000Z/x`, "x");
  Object.assign(host.trees, {
    remove(path: string) {
      if (path.includes(".trash")) throw new Error("EPERM: operation not permitted");
      remove(path);
    },
  });
  host.write("/srv/site/index.html", "two");
  expect((await host.deploy()).notes).toContain("operation not permitted");
  expect(host.text(`${live}/index.html`)).toBe("two");
});

test("probe: a failed request is returned as the reason", async () => {
  await host.deploy();
  host.write("/srv/site/index.html", "two");
  const probe = () => Promise.reject(new Error("EISDIR: illegal operation"));
  expect(await refusal({ probe })).toBe("illegal operation; the previous site was restored");
  expect(host.text(`${live}/index.html`)).toBe("home");
});

test("deploy: missing room is reported before anything is written", async () => {
  const { trees } = host;
  const none = { ...trees, room: () => ({ bytes: 100, inodes: 1, block: 4096 }) };
  Object.assign(host.trees, none);
  expect(await refusal()).toContain("no room for the new tree in /var/www/docs: 0.1 MiB are needed and 0 MiB are free");
  Object.assign(host.trees, { room: () => ({ bytes: 1e9, inodes: 1, block: 4096 }) });
  expect(await refusal()).toContain("2 inodes are needed and 1 free");
  expect(host.list("/var/www/docs")).toEqual(["demo"]);
});

test("deploy: a missing group is named", async () => {
  expect(await refusal({ project: { ...project, owner_group: "none" } })).toBe("group none does not exist");
});
