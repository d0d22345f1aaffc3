// Paths that are opened once: whose symbolic links are followed, and that none below an open directory leads out of it.

import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import * as fs from "node:fs";
import { chmodSync, lchownSync, linkSync, lstatSync, readlinkSync, renameSync, symlinkSync, utimesSync } from "node:fs";
import { Open } from "../../src/host/listing.ts";
import { openBelow } from "../../src/host/local-opened.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { type OpenedEntry, RejectedArchive } from "../../src/host/trees.ts";
import { TreeHost } from "../sites/tree.ts";

/** Users that do not exist. Only root, as which the tests run, can give them files. */
const [eve, mallory] = [64_001, 64_002];
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

const at = (path: string): string => host.root + path;
const own = (uid: number, ...paths: string[]): void => {
  for (const path of paths) lchownSync(at(path), uid, uid);
};

test("areOnOneFileSystem: compares open directories, paths below them, and the mounts of this machine", () => {
  const [above, site] = ["/srv", "/srv/site"].map((path) => host.trees.open(path, [0]) as OpenedEntry);
  const is = (a = "", b = ""): boolean => host.trees.areOnOneFileSystem(a, b);
  expect([is(site?.path, `${above?.path}/site`), is("/srv", site?.path), is("/srv", "/etc")]).toEqual([
    true,
    true,
    true,
  ]);
  expect([is("/srv", "/missing"), is("/missing", "/missing")]).toEqual([false, false]);
  expect(localTrees().areOnOneFileSystem("/proc", "/")).toBe(false);
  for (const each of [above, site]) each?.close();
});

describe("open", () => {
  const real = (path: string, trusted = [0]): string | null | undefined => {
    const opened = host.trees.open(path, trusted);
    opened?.close();
    return opened === null ? null : opened.real;
  };
  const private_ = "/srv/private";
  beforeEach(() => {
    host.write(`${private_}/secret.html`, "secret");
    host.write("/home/eve/site/index.html", "page");
    own(eve, "/home/eve", "/home/eve/site", "/home/eve/site/index.html");
  });

  test("resolves names, dots and root's links as realpath(3) does", () => {
    host.write("/srv/up", "-> ../home/eve/./site");
    host.write("/srv/absolute", "-> /srv/up");
    for (const path of ["/home/eve/site", "/home//eve/./site/", "/srv/site/../../home/eve/site", "/srv/up"]) {
      expect(real(path)).toBe("/home/eve/site");
    }
    expect(real("/srv/absolute/index.html")).toBe("/home/eve/site/index.html");
    expect(real("/../../srv/site")).toBe("/srv/site");
    expect(real("/")).toBe("/");
  });

  test("returns null for a missing name, a file on the way, or a circle of links", () => {
    host.write("/srv/self", "-> self");
    for (const path of ["/none", "/srv/none/x", "/srv/site/index.html/x", "/srv/self", "/srv/self/x"]) {
      expect(real(path)).toBeNull();
    }
  });

  test("follows another user's link only to files of that user", () => {
    symlinkSync(at(private_), at("/home/eve/absolute"));
    symlinkSync("/srv/private", at("/home/eve/public"));
    symlinkSync("../../srv/private/secret.html", at("/home/eve/page"));
    symlinkSync("site", at("/home/eve/latest"));
    symlinkSync("latest", at("/home/eve/chain"));
    own(eve, ...["absolute", "public", "page", "latest", "chain"].map((name) => `/home/eve/${name}`));
    for (const path of ["/home/eve/public", "/home/eve/public/secret.html", "/home/eve/page"]) {
      expect(() => real(path)).toThrow(RejectedArchive);
      expect(() => real(path)).toThrow(`is a link of user ${eve}, and leads to ${private_}`);
    }
    expect(real("/home/eve/latest")).toBe("/home/eve/site");
    expect(real("/home/eve/chain/index.html")).toBe("/home/eve/site/index.html");
    expect(real("/home/eve/public", [0, eve])).toBe(private_);
    own(mallory, private_);
    expect(() => real("/home/eve/public")).toThrow(`which belongs to user ${mallory}`);
  });

  test("treats root's relative link in another user's directory as that user's, who may have moved it", () => {
    symlinkSync("../../srv/private", at("/home/eve/public"));
    expect(() => real("/home/eve/public")).toThrow(`is a link of user ${eve}`);
    symlinkSync("/srv/private", at("/home/eve/absolute"));
    expect(real("/home/eve/absolute")).toBe(private_);
  });

  test("opens a pipe without waiting for its other end", () => {
    Bun.spawnSync(["mkfifo", at("/srv/pipe")]);
    const opened = host.trees.open("/srv/pipe", [0]);
    expect(opened?.type).toBe("other");
    opened?.close();
  });

  test("treats a link of the kernel to an open file as text", () => {
    const trees = localTrees();
    expect(trees.open("/proc/self/fd/0", [0])?.path).not.toBe("/proc/self/fd/0");
    expect(trees.open("/proc/self/exe", [0])?.real).toBe(readlinkSync("/proc/self/exe"));
  });

  test("resolves a relative path from the current directory", () => {
    const opened = localTrees().open("package.json", [0]);
    expect(opened?.real).toBe(`${process.cwd()}/package.json`);
    opened?.close();
  });

  test("keeps the opened directory when the names that led to it change", () => {
    const opened = host.trees.open("/home/eve/site", [0]);
    renameSync(at("/home/eve"), at("/home/gone"));
    host.write("/home/eve/site/index.html", "another");
    expect(host.trees.entry(`${opened?.path}/index.html`)?.size).toBe("page".length);
    opened?.close();
  });
});

