// Sources whose symlinks lead out of them, published with the targets of the symlinks.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, lchownSync } from "node:fs";
import { deployRequest } from "../../src/sites/deploy/requests.ts";
import { project, type TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

const eve = 12_345;
const other = 12_346;
const live = "/var/www/docs/demo";
let host: TreeHost;
let site: string;

beforeEach(() => {
  host = registeredHost();
  site = "/srv/site";
  // The directory has the mode that a host has, unlike that of mkdtemp.
  host.mode("", 0o755);
  host.write("/usr/share/javascript/jquery.js", "jquery");
  host.write("/usr/share/fonts/one/regular.woff2", "font");
});
afterEach(() => host[Symbol.dispose]());

const deploy = (...flags: string[]) => typedDeploy(host.root, site, "--dereference", ...flags);

/** Changes the owner of the source and of its direct entries. */
function giveTo(uid: number): void {
  for (const path of ["", ...host.list("/srv/site").map((name) => `/${name}`)]) {
    lchownSync(`${host.root}/srv/site${path}`, uid, uid);
  }
}

test("deploy --dereference: symlinks out of the source become their targets, and others stay symlinks", async () => {
  host.write("/srv/site/jquery.js", "-> ../../usr/share/javascript/jquery.js");
  host.write("/srv/site/fonts", "-> /usr/share/fonts");
  host.write("/usr/share/fonts/same", "-> one");
  host.write("/usr/share/fonts/script.js", "-> ../javascript/jquery.js");
  host.write("/srv/site/start.html", "-> index.html");
  expect(await deploy()).toMatchObject({ exit: 0, err: "" });
  expect(host.text(`${live}/jquery.js`)).toBe("jquery");
  expect(host.text(`${live}/fonts/same/regular.woff2`)).toBe("font");
  expect(host.text(`${live}/fonts/script.js`)).toBe("jquery");
  const isLink = (path: string): boolean => host.stat(`${live}/${path}`).isSymbolicLink();
  expect(["jquery.js", "fonts", "fonts/script.js", "fonts/same", "start.html"].map(isLink)).toEqual([
    ...[false, false, false],
    ...[true, true],
  ]);
  expect(host.list("/var/www/docs/.edox-ops-backups/demo")).not.toContain(".unpacked");
  expect((await deploy()).out).toContain("0 changed");
});

test("deploy: a symlink out of the source is rejected, and the hint publishes its target", async () => {
  host.write("/srv/site/jquery.js", "-> ../../usr/share/javascript/jquery.js");
  const { exit, err } = await typedDeploy(host.root, "/srv/site", "--keep", "3");
  expect([exit, err]).toEqual([
    1,
    "error: /srv/site/jquery.js is a link to ../../usr/share/javascript/jquery.js: it leads out of the site\n" +
      "hint: edox-ops project deploy demo --source /srv/site --keep 3 --dereference\n",
  ]);
  expect(await deploy("--keep", "3")).toMatchObject({ exit: 0, err: "" });
});

test("deploy --dereference --subdir: files beside the subdirectory are outside of the source", async () => {
  host.write("/srv/site/public/index.html", "part");
  host.write("/srv/site/shared/style.css", "style");
  host.write("/srv/site/public/style.css", "-> ../shared/style.css");
  expect(await deploy("--subdir", "public")).toMatchObject({ exit: 0 });
  expect(host.text(`${live}/style.css`)).toBe("style");
});

test("deploy --dereference: a dangling symlink is left out with a warning", async () => {
  host.write("/srv/site/gone.js", "-> /usr/share/gone.js");
  const { exit, err } = await deploy();
  expect([exit, err]).toEqual([0, "warning: left out, since they are links to nothing: 1 file: gone.js\n"]);
  expect(host.list(live)).toEqual(["index.html"]);
});

test("deploy --dereference: a dry run lists the changes and leaves nothing behind", async () => {
  host.write("/srv/site/fonts", "-> /usr/share/fonts");
  const { exit, out } = await deploy("--dry-run", "--diff");
  expect([exit, out]).toEqual([0, expect.stringContaining("fonts/one/regular.woff2")]);
  expect(host.list(live)).toEqual([]);
  expect(host.list("/var/www/docs")).not.toContain(".edox-ops-backups");
});

describe("deploy --dereference: rejected, and nothing is published:", () => {
  const cases: [string, () => void, string][] = [
    [
      "a system directory",
      () => {
        host.write("/etc/shadow", "root:x");
        host.write("/srv/site/a", "-> /etc/shadow");
      },
      "/srv/site/a leads to /etc/shadow, which is not published: it is part of the system",
    ],
    [
      "another site",
      () => {
        host.write("/var/www/docs/other/secret.html", "secret");
        host.write("/srv/site/a", "-> /var/www/docs/other");
      },
      "sites are served from /var/www/docs",
    ],
    [
      "a directory that contains the symlink",
      () => host.write("/srv/site/a/up", "-> ../.."),
      "/srv/site/a/up leads to /srv, which it is part of itself",
    ],
    [
      "directories whose symlinks form a loop",
      () => {
        host.write("/opt/one/two", "-> ../two");
        host.write("/opt/two/one", "-> ../one");
        host.write("/srv/site/a", "-> /opt/one");
      },
      "/srv/site/a/two/one leads to /opt/one, which it is part of itself",
    ],
    [
      "a set-user-ID program",
      () => {
        host.write("/opt/su", "");
        host.mode("/opt/su", 0o4755);
        host.write("/srv/site/a", "-> /opt/su");
      },
      "/srv/site/a has a set-user-ID",
    ],
    [
      "a file that the owner of the source may not read",
      () => {
        host.write("/srv/secret/key", "key");
        host.mode("/srv/secret/key", 0o600);
        host.write("/srv/site/a", "-> ../secret/key");
        giveTo(eve);
      },
      `user ${eve} may not read /srv/secret/key`,
    ],
    [
      "a file in a directory that the owner of the source may not search",
      () => {
        host.write("/srv/secret/key", "key");
        host.mode("/srv/secret", 0o700);
        host.write("/srv/site/a", "-> ../secret/key");
        giveTo(eve);
      },
      `user ${eve} may not read /srv/secret\n`,
    ],
    [
      "a file that only the group of its owner may not read",
      () => {
        host.write("/srv/secret/key", "key");
        host.mode("/srv/secret/key", 0o604);
        host.write("/srv/site/a", "-> ../secret/key");
        giveTo(eve);
      },
      `user ${eve} may not read`,
    ],
    [
      "a file in a symlinked directory, that the owner of the source may not read",
      () => {
        host.write("/srv/shared/open.html", "open");
        host.write("/srv/shared/key", "key");
        host.mode("/srv/shared/key", 0o640);
        host.write("/srv/site/a", "-> ../shared");
        giveTo(eve);
      },
      `/srv/site/a/key is not followed: user ${eve} may not read it`,
    ],
    [
      "a symlink of another user to a file that they do not own",
      () => {
        host.write("/srv/private/key", "key");
        host.write("/srv/site/a", "-> /srv/private/key");
        lchownSync(`${host.root}/srv/site/a`, other, other);
      },
      "/srv/site/a is a link of user 12346, and leads to /srv/private/key, which belongs to user 0",
    ],
    [
      "a symlink that another user planted in a shared directory, to a file of the source's owner",
      () => {
        host.write("/srv/private/key", "key");
        host.mode("/srv/private/key", 0o600);
        host.write("/srv/shared/a", "-> /srv/private/key");
        host.write("/srv/site/shared", "-> ../shared");
        giveTo(eve);
        for (const path of ["/srv/private", "/srv/private/key"]) chownSync(host.root + path, eve, eve);
        for (const path of ["/srv/shared", "/srv/shared/a"]) lchownSync(host.root + path, other, other);
      },
      "/srv/site/shared/a is not followed: it lies in a directory of user 12346",
    ],
    [
      "a symlink of root that the owner of a directory above could have moved, to a file that this user may not read",
      () => {
        host.write("/srv/private/key", "key");
        host.mode("/srv/private/key", 0o600);
        host.write("/srv/site/moved/a", "-> ../../private/key");
        host.write("/srv/site/moved/index.html", "home");
        chownSync(`${host.root}/srv/site`, eve, eve);
        site = "/srv/site/moved";
      },
      `user ${eve} may not read /srv/private/key`,
    ],
    [
      "a symlink of root in another user's directory below the source",
      () => {
        host.write("/srv/private/key", "key");
        host.write("/srv/site/theirs/moved/a", "-> ../../../private/key");
        chownSync(`${host.root}/srv/site/theirs`, other, other);
      },
      "/srv/site/theirs/moved/a is not followed: it lies in a directory of user 12346",
    ],
    [
      "a symlink in a directory that several users may write",
      () => {
        host.write("/srv/private/key", "key");
        host.write("/srv/site/shared/a", "-> ../../private/key");
        host.mode("/srv/site/shared", 0o777);
      },
      "/srv/site/shared/a is not followed: it lies in a directory that several users may write",
    ],
  ];
  for (const [what, prepare, said] of cases) {
    test(what, async () => {
      prepare();
      const { exit, err } = await deploy();
      expect([exit, err.replaceAll(host.root, "")]).toEqual([1, expect.stringContaining(said)]);
      expect(err).not.toContain("internal");
      expect(host.list(live)).toEqual([]);
      expect(host.list("/var/www/docs")).not.toContain(".edox-ops-backups");
    });
  }

  test("an archive", async () => {
    host.write("/srv/site.tar", "");
    const { exit, err } = await typedDeploy(host.root, "/srv/site.tar", "--dereference");
    expect([exit, err]).toEqual([2, expect.stringContaining("--dereference needs a directory")]);
  });
});

test("deploy --dereference: files of others that the owner of the source may read are published", async () => {
  host.write("/srv/site/a", "-> ../theirs/page.html");
  host.write("/srv/theirs/page.html", "theirs");
  for (const path of ["/srv/theirs", "/srv/theirs/page.html"]) chownSync(host.root + path, other, other);
  giveTo(eve);
  expect(await deploy()).toMatchObject({ exit: 0, err: "" });
  expect(host.text(`${live}/a`)).toBe("theirs");
});

test("deploy --dereference: a file that is exchanged for another and back within one clock tick is not published", async () => {
  host.write("/srv/theirs/page.html", "page");
  host.write("/srv/theirs/secret", "root");
  host.mode("/srv/theirs/secret", 0o600);
  host.write("/srv/site/page.html", "-> ../theirs/page.html");
  giveTo(eve);
  for (const path of ["/srv/theirs", "/srv/theirs/page.html"]) chownSync(host.root + path, eve, eve);
  const { copies, entry, exchange } = host.trees;
  /** Kernels before 6.13 stamp a change of either file with this resolution, at 100 Hz. */
  let stampMs = 0;
  const change = (): void => {
    stampMs = Math.floor(Date.now() / 10) * 10;
  };
  const swap = (): void => {
    exchange("/srv/theirs/page.html", "/srv/theirs/secret");
    change();
  };
  Object.assign(host.trees, {
    entry(path: string) {
      const found = entry(path);
      return found && /\/(?:page\.html|secret)$/.test(path) ? { ...found, changedMs: stampMs } : found;
    },
    async copies(...given: Parameters<typeof copies>) {
      swap();
      await copies(...given);
      swap();
    },
  });
  const choices = { keep: 5, backup: true, allowEmpty: false, asks: false, again: ["again"], dryRun: false };
  const given = {
    source: "/srv/site",
    subdir: null,
    dereference: true,
    trusted: [0],
    select: { include: [], exclude: [] },
  };
  const said = new Set<string>();
  for (let i = 0; i < 50; i++) {
    // The check before the copy happens in the tick of the first exchange.
    change();
    const request = await deployRequest(host.host, host.trees, { project, selection: given, choices }).catch(
      (error) => error.message,
    );
    if (typeof request !== "string") request.letGo();
    said.add(
      typeof request === "string" ? request : host.text("/var/www/docs/.edox-ops-backups/demo/.unpacked/page.html"),
    );
  }
  expect([...said]).toEqual(["/srv/site/page.html was changed while it was read: nothing was deployed"]);
});
