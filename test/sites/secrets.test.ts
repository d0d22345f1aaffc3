// Entries that a deploy does not publish because of their names: secrets, version control data, homes.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { isSecret } from "../../src/sites/source/secrets.ts";
import { whyNotPublished } from "../../src/sites/source/source-path.ts";
import type { TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
let host: TreeHost;
beforeEach(() => {
  host = registeredHost();
});
afterEach(() => host[Symbol.dispose]());

const put = (...paths: string[]): void => {
  for (const path of paths) host.write(`/srv/site/${path}`, "x");
};
const deployed = (...flags: string[]) => typedDeploy(host.root, "/srv/site", ...flags);
const hintOf = (err: string): string => /^hint: (.+)$/m.exec(err)?.[1] ?? "";

describe("secrets: recognised by name:", () => {
  test.each([
    ...[".env", "a/.env.production", ".ENV", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf"],
    ...[".git-credentials", ".htpasswd", "a/.docker/config.json", ".bash_history", ".python_history", ".lesshst"],
    ...[
      "id_rsa ",
      "id_rsa~",
      "id_rsa.bak",
      "a/id_ed25519.old",
      ".netrc.orig",
      ".npmrc~",
      ".env ",
      ".git-credentials.bak~",
    ],
    ...["id_rsa", "keys/id_ed25519", "id_ecdsa_sk", "a/passwords.kdbx", "putty.PPK", "site.p12", "server.pfx"],
  ])("file %s", (path) => {
    expect(isSecret({ path, type: "file" })).toBe(true);
    expect(isSecret({ path, type: "link" })).toBe(true);
  });

  test.each([".ssh", "a/.gnupg", ".aws", ".azure", ".kube", ".password-store", ".config/gcloud"])(
    "directory %s",
    (path) => {
      expect(isSecret({ path, type: "directory" })).toBe(true);
    },
  );

  test.each([
    ...[
      ".env.example",
      "guide/.env.html",
      ".env.sample",
      "import.meta.env.html",
      "prod.environment",
      "env",
      "id_rsa.pub",
    ],
    ...["id_rsa.html", ".gitignore", ".gitkeep", ".nojekyll", ".buildinfo", ".well-known/security.txt", "history.html"],
    ...[
      "config.json",
      "docker/config.json",
      ".htaccess",
      ".git",
      "kdbx.html",
      "index.html~",
      "page.old",
      ".env.example~",
      "a.key",
      "ca.pem",
      "auth.json",
    ],
  ])("not recognised: %s", (path) => {
    expect(isSecret({ path, type: "file" })).toBe(false);
  });

  test("never as a file if it is a directory: .env may be a virtual environment", () => {
    expect(isSecret({ path: ".env", type: "directory" })).toBe(false);
  });
});

describe("deploy: a source with secrets", () => {
  test("is rejected with all their names, nothing is changed, and the hint deploys the rest", async () => {
    put(".env", ".ssh/id_rsa", ".ssh/config", "guide/passwords.kdbx");
    const { exit, err } = await deployed();
    expect(exit).toBe(1);
    expect(err).toContain("/srv/site is not published: these look like secrets by name, 3 files: ");
    expect(host.list("/var/www/docs/demo")).toEqual([]);
    const [, , , , , , flag = "", excluded = ""] = hintOf(err).split(" ");
    expect([flag, excluded.split(",").sort()]).toEqual(["--exclude", [".env", ".ssh", "guide/passwords.kdbx"]]);
    expect(await deployed(flag, excluded)).toMatchObject({ exit: 0, err: "" });
    expect(host.list(live)).toEqual(["guide", "index.html"]);
    expect((await deployed(flag, excluded)).out).toContain("1 file, 0 changed");
  });

  test("publishes the paths of --include, with everything below them", async () => {
    put("keys/id_rsa", "keys/b.kdbx", "other.kdbx");
    expect((await deployed("--include", "keys")).err).toContain("1 file: other.kdbx");
    expect(await deployed("--include", "./keys/,other.kdbx")).toMatchObject({ exit: 0, err: "" });
    expect(host.list(live)).toEqual(["index.html", "keys", "other.kdbx"]);
  });

  test("is also rejected by a dry run, in a subdirectory, and in an archive", async () => {
    put("part/index.html", "part/.env");
    expect((await deployed("--dry-run")).err).toContain("1 file: part/.env");
    expect((await deployed("--subdir", "part")).err).toContain("1 file: .env");
    expect(Bun.spawnSync(["tar", "-C", `${host.root}/srv/site`, "-cf", `${host.root}/srv/a.tar`, "."]).exitCode).toBe(
      0,
    );
    expect((await typedDeploy(host.root, "/srv/a.tar")).err).toContain("1 file: part/.env");
    expect(host.list("/var/www/docs")).not.toContain(".edox-ops-backups");
    expect(await typedDeploy(host.root, "/srv/a.tar", "--exclude", "part/.env")).toMatchObject({ exit: 0 });
    expect(host.list(`${live}/part`)).toEqual(["index.html"]);
  });

  test("is listed if it has more secrets than a command can exclude", async () => {
    put(...Array.from({ length: 21 }, (_, i) => `${i}/.env`));
    expect(hintOf((await deployed()).err)).toBe("ls -la /srv/site");
  });

  test("is rejected if --subdir is a secret or lies in one", async () => {
    put(".ssh/index.html", ".git/a/index.html");
    expect((await deployed("--subdir", ".git/a")).err).toContain("--subdir '.git/a': .git holds secrets or version");
    expect((await typedDeploy(host.root, "/srv/site/.ssh")).err).toContain(
      "it is in /srv/site/.ssh, which holds secrets",
    );
  });
});

describe("deploy: version control data", () => {
  test("is left out with a warning, and published if it is included", async () => {
    put(".git/config", "sub/.git/config", ".hg/x", "notes/.svn/y");
    const warning = "warning: left out, as version control data: .git, .hg, notes/.svn and 1 more\n";
    expect(await deployed()).toMatchObject({ exit: 0, err: warning });
    expect(host.list(live)).toEqual(["index.html", "notes", "sub"]);
    put(".git/config2");
    expect((await deployed()).out).toContain("1 file, 0 changed");
    const { err } = await deployed("--include", ".git,sub/.git", "--exclude", ".hg,notes");
    expect(err).toBe("warning: nginx will not serve 3 files: .git/config, .git/config2, sub/.git/config\n");
    expect(host.list(live)).toEqual([".git", "index.html", "sub"]);
  });

  test("in a worktree or a submodule is a file, which is published", async () => {
    put(".git");
    expect((await deployed()).err).toBe("warning: nginx will not serve 1 file: .git\n");
  });

  test("restore: a release that contains such data is restored completely", async () => {
    put(".git/config", ".env");
    await deployed("--include", ".git,.env");
    host.write("/srv/site/index.html", "two");
    await deployed("--exclude", ".env");
    expect(host.list(live)).toEqual(["index.html"]);
    await host.restore();
    expect(host.list(live)).toEqual([".env", ".git", "index.html"]);
  });
});

describe("deploy: --include and --exclude", () => {
  test.each(["/srv/site/.env", "../x", "", ".", "a,,b", "a/../b"])("'%s' is a usage error", async (typed) => {
    expect((await deployed("--exclude", typed)).exit).toBe(2);
    expect((await deployed("--include", typed)).exit).toBe(2);
  });

  test("the same path in both is a usage error", async () => {
    const { exit, err } = await deployed("--include", "a,.env", "--exclude", ".env/");
    expect([exit, err]).toEqual([2, expect.stringContaining("--include and --exclude cannot both name '.env'")]);
  });

  test("a name that is missing in the source causes a warning", async () => {
    put("a/b");
    const { exit, err } = await deployed("--include", "a/b", "--exclude", "none,no/file");
    const warning = "nothing in the source has a name that was given with --include or --exclude: none, no/file";
    expect([exit, err]).toEqual([0, `warning: ${warning}\n`]);
  });

  test("a pattern is a usage error, unless an entry has that name", async () => {
    put("a.map", "what?");
    for (const flags of [[], ["--dry-run"]]) {
      const { exit, err } = await deployed("--exclude", "what?,*.map", ...flags);
      expect([exit, err]).toEqual([
        2,
        "error: --exclude takes paths and no patterns, and nothing in the source has the name *.map\n" +
          "hint: edox-ops project deploy --help\n",
      ]);
    }
    expect(await deployed("--exclude", "what?,a.map")).toMatchObject({ exit: 0, err: "" });
    expect(host.list(live)).toEqual(["index.html"]);
  });

  test("excluded entries may change during the deploy, and are not checked", async () => {
    put("drafts/index.html", "page");
    host.mode("/srv/site/page", 0o4644);
    const select = { include: [], exclude: ["drafts", "page"] };
    const pause = async () => host.write("/srv/site/drafts/new", "x");
    expect(await host.deploy({ select, pause })).toMatchObject({ files: 1 });
  });
});

describe("deploy: homes", () => {
  beforeEach(() => {
    host.write(
      "/etc/passwd",
      "root:x:0:0::/root:/bin/sh\njoe:x:1000:1000::/data/joe/:/bin/sh\nnobody:x:9:9::/:/bin/false\n",
    );
    for (const dir of ["/root/site", "/home/eve/public", "/data/joe/public"]) host.write(`${dir}/index.html`, "x");
  });

  test.each([
    ["/root", "it is the home directory of root, and everything in it would be public"],
    ["/data/joe", "it is the home directory of joe, and everything in it would be public"],
    ["/data", "it contains /data/joe, the home directory of joe"],
    ["/home/eve", "it is a home directory, and everything in it would be public"],
    ["/home", "it contains the home directories of all users"],
  ])("%s is rejected", async (path, reason) => {
    const { exit, err } = await typedDeploy(host.root, path);
    expect([exit, err]).toEqual([1, expect.stringContaining(`${path} is not published: ${reason}`)]);
  });

  test("a home behind symlinks is rejected, by each of its paths", async () => {
    host.write("/etc/passwd", "amy:x:1:1::/export/amy:/bin/sh\nbob:x:2:2::/loop/bob:/bin/sh\n");
    for (const path of ["/disk/homes/amy", "/disk/home/eve"]) host.write(`${path}/index.html`, "x");
    host.remove("/home");
    host.write("/home", "-> disk/./x/../home");
    host.write("/disk/x/y", "");
    host.write("/export", "-> /disk/homes");
    host.write("/loop", "-> /loop");
    for (const [path, reason] of [
      ["/disk/homes/amy", "it is the home directory of amy"],
      ["/export/amy", "it is the home directory of amy"],
      ["/disk/home/eve", "it is a home"],
      ["/home/eve", "it is a home"],
      ["/disk/home", "it contains the home directories of all users"],
    ] as const) {
      expect((await typedDeploy(host.root, path)).err).toContain(`is not published: ${reason}`);
      // `project update --source-path` checks the path before it is opened.
      expect(whyNotPublished(host.host, path)?.reason).toStartWith(reason);
    }
  });

  test("a folder in a home is published; of root's home only a copy, as the hint makes it", async () => {
    expect(await typedDeploy(host.root, "/data/joe/public")).toMatchObject({ exit: 0 });
    expect(await typedDeploy(host.root, "/home/eve/public")).toMatchObject({ exit: 0 });
    const { err } = await typedDeploy(host.root, "/root/site");
    expect(err).toContain("it is in the home of root: copy it to /srv/site, and publish that");
    expect(hintOf(err)).toBe("cp -r /root/site /srv/");
  });

  test("a folder on the boot partition of a Raspberry Pi is published as a copy, as the hint makes it", async () => {
    host.write("/boot/firmware/public/index.html", "x");
    const { exit, err } = await typedDeploy(host.root, "/boot/firmware/public");
    expect([exit, err]).toEqual([1, expect.stringContaining("it is on the boot partition: copy it to /srv/public")]);
    expect(hintOf(err)).toBe("cp -r /boot/firmware/public /srv/");
    expect((await typedDeploy(host.root, "/boot/firmware")).err).toContain("it is part of the system");
  });

  test("an archive beside homes is accepted", async () => {
    expect(Bun.spawnSync(["tar", "-C", `${host.root}/srv/site`, "-cf", `${host.root}/home/a.tar`, "."]).exitCode).toBe(
      0,
    );
    expect(await typedDeploy(host.root, "/home/a.tar")).toMatchObject({ exit: 0 });
  });
});