describe("openBelow", () => {
  const open = (path: string) => openBelow(at("/srv/site"), path, host.root);

  test("resolves a path in the directory, through links that stay inside", () => {
    host.write("/srv/site/v1/page.html", "one");
    host.write("/srv/site/latest", "-> v1");
    host.write("/srv/site/d/up", "-> ../latest");
    for (const path of ["v1", "latest", "d/up", "d/../v1"]) {
      const opened = open(path);
      expect(opened).toMatchObject({ real: "/srv/site/v1", type: "directory" });
      opened?.close();
    }
    expect(open("none")).toBeNull();
  });

  test("rejects a path that leads out of the directory, by dots or by a link", () => {
    host.write("/srv/site/out", "-> ..");
    host.write("/srv/site/root", "-> /srv/site");
    host.write("/srv/site/d/f", "f");
    for (const path of ["..", "../site", "d/../../site", "out", "root"])
      expect(() => open(path)).toThrow(RejectedArchive);
  });
});

describe("open directory: no path below it is reached through a symbolic link,", () => {
  const seeds = [1n, 2n] as const;
  const made = { mode: 0o644, uid: 0, gid: 0, modifiedSeconds: 7 };
  /** Longer than the kernel accepts in one call, so that it is opened component by component, as without openat2. */
  const deep = Array.from({ length: 30 }, (_, i) => `${i}`.padStart(200, "d")).join("/");

  for (const [form, dir] of [
    ["in one call", "a/b"],
    ["component by component", `a/${deep}`],
  ] as const) {
    describe(form, () => {
      let top: string;
      let close: () => void;
      beforeEach(() => {
        // Uses the current directory, because the whole path is too long for one call.
        const make = "chdir shift; for (@ARGV) { mkdir $_; chdir $_ or die } open F, '>f'; print F 'ours'";
        expect(Bun.spawnSync(["perl", "-e", make, at("/srv"), "tree", ...dir.split("/")]).exitCode).toBe(0);
        for (const path of ["f", "b/f", `${deep.slice(0, 200)}/f`]) host.write(`/srv/secret/${path}`, "root");
        const opened = host.trees.open("/srv/tree", [0]) as OpenedEntry;
        ({ path: top, close } = opened);
      });
      afterEach(() => close());

      /** Returns the result or error code of each read method. */
      const reads = async (): Promise<unknown[]> => {
        const { trees } = host;
        const file = `${top}/${dir}/f`;
        const said = async (act: () => unknown): Promise<unknown> => {
          try {
            return await act();
          } catch (error) {
            return (error as NodeJS.ErrnoException).code;
          }
        };
        return [
          (await trees.blocks(top, [dir])).map(({ names }) => names),
          await said(() => trees.entry(file)?.size ?? null),
          await said(async () => (await trees.digests([[file, 4]], seeds)).length),
          await said(() => trees.same(file, `${top}/${dir}/f`)),
          await said(async () => {
            await trees.copies([[file, "/srv/copy", 4]], made);
            return host.text("/srv/copy");
          }),
          await said(() => trees.share(file, "/srv/shared") && host.text("/srv/shared")),
        ];
      };

      test("existing files are read", async () => {
        expect(await reads()).toEqual([["f"], 4, 4, true, "ours", "ours"]);
      });

      test("a directory that another user replaced by a link is rejected", async () => {
        renameSync(at("/srv/tree/a"), at("/srv/tree/was"));
        symlinkSync("/srv/secret", at("/srv/tree/a"));
        const refused = expect.stringMatching(/^(ELOOP|ENOTDIR)$/);
        expect(await reads()).toEqual([[""], null, refused, refused, refused, refused]);
      });
    });
  }

  test("errors name the original path, not the descriptor", async () => {
    const { path, close } = host.trees.open("/srv/site", [0]) as OpenedEntry;
    expect(() => host.trees.linkTarget(`${path}/none`)).toThrow("'/srv/site/none'");
    const failed = await host.trees.digests([[`${path}/none`, 1]], seeds).catch((error) => error.message);
    expect(failed).toContain("'/srv/site/none'");
    host.write("/srv/site/d/f", "f");
    expect(() => host.trees.linkTarget(`${path}/d/none`)).toThrow("'/srv/site/d/none'");
    expect(() => host.trees.move(`${path}/d/none`, `${path}/d/f`)).toThrow("'/srv/site/d/none' -> '/srv/site/d/f'");
    close();
  });
});

