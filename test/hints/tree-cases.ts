// States of a real tree, each with the hint that a deploy, a restore or a check of it produces.

import { project, type TreeHost } from "../projects/tree.ts";

const tree = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
/** A hint of what a deploy needs, in a real tree. */
export interface TreeCase {
  of: string;
  state: (disk: TreeHost) => unknown;
  /** The command that names the hint. */
  from: string;
  shows?: string;
  /** What the live tree has in the end. */
  page?: string;
}

const earlier = `${backups}/20260101T000000Z/index.html`;
export const treeCases: TreeCase[] = [
  {
    of: 'projects/site-hints.ts ("restore", slug, ...named, "--yes")',
    state(disk) {
      disk.write(earlier, "earlier");
      disk.remove(tree);
    },
    from: "project validate demo",
    page: "earlier",
  },
  {
    of: 'projects/site-hints.ts ("restore", slug, ...named, "--yes")',
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
    of: 'projects/site-hints.ts ("deploy", slug, ...(isUsable ? [] : ["--source", "DIRECTORY"]))',
    state: (disk) => disk.remove(tree),
    from: "project validate demo",
    page: "new",
  },
  {
    of: 'projects/site-hints.ts ("deploy", slug, ...(isUsable ? [] : ["--source", "DIRECTORY"]))',
    state(disk) {
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, source_path: "/srv/site" } }));
      disk.remove(tree);
    },
    from: "project validate demo",
    page: "home",
  },
  {
    of: 'projects/site-hints.ts ("init", slug)',
    state(disk) {
      const root_path = "/var/www/docs/team/demo";
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, root_path } }));
    },
    from: "project validate demo",
  },
  {
    of: 'projects/releases.ts ["sudo", "edox-ops", "project", "init", slug]',
    state(disk) {
      const root_path = "/var/www/docs/team/demo";
      disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, root_path } }));
    },
    from: "project deploy demo --source /srv/site",
  },
  {
    of: 'projects/health.ts ("backups", "prune", slug, "--keep", String(mostKept))',
    state(disk) {
      disk.write(`${backups}/.stage-1-20260103T000000Z/index.html`, "half");
      for (let day = 10; day < 20; day++) disk.write(`${backups}/202601${day}T000000Z/index.html`, "kept");
    },
    from: "project validate demo",
  },
  {
    of: 'projects/health.ts ("deploy", slug, ...(source_path === null ? ["--source", "DIRECTORY"] : []))',
    state: (disk) => disk.mode(tree, 0o777),
    from: "project validate demo",
    page: "new",
  },
  {
    of: 'projects/publish.ts ["sudo", "edox-ops", "project", "deploy", project.slug, "--source", "DIRECTORY"]',
    state: () => {},
    from: "project deploy demo",
    page: "new",
  },
  {
    of: 'projects/publish.ts ["edox-ops", "project", "backups", "list", project.slug]',
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
    of: 'projects/releases.ts ["ls", "-ld", dir]',
    state: (disk) => disk.write(backups, "a file"),
    from: "project deploy demo --source /srv/site",
    shows: "-rw",
  },
  {
    of: 'projects/source.ts ["namei", "-l", typed]',
    state: () => {},
    from: "project deploy demo --source /srv/gone/site",
    shows: "gone - No such file or directory",
  },
  {
    of: 'projects/source-hints.ts [...again, "--dereference"]',
    state(disk) {
      disk.write("/usr/share/javascript/jquery.js", "jquery");
      disk.write("/srv/a/jquery.js", "-> ../../usr/share/javascript/jquery.js");
      disk.write("/srv/a/index.html", "with jquery");
    },
    from: "project deploy demo --source /srv/a",
    page: "with jquery",
  },
  {
    of: 'projects/dereference.ts ["namei", "-l", path]',
    state(disk) {
      disk.write("/etc/secret", "secret");
      disk.write("/srv/site/a", "-> /etc/secret");
    },
    from: "project deploy demo --source /srv/site --dereference",
    shows: "a -> /etc/secret",
  },
  {
    of: 'projects/source-hints.ts ["ls", "-la", name]',
    state: (disk) => disk.write("/srv/a/page.html", "no index"),
    from: "project deploy demo --source /srv/a",
    shows: "page.html",
  },
  {
    of: 'projects/source.ts (again, "--subdir", only)',
    state(disk) {
      disk.write("/srv/a/public/index.html", "below");
      disk.write("/srv/a/README", "");
    },
    from: "project deploy demo --source /srv/a --keep 3",
    page: "below",
  },
  {
    of: 'projects/source-hints.ts ["ls", "-ld", ...paths.map((path) => (path === "" ? sought.name : `{sought.name}/{path}`))]',
    state: (disk) => disk.mode("/srv/site/index.html", 0o4644),
    from: "project deploy demo --source /srv/site",
    shows: "-rwS",
  },
  {
    of: 'projects/source-hints.ts ["tar", "-tvf", path]',
    state(disk) {
      disk.write("/srv/b/out", "-> ../../etc/passwd");
      disk.write("/srv/b/index.html", "home");
      Bun.spawnSync(["tar", "-C", `${disk.root}/srv/b`, "-cf", `${disk.root}/srv/b.tar`, "."]);
    },
    from: "project deploy demo --source /srv/b.tar",
    shows: "./out -> ../../etc/passwd",
  },
  {
    of: 'projects/stage.ts ["df", ...flags, docsRoot]',
    state: (disk) => void Object.assign(disk.trees, { room: () => ({ bytes: 0, inodes: 9, size: 9, block: 1 }) }),
    from: "project deploy demo --source /srv/site",
    shows: "Use%",
  },
];
