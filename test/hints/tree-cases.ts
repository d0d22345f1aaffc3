// States of a real tree, each with the hint that a deploy, a restore or a check of it produces.

import { writeFileSync } from "node:fs";
import { pax, tarOf, zipOf } from "../sites/archives.ts";
import { project, type TreeHost } from "../sites/tree.ts";

const tree = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
/** A hint about a requirement of a deploy, in a real tree. */
export interface TreeCase {
  of: string;
  state: (disk: TreeHost) => unknown;
  /** The command that prints the hint. */
  from: string;
  shows?: string;
  /** The command that follows, where the hint only prepares for it. */
  after?: string;
  /** The content of the live tree at the end. */
  page?: string;
}

const earlier = `${backups}/20260101T000000Z/index.html`;
export const treeCases: TreeCase[] = [
  {
    of: 'sites/serve/site-hints.ts ("restore", slug, ...named, "--yes")',
    state(disk) {
      disk.write(earlier, "earlier");
      disk.remove(tree);
    },
    from: "project validate demo",
    page: "earlier",
  },
  {
    of: 'sites/serve/site-hints.ts ("restore", slug, ...named, "--yes")',
    async state(disk) {
      for (const content of ["one", "two"]) {
        disk.ahead += 5000;
        disk.write("/srv/site/index.html", content);
        await disk.deploy({ keep: 1 });
      }
      disk.ahead += 5000;
      await disk.restore(null, 1);
      disk.remove(tree);
    },
    from: "project validate demo",
    page: "two",
  },
  {
    of: 'sites/serve/site-hints.ts ("deploy", slug, ...(isUsable ? [] : ["--source", "DIRECTORY"]))',
    state: (disk) => disk.remove(tree),
    from: "project validate demo",
    page: "new",
  },
  {
    of: 'sites/serve/site-hints.ts ("deploy", slug, ...(isUsable ? [] : ["--source", "DIRECTORY"]))',
    state(disk) {
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, source_path: "/srv/site" } }));
      disk.remove(tree);
    },
    from: "project validate demo",
    page: "home",
  },
  {
    of: 'sites/serve/site-hints.ts ("init", slug)',
    state(disk) {
      const root_path = "/var/www/docs/team/demo";
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, root_path } }));
    },
    from: "project validate demo",
  },
  {
    of: 'sites/deploy/releases.ts ["sudo", "edox-ops", "project", "init", slug]',
    state(disk) {
      const root_path = "/var/www/docs/team/demo";
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, root_path } }));
    },
    from: "project deploy demo --source /srv/site",
  },
  {
    of: 'sites/health.ts ("backups", "prune", slug, ...selected, "--keep", String(mostKept))',
    state(disk) {
      disk.write(`${backups}/.stage-1-20260103T000000Z/index.html`, "half");
      for (let day = 10; day < 20; day++) disk.write(`${backups}/202601${day}T000000Z/index.html`, "kept");
    },
    from: "project validate demo",
  },
  {
    of: 'sites/health.ts ("deploy", slug, ...(source_path === null ? ["--source", "DIRECTORY"] : []))',
    state: (disk) => disk.mode(tree, 0o777),
    from: "project validate demo",
    page: "new",
  },
  {
    of: 'sites/deploy/requests.ts (choices.again, "--source", "DIRECTORY")',
    state: () => {},
    from: "project deploy demo",
    page: "new",
  },
  {
    of: 'sites/addresses/checked-site.ts (again, "--source", "DIRECTORY")',
    state: (disk) => disk.remove(tree),
    from: "project check-links demo",
    shows: "No broken links",
  },
  {
    of: 'sites/deploy/requests.ts ["edox-ops", "project", "backups", "list", project.slug, ...selected]',
    state: (disk) => disk.write(earlier, "earlier"),
    from: "project restore demo --backup 20260202T000000Z --yes",
    shows: "20260101T000000Z",
  },
  {
    of: 'cli/project/restore.ts ["sudo", "edox-ops", ...context.typed, "--yes"]',
    state: (disk) => disk.write(earlier, "earlier"),
    from: "project restore demo",
    page: "earlier",
  },
  {
    of: 'cli/project/remove.ts ["sudo", "edox-ops", ...context.typed, "--dry-run"]',
    state: (disk) => disk.write(earlier, "earlier"),
    from: "project remove demo --delete-files",
    shows: backups,
  },
  {
    of: 'cli/project/remove.ts ["sudo", "edox-ops", ...context.typed.filter((word) => word !== "--delete-files")]',
    state(disk) {
      const other = { ...project, slug: "other", domain: "other.test", root_path: `${project.root_path}/part` };
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: project, other }));
    },
    from: "project remove demo --delete-files --yes",
  },
  {
    of: 'sites/deploy/releases.ts ["ls", "-ld", dir]',
    state: (disk) => disk.write(backups, "a file"),
    from: "project deploy demo --source /srv/site",
    shows: "-rw",
  },
  {
    of: 'sites/source/source-hints.ts [...again, "--dereference"]',
    state(disk) {
      disk.write("/usr/share/javascript/jquery.js", "jquery");
      disk.write("/srv/a/jquery.js", "-> ../../usr/share/javascript/jquery.js");
      disk.write("/srv/a/index.html", "with jquery");
    },
    from: "project deploy demo --source /srv/a",
    page: "with jquery",
  },
  {
    of: 'sites/source/dereference.ts ["namei", "-l", path]',
    state(disk) {
      disk.write("/etc/secret", "secret");
      disk.write("/srv/site/a", "-> /etc/secret");
    },
    from: "project deploy demo --source /srv/site --dereference",
    shows: "a -> /etc/secret",
  },
  {
    of: 'sites/source/source-hints.ts ["ls", "-la", name]',
    state: (disk) => disk.write("/srv/a/page.html", "no index"),
    from: "project deploy demo --source /srv/a",
    shows: "page.html",
  },
  {
    of: 'sites/source/source.ts (again, "--subdir", only)',
    state(disk) {
      disk.write("/srv/a/public/index.html", "below");
      disk.write("/srv/a/README", "");
    },
    from: "project deploy demo --source /srv/a --keep 3",
    page: "below",
  },
  {
    of: 'sites/deploy/requests.ts (choices.again, "--source", above)',
    state: (disk) => disk.write("/srv/page/index.html", "one page"),
    from: "project deploy demo /srv/page/index.html --keep 3",
    page: "one page",
  },
  {
    of: 'sites/deploy/requests.ts (choices.again, "--source", above)',
    state: (disk) => disk.write("/srv/page/index.html", "one page"),
    from: "project deploy demo --source /srv/page/index.html --keep 3",
    page: "one page",
  },
  {
    of: 'sites/source/source-hints.ts ["ls", "-ld", ...paths.map((path) => (path === "" ? sought.name : `{sought.name}/{path}`))]',
    state: (disk) => disk.mode("/srv/site/index.html", 0o4644),
    from: "project deploy demo --source /srv/site",
    shows: "-rwS",
  },
  {
    of: 'sites/source/source-hints.ts (again, "--exclude", excluded.join(","))',
    state(disk) {
      disk.write("/srv/b/out", "-> ../../etc/passwd");
      disk.write("/srv/b/index.html", "without the link");
      Bun.spawnSync(["tar", "-C", `${disk.root}/srv/b`, "-cf", `${disk.root}/srv/b.tar`, "."]);
    },
    from: "project deploy demo --source /srv/b.tar",
    page: "without the link",
  },
  {
    of: 'sites/source/source-hints.ts [...again, "--allow-empty", "--dry-run", "--diff"]',
    // The name lacks the extension that shows its type.
    state: (disk) => writeFileSync(`${disk.root}/srv/b`, zipOf([{ name: "public/page.html", content: "page" }])),
    from: "project deploy demo --source /srv/b",
    shows: "public/page.html",
  },
  {
    of: 'sites/source/source-hints.ts ["tar", "-C", "DIRECTORY", "-czf", "site.tar.gz", "."]',
    state: (disk) => writeFileSync(`${disk.root}/srv/b.zip`, zipOf([{ name: "../x", content: "x" }])),
    from: "project deploy demo --source /srv/b.zip",
    after: "project deploy demo --source /srv/site.tar.gz",
    page: "new",
  },
  {
    of: 'sites/source/source-hints.ts ["tar", "-C", "DIRECTORY", "-czf", "site.tar.gz", "."]',
    state(disk) {
      writeFileSync(`${disk.root}/srv/b.tar`, tarOf([{ name: "a,b", type: "2", link: "/etc/passwd" }]));
    },
    from: "project deploy demo --source /srv/b.tar",
    after: "project deploy demo --source /srv/site.tar.gz",
    page: "new",
  },
  {
    of: 'sites/source/source-hints.ts ["find", top, "-regextype", "posix-extended", "-regex", `.{{longestPath},}`, "-print", "-quit"]',
    state(disk) {
      const make = "for (1..20) { $d = 'd' x 199; mkdir $d; chdir $d or die } open F, '>page.html' or die";
      Bun.spawnSync(["perl", "-e", make], { cwd: `${disk.root}/srv/site` });
    },
    from: "project deploy demo --source /srv/site",
    shows: "/ddd",
  },
  {
    of: 'sites/source/source-path.ts ["namei", "-l", typed]',
    state: () => {},
    from: "project deploy demo --source /srv/gone/site",
    shows: "gone - No such file or directory",
  },
  {
    of: 'sites/source/source-path.ts ["ls", "-ld", path]',
    state: (disk) => disk.write("/etc/site/index.html", "home"),
    from: "project deploy demo --source /etc/site",
    shows: "drwx",
  },
  {
    of: 'sites/source/source-path.ts ["sudo", "cp", "-r", path, "/srv/"]',
    state: (disk) => disk.write("/root/pages/index.html", "of root"),
    from: "project deploy demo --source /root/pages",
    after: "project deploy demo --source /srv/pages",
    page: "of root",
  },
  {
    of: 'sites/source/left-out.ts (again, "--exclude", excluded.join(","))',
    state: (disk) => disk.write("/srv/site/.env", "secret"),
    from: "project deploy demo --source /srv/site",
    page: "home",
  },
  {
    of: 'sites/source/left-out.ts ["ls", "-la", name]',
    state(disk) {
      for (let i = 0; i <= 20; i++) disk.write(`/srv/site/.env.${i}`, "secret");
    },
    from: "project deploy demo --source /srv/site",
    shows: ".env.20",
  },
  {
    of: 'sites/deploy/unpacked.ts ["ls", "-l", given]',
    state(disk) {
      const room = { bytes: 1e14, inodes: 1e9, size: 1e14, block: 4096 };
      Object.assign(disk.trees, { room: () => room });
      const sparse = pax([
        ["GNU.sparse.size", "9007199254740991"],
        ["GNU.sparse.map", "0,4"],
      ]);
      writeFileSync(`${disk.root}/srv/b.tar`, tarOf([sparse, { name: "index.html", content: "home" }]));
    },
    from: "project deploy demo --source /srv/b.tar",
    shows: "-rw",
  },
  ...[
    { bytes: 1, inodes: 1e6, size: 100, block: 1 },
    { bytes: 1e12, inodes: 1, size: 1e12, block: 1 },
  ].map((room) => ({
    of: 'sites/deploy/unpacked.ts ["df", limit === "entries" ? "-i" : "-h", docsRoot]',
    state(disk: TreeHost) {
      Object.assign(disk.trees, { room: () => room });
      writeFileSync(`${disk.root}/srv/b.tar`, tarOf([{ name: "index.html", content: "home" }]));
    },
    from: "project deploy demo --source /srv/b.tar",
    shows: "Use%",
  })),
  {
    of: 'sites/source/dereference.ts ["df", fits ? "-h" : "-i", docsRoot]',
    state: (disk) => void Object.assign(disk.trees, { room: () => ({ bytes: 0, inodes: 9, size: 9, block: 1 }) }),
    from: "project deploy demo --source /srv/site --dereference",
    shows: "Use%",
  },
  {
    of: 'sites/deploy/room.ts ["df", ...flags, docsRoot]',
    state: (disk) => void Object.assign(disk.trees, { room: () => ({ bytes: 0, inodes: 9, size: 9, block: 1 }) }),
    from: "project deploy demo --source /srv/site",
    shows: "Use%",
  },
];