describe("adopt", () => {
  const attributes = (path: string): string => {
    const { uid, gid, mode } = lstatSync(at(path));
    return `${uid}:${gid}:${(mode & 0o7777).toString(8)}`;
  };

  test("changes the owner of directories, files and links, and removes others' write permission and set-ID bits", () => {
    host.write("/srv/tree/d/f", "f");
    host.write("/srv/tree/d/script", "s");
    host.write("/srv/tree/out", "-> /srv/site/index.html");
    chmodSync(at("/srv/tree/d"), 0o2775);
    chmodSync(at("/srv/tree/d/f"), 0o666);
    chmodSync(at("/srv/tree/d/script"), 0o755);
    own(eve, "/srv/tree", "/srv/tree/d", "/srv/tree/d/f", "/srv/tree/d/script", "/srv/tree/out");
    own(mallory, "/srv/site/index.html");
    const { mtimeMs } = lstatSync(at("/srv/tree/d/f"));
    host.trees.adopt("/srv/tree", { uid: 0, gid: 33 });
    expect(["/srv/tree", "/srv/tree/d", "/srv/tree/d/f", "/srv/tree/d/script"].map(attributes)).toEqual([
      "0:33:755",
      "0:33:755",
      "0:33:644",
      "0:33:755",
    ]);
    expect(attributes("/srv/tree/out")).toStartWith("0:33:");
    expect(attributes("/srv/site/index.html")).toStartWith(`${mallory}:`);
    expect(lstatSync(at("/srv/tree/d/f")).mtimeMs).toBe(mtimeMs);
  });

  test("replaces a hard-linked file by a copy, and the other link keeps its owner", () => {
    host.write("/srv/tree/f", "text");
    linkSync(at("/srv/tree/f"), at("/srv/other"));
    own(eve, "/srv/tree/f");
    chmodSync(at("/srv/other"), 0o666);
    utimesSync(at("/srv/other"), 7, 7);
    host.trees.adopt("/srv/tree", { uid: 0, gid: 0 });
    expect([attributes("/srv/other"), attributes("/srv/tree/f")]).toEqual([`${eve}:${eve}:666`, "0:0:644"]);
    expect([host.list("/srv/tree"), host.text("/srv/tree/f")]).toEqual([["f"], "text"]);
    expect(lstatSync(at("/srv/tree/f")).mtimeMs).toBe(7000);
  });

  test("keeps the group and the hard links of a file that the owner already has", () => {
    host.write("/srv/tree/f", "f");
    linkSync(at("/srv/tree/f"), at("/srv/other"));
    lchownSync(at("/srv/tree/f"), 0, 33);
    host.trees.adopt("/srv/tree", { uid: 0, gid: 0 });
    expect([attributes("/srv/other"), lstatSync(at("/srv/tree/f")).nlink]).toEqual(["0:33:644", 2]);
  });

  test("does not follow a symbolic link in place of the tree", () => {
    host.write("/srv/tree", "-> /srv/site");
    expect(() => host.trees.adopt("/srv/tree", { uid: 0, gid: 33 })).toThrow();
    expect(attributes("/srv/site")).toStartWith("0:0:");
  });
});

describe("removeTemporary", () => {
  const left = ".page.edox-ops-new";
  beforeEach(() => {
    host.write(`/srv/private/${left}`, "root's");
    host.write(`/home/eve/site/${left}`, "left");
    own(eve, "/home/eve", "/home/eve/site");
  });

  test("removes nothing through a link of another user that leads to files of root", () => {
    renameSync(at("/home/eve/site"), at("/home/eve/was"));
    symlinkSync("../../srv/private", at("/home/eve/site"));
    own(eve, "/home/eve/site");
    expect(() => host.host.removeTemporary("/home/eve/site/page")).toThrow(`is a link of user ${eve}`);
    expect(host.list("/srv/private")).toEqual([left]);
  });

  test("follows a link of root, and a user's link to a directory of that user", () => {
    host.write("/srv/root", "-> /srv/private");
    symlinkSync("site", at("/home/eve/latest"));
    own(eve, "/home/eve/latest");
    for (const path of ["/srv/root/page", "/home/eve/latest/page"]) host.host.removeTemporary(path);
    expect([host.list("/srv/private"), host.list("/home/eve/site")]).toEqual([[], []]);
  });

  test("accepts a directory that is missing, and removes no directory", () => {
    host.write(`/srv/tree/${left}/f`, "f");
    host.host.removeTemporary("/srv/none/page");
    host.host.removeTemporary("/srv/site/index.html/page");
    expect(() => host.host.removeTemporary("/srv/tree/page")).toThrow(`/srv/tree/${left}`);
    expect(host.list(`/srv/tree/${left}`)).toEqual(["f"]);
  });
});

test("blocks: a file that is removed while its directory is read is left out", async () => {
  host.write("/srv/tree/one", "1");
  host.write("/srv/tree/two", "22");
  using read = spyOn(fs, "readdirSync");
  read.mockReturnValueOnce(["gone", "one", "two"] as never);
  const [block] = await host.trees.blocks("/srv/tree", [""]);
  const open = new Open("", block);
  expect([open.take(), open.take(), open.name]).toMatchObject([
    { path: "one", size: 1 },
    { path: "two", size: 2 },
    undefined,
  ]);
});
