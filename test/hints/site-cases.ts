// States of a host whose trees are real and whose nginx is in memory, each with the hint of a command that changes both.

import { mkdtempSync, rmSync, truncateSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { projectLockPath } from "../../src/sites/deploy/releases.ts";
import { makeBundle } from "../bundle/small.ts";
import { addAuthority } from "../certs/fake-authority.ts";
import { putLineage } from "../certs/lineage-files.ts";
import type { SiteHost } from "../sites/site-host.ts";

export interface SiteCase {
  of: string;
  /** Brings the host into the state. */
  state: (site: SiteHost) => unknown;
  /** Ends by itself before the hint is typed. */
  lifts?: (site: SiteHost) => void;
  from: string;
  /** What the hint prints of the cause, where it only looks. Without it `after` succeeds afterwards. */
  shows?: string;
  /** What is typed afterwards, in the place of `from`. */
  after?: string;
  /** Whether the file system must have the flags of chattr. */
  needsFlags?: boolean;
  /** Lets the host be removed, however the case ends. */
  ends?: (site: SiteHost) => void;
}

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups";

const chattr = (...words: string[]): boolean => Bun.spawnSync(["chattr", ...words]).success;

/** Whether the file system of temporary files has the flags of chattr. */
export const keepsFlags = ((): boolean => {
  if (Bun.which("chattr") === null) return false;
  const dir = mkdtempSync(`${tmpdir()}/edox-flags-`);
  const keeps = chattr("+i", dir) && chattr("-i", dir);
  rmSync(dir, { recursive: true });
  return keeps;
})();

/** A case with a path that has a flag of chattr. */
const flagged = (flag: string, path: string): Pick<SiteCase, "state" | "ends" | "needsFlags"> => ({
  needsFlags: true,
  async state(site) {
    await publish(site);
    site.disk.write("/srv/new/index.html", "new");
    chattr(`+${flag}`, site.disk.root + path);
  },
  ends: ({ disk }) => void chattr("-R", "-f", "-ia", `${disk.root}/var/www`),
});

const cdnPage = '<script src="https://cdn.test/mathjax.js"></script>';

/** Publishes the project demo. */
async function publish(site: SiteHost): Promise<void> {
  const { exit, err } = await site.type("project publish demo --domain demo.test --source /srv/site");
  if (exit !== 0) throw new Error(err);
}

/** Publishes the project demo with a preview. */
async function preview(site: SiteHost): Promise<void> {
  site.fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  await publish(site);
  const { exit, err } = await site.type("project deploy demo /srv/site --preview fix-7");
  if (exit !== 0) throw new Error(err);
}

const previews = "/var/www/docs/.edox-ops-previews/demo";

export const siteCases: SiteCase[] = [
  {
    of: 'sites/rules/way-out.ts (again, "--exclude", excluded.join(","))',
    async state(site) {
      await publish(site);
      site.disk.write("/srv/site/_redirects", "/old\n");
    },
    from: "project deploy demo /srv/site",
    after: "project show demo",
  },
  {
    of: 'sites/rules/way-out.ts (again, "--exclude", excluded.join(","))',
    async state(site) {
      await publish(site);
      site.disk.write("/srv/site/_redirects", "/old /\n");
      site.disk.write("/srv/site/_headers", "/*\n  X-A: b\n");
      site.rules.refusal = 'nginx: [emerg] unexpected "}" in /run/edox-ops/rules-demo/nginx.conf:9\n';
    },
    from: "project deploy demo /srv/site",
    after: "project show demo",
  },
  {
    of: 'sites/rules/way-out.ts (again, "--exclude", excluded.join(","))',
    async state(site) {
      await publish(site);
      site.disk.write("/srv/site/_redirects", "/old\n");
    },
    from: "project check-links demo /srv/site",
    shows: "No broken links",
    after: "project show demo",
  },
  {
    of: 'sites/rules/tree-rules.ts ["ls", "-ld", path]',
    async state(site) {
      site.disk.write("/srv/site/_redirects", "/old /\n");
      await publish(site);
      site.disk.remove("/var/www/docs/demo/_redirects");
      site.disk.write("/var/www/docs/demo/_redirects/index.html", "a directory");
    },
    from: "project validate demo",
    after: "project show demo",
  },
  {
    of: 'cli/project/password-flags.ts (["sudo", "edox-ops", ...context.typed], "--password-file", "-")',
    async state(site) {
      await publish(site);
      site.fake.put("/root/password", "short\n");
    },
    from: "project update demo --password site --password-file /root/password",
    after: "project show demo",
  },
  {
    of: 'sites/serve/password.ts ["sudo", "edox-ops", "project", "update", slug, "--password", scope, "--new-password"]',
    async state(site) {
      await publish(site);
      await site.type("project update demo --password site --real-ip-from 10.0.0.5");
      site.fake.remove("/etc/nginx/edox-ops-password-demo");
    },
    from: "project enable demo",
  },
  {
    of: 'cli/project/preview-release.ts ["edox-ops", "project", "show", holder.slug]',
    async state(site) {
      await publish(site);
      await site.type("project update demo --previews host --alias www.preview.demo.test");
    },
    from: "project deploy demo /srv/site --preview www",
    shows: "www.preview.demo.test",
  },
  {
    of: 'cli/project/preview-release.ts ["sudo", "edox-ops", "project", "previews", "remove", slug, oldest?.name ?? "NAME"]',
    async state(site) {
      await preview(site);
      for (let i = 1; i < 500; i++) site.disk.write(`${previews}/-/p${i}/index.html`, "x");
    },
    from: "project deploy demo /srv/site --preview new",
  },
  {
    of: 'cli/project/previews-remove.ts ["sudo", "edox-ops", "project", "previews", "list", slug]',
    state: preview,
    from: "project previews remove demo other",
    shows: "fix-7",
  },
  {
    of: 'sites/previews/checks.ts ["sudo", "edox-ops", "project", "previews", "prune"]',
    async state(site) {
      await preview(site);
      const metadata = { created: "2026-01-01T00:00:00Z", expires: "2026-01-02T00:00:00Z", branch: null, key: null };
      site.disk.write(`${previews}/fix-7.json`, JSON.stringify(metadata));
    },
    from: "previews:expiry",
    after: "project previews prune",
  },
  {
    of: 'sites/previews/checks.ts ["sudo", "edox-ops", "project", "previews", "prune"]',
    async state(site) {
      await preview(site);
      site.fake.nodes.delete("/etc/systemd/system/edox-ops-previews.timer");
    },
    from: "previews:timer",
    after: "project previews prune",
  },
  {
    of: 'sites/previews/checks.ts ["sudo", "edox-ops", "project", "previews", "list", faulty]',
    async state(site) {
      await preview(site);
      site.disk.write(`${previews}/fix-7.json`, "{}");
    },
    from: "previews:expiry",
    shows: "fix-7",
  },
  {
    of: 'cli/project/publish.ts ["edox-ops", ...context.typed, "--source", "DIRECTORY"]',
    state: ({ disk }) => disk.write("/srv/new/index.html", "new"),
    from: "project publish demo --domain demo.test",
    after: "project show demo",
  },
  {
    of: 'sites/serve/certificate-hints.ts ["sudo", "edox-ops", "project", "publish", slug, "--domain", domain, ...source, "--tls"]',
    async state(site) {
      site.disk.write("/srv/new/index.html", "new");
      addAuthority(site.fake, ["new.test"], site.host.now());
      putLineage(site.fake, { name: "new.test", names: ["other.test"] });
    },
    from: "project add demo --domain new.test --tls",
    after: "project show demo",
  },
  {
    of: 'bundle/show-hint.ts ["edox-ops", "bundle", "show", path]',
    state: ({ disk }) => makeBundle(disk.host, "/srv/edox.tar", {}),
    from: "project publish demo --domain demo.test --bundle /srv/edox.tar",
    shows: "sites: 0",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    async state(site) {
      await publish(site);
      site.disk.write("/srv/site/index.html", "changed");
      site.fake.locks.set(projectLockPath("demo"), { pid: 4711, command: "edox-ops", sinceMs: site.host.now() });
    },
    lifts: ({ fake }) => fake.locks.clear(),
    from: "project deploy demo --source /srv/site",
  },
  {
    of: 'sites/deletion.ts ["sudo", "ls", "-la", above(dir)]',
    async state(site) {
      await publish(site);
      const { remove } = site.trees;
      Object.assign(site.trees, {
        remove(path: string) {
          if (path.endsWith(".removing-demo") && site.trees.entry(path))
            throw new Error(`EIO: i/o error, rmdir '${path}'`);
          remove(path);
        },
      });
    },
    from: "project remove demo --delete-files --yes",
    shows: ".removing-demo",
  },
  {
    of: 'sites/checks.ts ["ls", "-l", "--time-style=full-iso", changed]',
    async state(site) {
      await publish(site);
      const edited = `${backups}/demo/20260101T000000Z/index.html`;
      site.disk.write(edited, "edited");
      const seconds = Date.UTC(2026, 2, 1) / 1000;
      utimesSync(site.disk.root + edited, seconds, seconds);
    },
    from: "deploy-backups:size",
    shows: "2026-03-01 00:00:00",
  },
  {
    of: 'sites/checks.ts ["sudo", "edox-ops", "project", "backups", "list", largest.slug]',
    async state(site) {
      await publish(site);
      const large = `${backups}/demo/20260101T000000Z/film.mp4`;
      site.disk.write(large, "");
      truncateSync(site.disk.root + large, 600 * 2 ** 20);
    },
    from: "deploy-backups:size",
    shows: `20260101T000000Z\t${600 * 2 ** 20}\t`,
  },
  {
    of: 'sites/checks.ts ["sudo", "ls", "-lR", backupsDir]',
    async state(site) {
      await publish(site);
      const bad = `${backups}/demo/20260101T000000Z`;
      site.disk.write(`${bad}/index.html`, "old");
      const { walk } = site.trees;
      Object.assign(site.trees, {
        walk(path: string) {
          if (path === bad) throw new Error(`EIO: i/o error, scandir '${bad}'`);
          return walk(path);
        },
      });
    },
    from: "deploy-backups:size",
    shows: "20260101T000000Z",
  },
  {
    of: 'sites/health.ts ("show", slug)',
    async state(site) {
      await publish(site);
      const { list } = site.host;
      Object.assign(site.host, {
        list(path: string) {
          if (path === live) throw new Error(`EIO: i/o error, scandir '${live}'`);
          return list(path);
        },
      });
    },
    from: "project validate demo",
    shows: live,
  },
  {
    of: 'sites/deletion.ts ["sudo", "chattr", "-i", path]',
    ...flagged("i", `${live}/index.html`),
    from: "project remove demo --delete-files --dry-run",
  },
  {
    of: 'sites/deletion.ts ["sudo", "chattr", "-a", path]',
    ...flagged("a", live),
    from: "project remove demo --delete-files --dry-run",
  },
  {
    of: 'problem/disk-fault.ts ["lsattr", "-d", dir, path]',
    ...flagged("i", live),
    from: "project deploy demo --source /srv/new",
    shows: "----i",
  },
  {
    of: 'sites/serve/blocked.ts ["sudo", "edox-ops", "project", "update", project.slug, "--csp"]',
    async state(site) {
      await publish(site);
      for (const name of ["one", "two"]) site.disk.write(`/srv/${name}/index.html`, `${cdnPage}${name}`);
    },
    from: "project deploy demo --source /srv/one",
    after: "project deploy demo --source /srv/two",
  },
];
