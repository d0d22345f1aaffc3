// States of a host in memory, each with the hint that it produces.

import { Text } from "../../src/engine/change.ts";
import { journalDir, lockDir, lockPath, unconfirmedPath } from "../../src/engine/paths.ts";
import { programLockPath } from "../../src/self-update/paths.ts";
import { projectLockPath } from "../../src/sites/deploy/releases.ts";
import { parentOf } from "../../src/text/path.ts";
import { addAuthority } from "../certs/fake-authority.ts";
import { interrupt } from "../engine/killed-host.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { issue } from "../sites/certificates.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const site = "/etc/nginx/sites-available/edox-ops-demo";
const link = "/etc/nginx/sites-enabled/edox-ops-demo";
const tree = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";

/** A hint in the source, and a state that produces it. */
export interface Case {
  of: string;
  /** Brings the host into the state. */
  state: (host: FakeHost) => void | Promise<void>;
  /** The doctor check whose finding has the hint, or the command whose error has it. */
  from: string;
  /**
   * Output that shows the cause, for a hint that only reads. Without it, the same check or command succeeds afterwards.
   */
  shows?: string;
  /** The check or command that runs afterwards instead of `from`. */
  after?: string;
  /** Ends a condition that ends by itself before the hint is typed. */
  lifts?: (host: FakeHost) => void;
  /** Number of hints to type until the state is fixed, 1 by default. */
  steps?: number;
}

export const cases: Case[] = [
  // doctor
  {
    of: 'doctor/entries.ts ["sudo", "chown", "root:root", path]',
    state: (host) => host.put(projectsPath, host.text(projectsPath) ?? "", { mode: 0o600, uid: 1000 }),
    from: "state:permissions",
  },
  {
    of: 'doctor/entries.ts ["sudo", "chmod", "0600", path]',
    state: (host) => host.put(projectsPath, host.text(projectsPath) ?? "", { mode: 0o666, uid: 1000 }),
    from: "state:permissions",
    steps: 2,
  },
  {
    of: 'doctor/entries.ts ["ls", "-ld", path]',
    state: (host) => host.dir("/etc/edox-ops/runner.json"),
    from: "state:permissions",
    shows: "drwx",
  },
  {
    of: 'doctor/entries.ts ["sudo", "apt-get", "clean"]',
    state(host) {
      const deb = "/var/cache/apt/archives/big.deb";
      host.put(deb, "");
      const { stat } = host;
      host.stat = (path) => {
        const found = stat(path);
        return path === deb && found !== null ? { ...found, size: 900 * 2 ** 20 } : found;
      };
      host.space = () => ({ bytesFree: (host.nodes.has(deb) ? 400 : 1300) * 2 ** 20, inodes: 1e6, inodesFree: 9e5 });
    },
    from: "host:disk",
  },
  {
    of: 'doctor/entries.ts ["sudo", "du", "-axh", "--max-depth=2", "--threshold=100M", mountPointOf(reader, least.path)]',
    state(host) {
      host.put("/srv/old/dump", new Uint8Array(101 * 2 ** 20));
      host.space = () => ({ bytesFree: 2 ** 20, inodes: 1e6, inodesFree: 9e5 });
    },
    from: "host:disk",
    shows: "/srv/old",
  },
  {
    of: 'doctor/entries.ts ["sudo", "du", "-x", "--inodes", "--max-depth=2", "--threshold=1000", point]',
    state(host) {
      for (let i = 0; i < 1100; i++) host.put(`/srv/many/${i}`, "");
      host.space = () => ({ bytesFree: 5e10, inodes: 1e6, inodesFree: 1 });
    },
    from: "host:inodes",
    shows: "/srv/many",
  },
  {
    of: 'nginx/fault.ts ["sudo", "apt-get", "-o", "Dpkg::Options::=--force-confmiss", "install", "--reinstall", owner]',
    state: (host) => host.remove("/etc/nginx/nginx.conf"),
    from: "bootstrap --yes",
  },
  {
    of: 'nginx/fault.ts ["sudo", "edox-ops", "bootstrap", "--yes"]',
    state: removeNginx,
    from: "nginx:config",
  },
  {
    of: 'nginx/fault.ts ["sudo", "edox-ops", "project", "enable", missing]',
    state: (host) => host.remove(site),
    from: "nginx:config",
  },
  {
    of: 'nginx/fault.ts ["sudo", "edox-ops", "project", "render-nginx", slug]',
    state: (host) => host.put(site, "server { bogus; }"),
    from: "nginx:config",
  },
  {
    of: 'nginx/fault.ts ["sudo", "edox-ops", "bootstrap", "--yes"]',
    state: (host) => host.put("/etc/nginx/conf.d/edox-ops-default.conf", "bogus;"),
    from: "nginx:config",
  },
  {
    of: 'problem/show-file.ts ["sudo", "sed", "-n", `{line}p`, path]',
    state: (host) => host.put("/etc/nginx/conf.d/foreign.conf", "# theirs\nbogus;\n"),
    from: "nginx:config",
    shows: "bogus;",
  },
  {
    of: 'doctor/doctor.ts ["sudo", "edox-ops", ...recipe.command.split(" "), "--yes"]',
    state: (host) => host.remove("/etc/nginx/conf.d/edox-ops-limits.conf"),
    from: "nginx:limits",
  },
  {
    of: 'sites/checks.ts ["rm", path]',
    state: (host) => host.link("/etc/nginx/sites-enabled/edox-ops-gone", site),
    from: "nginx:orphan",
  },
  {
    of: 'sites/checks.ts ["mv", "--no-clobber", path, sitesAvailableDir]',
    state: (host) => host.put("/etc/nginx/sites-enabled/edox-ops-gone", "server { listen 80; }"),
    from: "nginx:orphan",
  },
  {
    of: 'sites/checks.ts ["cat", open.path]',
    state: (host) => host.put("/etc/nginx/conf.d/x.conf", "server {\n root /var/www;\n}"),
    from: "deploy-backups:web-exposure",
    shows: "root /var/www;",
  },
  {
    of: 'doctor/apt.ts ["cat", first.path]',
    state: (host) =>
      host.put("/etc/apt/sources.list", "deb [signed-by=/etc/none.gpg] http://deb.test/debian bookworm main\n"),
    from: "apt:sources",
    shows: "/etc/none.gpg",
  },
  {
    of: 'doctor/apt.ts ["ls", "-l", "/etc/apt/sources.list.d"]',
    state: (host) => host.remove("/etc/apt/sources.list"),
    from: "apt:sources",
    shows: "total 0",
  },
  {
    of: 'doctor/python-version.ts ["sudo", ...as, "rm", "-r", ...paths]',
    state(host) {
      const packages = "/usr/local/lib/python3.11/dist-packages";
      host.put(`${packages}/edox_ops/cli.py`, "");
      host.put(`${packages}/edox_ops-0.1.0.dist-info/METADATA`, "Name: edox-ops\n");
      host.put("/usr/local/bin/edox-ops", "#!/usr/bin/python3\nimport sys\nfrom edox_ops.cli import app\n");
    },
    from: "host:python-version",
  },
  {
    of: 'nginx/fault.ts ["sudo", "nginx", "-t"]',
    state: (host) => host.put("/etc/nginx/conf.d/x.conf", `server {\n server_name ${"a".repeat(900)}.test;\n}`),
    from: "nginx:config",
    shows: "could not build server_names_hash",
  },
  // project validate, and doctor's line for each project
  {
    of: 'sites/serve/site-hints.ts ["sudo", "mv", "--no-clobber", swapped, root_path]',
    state(host) {
      host.dir(`${tree}.previous-swap`);
      host.put(`${tree}.previous-swap/index.html`, "home", { gid: 33 });
      removeTree(host);
    },
    from: "project:demo",
  },
  {
    of: 'sites/health.ts ["ls", "-ld", root_path]',
    state(host) {
      removeTree(host);
      host.put(tree, "");
    },
    from: "project:demo",
    shows: "-rw",
  },
  {
    of: 'sites/health.ts ("update", slug, "--source-path", "DIRECTORY")',
    state: record({ source_path: "/srv/none" }),
    from: "project:demo",
  },
  {
    of: 'resources/group.ts ["sudo", "groupadd", "--system", name]',
    state: (host) => {
      removeTree(host);
      record({ owner_group: "gone", enabled: false })(host);
    },
    from: "project init demo",
  },
  {
    of: 'sites/health.ts ["ls", "-l", page]',
    state: (host) => host.put(`${tree}/index.html`, "home", { mode: 0o666, gid: 33 }),
    from: "project:demo",
    shows: "-rw-rw-rw-",
  },
  {
    of: 'sites/health.ts ["ls", "-la", path]',
    state: (host) => host.put(`${tree}.staging/half`, ""),
    from: "project:demo",
    shows: "half",
  },
  {
    of: 'sites/health.ts ["sudo", "rmdir", backupsOf(slug)]',
    state: (host) => host.dir(backups),
    from: "project:demo",
  },
  {
    of: 'sites/health.ts ("disable", slug)',
    state: record({ enabled: false }),
    from: "project:demo",
  },
  {
    of: 'sites/health.ts ("enable", slug)',
    state: (host) => host.remove(link),
    from: "project:demo",
  },
  {
    of: 'sites/serve/foreign-name.ts ["grep", "-niF", name, other.path]',
    state: (host) => host.put("/etc/nginx/conf.d/x.conf", "server {\n server_name demo.test;\n}"),
    from: "project:demo",
    shows: "2: server_name demo.test;",
  },
  {
    of: 'sites/health.ts ["ls", "-la", project.root_path]',
    state(host) {
      host.remove(`${tree}/index.html`);
      host.put(`${tree}/guide/index.html`, "guide");
    },
    from: "project:demo",
    shows: "guide",
  },
  {
    of: 'sites/serve/site-hints.ts ["sudo", "systemctl", "start", "nginx"]',
    state: stopNginx,
    from: "project:demo",
  },
  {
    of: 'sites/serve/site-hints.ts ["sudo", "systemctl", "reload", "nginx"]',
    state: (host) => host.put(site, host.text(site) ?? ""),
    from: "project:demo",
  },
  {
    of: 'sites/serve/site-hints.ts ["sudo", "tail", "-n", "20", "/var/log/nginx/error.log"]',
    state(host) {
      host.put(`${tree}/index.html`, "home", { mode: 0o600, gid: 33 });
      host.put("/var/log/nginx/error.log", "open() failed (13: Permission denied)\n");
    },
    from: "project:demo",
    shows: "Permission denied",
  },
  {
    of: 'sites/health.ts ["ls", "-la", root_path]',
    state(host) {
      record({ enabled: false })(host);
      host.remove(link);
      host.remove(`${tree}/index.html`);
      host.put(`${tree}/guide/index.html`, "guide");
    },
    from: "project:demo",
    shows: "guide",
  },
  {
    of: 'sites/serve/site-hints.ts ["sudo", "systemctl", "start", "nginx"]',
    state: stopNginx,
    from: "project validate demo",
  },
  {
    of: 'resources/service.ts ["sudo", "systemctl", "unmask", unit]',
    // The first hint unmasks it, and the second starts it.
    state(host) {
      stopNginx(host);
      host.link("/etc/systemd/system/nginx.service", "/dev/null");
    },
    from: "project validate demo",
    steps: 2,
  },
  // Causes that a deploy finds when it probes the page
  {
    of: 'sites/serve/site-hints.ts ["sudo", "systemctl", "start", "nginx"]',
    state: stopNginx,
    from: "the probe of a deploy",
  },
  {
    of: 'resources/service.ts ["sudo", "systemctl", "unmask", unit]',
    state(host) {
      stopNginx(host);
      host.link("/etc/systemd/system/nginx.service", "/dev/null");
    },
    from: "the probe of a deploy",
    steps: 2,
  },
  {
    of: 'sites/serve/site-hints.ts ["sudo", "systemctl", "reload", "nginx"]',
    state: (host) => host.put(site, host.text(site) ?? ""),
    from: "the probe of a deploy",
  },
  {
    of: 'sites/serve/served.ts ["sudo", "edox-ops", "project", "enable", slug]',
    state: (host) => host.put(site, "server {}"),
    from: "the probe of a deploy",
  },
  {
    of: 'problem/show-file.ts ["sudo", "sed", "-n", `{line}p`, path]',
    state(host) {
      stopNginx(host);
      host.put("/etc/nginx/conf.d/foreign.conf", "# theirs\nbogus;\n");
    },
    from: "the probe of a deploy",
    shows: "bogus;",
  },
  // Errors of commands
  {
    of: 'sites/deploy/publish.ts ["ls", "-ld", root_path]',
    state: (host) => host.put("/var/www/docs/new", ""),
    from: "project publish new --domain new.test --source /srv/new",
    shows: "-rw",
  },
  {
    of: 'nginx/fault.ts ["sudo", "edox-ops", "bootstrap", "--yes"]',
    state: removeNginx,
    from: "project publish demo --source /srv/new",
    after: "nginx:sites",
  },
  {
    of: 'nginx/fault.ts ["sudo", "edox-ops", "bootstrap", "--yes"]',
    state: removeNginx,
    from: "project enable demo",
  },
  {
    of: 'sites/store.ts ["sudo", "cat", "-n", projectsPath]',
    state: (host) => host.put(projectsPath, '{\n"-x": 7}', { mode: 0o600 }),
    from: "project:-x",
    shows: '2\t"-x": 7}',
  },
  {
    of: 'cli/cli.ts ["edox-ops", ...names, "--help"]',
    state: () => {},
    from: "project show UPPER",
    shows: "lower-case letters, digits, - and _",
  },
  {
    of: 'cli/cli.ts ["edox-ops", ...names, "--help"]',
    state: () => {},
    from: "project update demo --rate-limit 0",
    shows: "--rate-limit NUMBER",
  },
  {
    of: 'engine/select.ts ["sudo", ...withFlag(others, "--only", [step, ...ids].join(","))]',
    state: removeNginx,
    from: "bootstrap --only nginx.prepare --yes",
    after: "nginx:sites",
  },
  {
    of: 'doctor/apt.ts ["sed", "-n", `{line}p`, path]',
    state(host) {
      host.put("/etc/apt/sources.list.d/a.list", "# mine\ndeb http://deb.test/debian bookworm main\n");
      const stderr =
        "W: Target Packages is configured multiple times in /etc/apt/sources.list:1 and /etc/apt/sources.list.d/a.list:2\n";
      host.taught.unshift((argv) => (argv.includes("indextargets") ? { code: 0, stdout: "", stderr } : undefined));
    },
    from: "apt:sources",
    shows: "deb http://deb.test/debian bookworm main",
  },
  {
    of: 'resources/apt-readable.ts ["cat", "-n", path]',
    state(host) {
      host.put("/etc/apt/sources.list.d/bad.list", "blah blah\n");
      const stderr = "E: Malformed entry 1 in list file /etc/apt/sources.list.d/bad.list (Component)\n";
      host.taught.unshift((argv) => (argv.includes("indextargets") ? { code: 100, stdout: "", stderr } : undefined));
    },
    from: "apt:sources",
    shows: "1\tblah blah",
  },
  {
    of: 'sites/recipe.ts ["edox-ops", "project", "show", slug]',
    state: () => {},
    from: "project add demo --domain other.test",
    shows: "demo.test",
  },
  {
    of: 'sites/store.ts ["edox-ops", "project", "list"]',
    state: () => {},
    from: "project show else",
    shows: "demo\tdemo.test",
  },
  {
    of: 'sites/store.ts ("update", slug, ...(flags[key] ?? []))',
    state: record({ domain: "a;b" }),
    from: "project show demo",
  },
  {
    of: 'sites/store.ts ("disable", slug)',
    state: record({ enabled: "yes" }),
    from: "project show demo",
  },
  {
    of: 'sites/store.ts ("remove", key)',
    state: (host) => host.put(projectsPath, '{"UPPER":7}', { mode: 0o600 }),
    from: "project:UPPER",
  },
  {
    of: 'sites/store.ts ["ls", "-ld", file]',
    state(host) {
      record({ root_path: "/var/www/docs/team/demo" })(host);
      host.put("/var/www/docs/team", "");
    },
    from: "project show demo",
    shows: "-rw",
  },
  {
    of: 'sites/deploy/members.ts ["sudo", "cat", "-n", projectsPath]',
    state: (host) => host.put(projectsPath, '{\n"demo": oops}', { mode: 0o600 }),
    from: "project list",
    shows: '2\t"demo": oops}',
  },
  {
    of: 'sites/serve/site-hints.ts ["cp", "-a", "--", from, root_path]',
    state: () => {},
    from: "project update demo --root-path /var/www/docs/new",
  },
  {
    of: 'sites/serve/site-hints.ts ["mkdir", "-p", root_path]',
    state: (host) => {
      removeTree(host);
    },
    from: "project update demo --root-path /var/www/docs/team/new",
  },
  {
    of: 'sites/serve/certificate-hints.ts ["sudo", "edox-ops", "project", "certs", "issue", slug, "--yes"]',
    state: (host) => void addAuthority(host, ["demo.test"]),
    from: "project update demo --tls",
  },
  {
    of: 'sites/serve/certificate-hints.ts ["sudo", "edox-ops", "project", "certs", "issue", slug, ...moved, ...others, "--yes"]',
    state: (host) => void addAuthority(host, ["demo.test", "www.demo.test"]),
    from: "project update demo --tls --alias www.demo.test",
  },
  {
    of: 'certs/issue/request.ts ["sudo", "edox-ops", "project", "update", slug, "--domain", "DOMAIN"]',
    state(host) {
      addAuthority(host, ["docs.example.org"]);
      const records = (host.text(projectsPath) ?? "").replace("demo.test", "10.1.1.1");
      host.put(projectsPath, records, { mode: 0o600 });
    },
    from: "project certs issue demo --yes",
  },
  {
    of: 'certs/issue/unfinished.ts ["sudo", "edox-ops", "project", "update", slug, "--tls"]',
    state(host) {
      const dir = "/etc/letsencrypt/live/demo.test";
      const dates = { from: "2027-01-01", to: "2027-04-01" };
      const { certificate, key } = issue({ subject: "demo.test", names: "DNS:demo.test", ...dates });
      host.put(`${dir}/fullchain.pem`, certificate);
      host.put(`${dir}/privkey.pem`, key, { mode: 0o600 });
    },
    from: "project certs issue demo --yes",
    after: "project validate demo",
  },
  {
    of: 'sites/serve/certificate-hints.ts ["sudo", "openssl", "x509", "-in", chainPath, "-noout", "-subject", "-issuer", "-dates"]',
    state(host) {
      const dir = "/etc/letsencrypt/live/demo.test";
      const dates = { from: "2026-10-01", to: "2026-12-30" };
      const { certificate, key } = issue({ subject: "demo.test", names: "DNS:demo.test", ...dates });
      host.put(`${dir}/fullchain.pem`, certificate);
      host.put(`${dir}/privkey.pem`, key, { mode: 0o600 });
    },
    from: "project update demo --tls",
    shows: "notAfter=Dec 30",
  },
  {
    of: 'nginx/names.ts ["sed", "-n", `{line}p`, path]',
    state: (host) =>
      host.put(
        "/etc/nginx/nginx.conf",
        "http {\nserver_names_hash_bucket_size 64;\n include conf.d/*.conf;\n include sites-enabled/*;\n}",
      ),
    from: `project update demo --domain ${"a".repeat(60)}.test`,
    shows: "server_names_hash_bucket_size 64;",
  },
  {
    of: 'nginx/sites.ts ["sudo", "sed", "-i", edit, mainPath]',
    state: (host) =>
      host.put("/etc/nginx/nginx.conf", "events {}\nhttp {\n    include /etc/nginx/sites-enabled/*;\n}\n"),
    from: "bootstrap --yes",
  },
  {
    of: 'nginx/sites.ts ["cat", "-n", mainPath]',
    state: (host) => host.put("/etc/nginx/nginx.conf", "events {}\nhttp\n{\n}\n"),
    from: "bootstrap --yes",
    shows: "2\thttp",
  },
  {
    of: 'nginx/config.ts ["grep", "-rn", "include", confDir]',
    state(host) {
      for (let i = 0; i <= 101; i++)
        host.put(`/etc/nginx/conf.d/${i}.conf`, `include /etc/nginx/conf.d/${i + 1}.conf;`);
    },
    from: "bootstrap --yes",
    shows: "include /etc/nginx/conf.d/1.conf;",
  },
  {
    of: 'resources/file.ts ["ls", "-ld", path]',
    state(host) {
      host.remove("/etc/nginx/conf.d/edox-ops-limits.conf");
      host.dir("/etc/nginx/conf.d/edox-ops-limits.conf");
    },
    from: "bootstrap --yes",
    shows: "drwx",
  },
  {
    of: 'resources/directory.ts ["ls", "-ld", path]',
    state(host) {
      host.nodes.delete("/var/log/edox-ops");
      for (const path of [...host.nodes.keys()]) if (path.startsWith("/var/www/")) host.nodes.delete(path);
      host.put("/var/www/docs", "");
    },
    from: "bootstrap --yes",
    shows: "-rw",
  },
  {
    of: 'resources/service.ts ["sudo", "systemctl", "unmask", unit]',
    state: (host) => host.link("/etc/systemd/system/nginx.service", "/dev/null"),
    from: "bootstrap --yes",
  },
  {
    of: 'resources/platform.ts ["cat", "/etc/os-release"]',
    state: (host) => host.put("/etc/os-release", "ID=alpine\nVERSION_ID=3\n"),
    from: "bootstrap --yes",
    shows: "ID=alpine",
  },
  {
    of: 'engine/select.ts (typed, flag, corrected.join(","))',
    state: (host) => host.remove("/etc/nginx/conf.d/edox-ops-limits.conf"),
    from: "bootstrap --only nginx.prepar --yes",
    after: "nginx:limits",
  },
  {
    of: 'engine/select.ts [...plain, "--dry-run"]',
    state: () => {},
    from: "bootstrap --only else --yes",
    shows: "nginx.prepare",
  },
  {
    of: 'sites/requirements.ts ["sudo", "edox-ops", "project", "list"]',
    state: () => {},
    from: "project add other --domain demo.test",
    shows: "demo\tdemo.test",
  },
  {
    of: 'run/confirmation.ts ["sudo", "edox-ops", ...typed, "--yes"]',
    state: (host) => host.remove("/etc/nginx/conf.d/edox-ops-limits.conf"),
    from: "bootstrap",
    after: "nginx:limits",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: (host) => hold(host, projectLockPath("demo")),
    lifts: release,
    from: "project remove demo --delete-files --yes",
    after: "project list",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state(host) {
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
      host.taught.unshift(([name, ...words]) => {
        if (name === "rm") host.remove(words.at(-1) ?? "");
        return name === "rm" ? ok() : undefined;
      });
      hold(host, programLockPath);
    },
    lifts: release,
    from: "uninstall --yes",
    after: "project list",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: (host) => hold(host, lockPath),
    lifts: release,
    from: "bootstrap --yes",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: (host) => hold(host, projectLockPath("demo")),
    lifts: release,
    from: "project backups prune demo --keep 1",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: (host) => hold(host, projectLockPath("demo")),
    lifts: release,
    from: "project assets prune demo",
  },
  {
    of: 'run/locks.ts ["ls", "-ld", parentOf(path)]',
    state: (host) => host.dir("/run/edox-ops", { mode: 0o777 }),
    from: "bootstrap --yes",
    shows: "drwxrwxrwx",
  },
  // a run that was killed in a step with a journal
  {
    of: 'engine/interrupted.ts ["sudo", "edox-ops", "recover"]',
    state: interrupted,
    from: "host:journal",
  },
  {
    of: 'engine/interrupted.ts ["sudo", "edox-ops", "recover"]',
    async state(host) {
      await interrupted(host);
      host.taught.unshift(([program]) => (program === "undo" && host.broken.has("undo") ? failed : undefined));
      host.broken.add("undo");
    },
    lifts: (host) => host.broken.clear(),
    from: "project disable demo",
  },
  ...["host:journal", "project disable demo"].map((from) => ({
    of: 'engine/interrupted.ts ["sudo", "edox-ops", "host", "confirm"]',
    async state(host: FakeHost) {
      await interrupted(host);
      host.dir(lockDir, { mode: 0o700 });
      host.put(unconfirmedPath, JSON.stringify({ untilMs: host.now() + 60_000, session: null }), { mode: 0o600 });
    },
    from,
  })),
  {
    of: 'engine/journal.ts ["sudo", "rm", "-r", path]',
    async state(host) {
      await interrupted(host);
      host.put(`${journalDir}/ssh.harden`, "damaged\n", { mode: 0o600 });
    },
    from: "recover",
  },
  {
    of: 'engine/journal.ts ["ls", "-ld", dir]',
    async state(host) {
      await interrupted(host);
      host.dir(journalDir, { mode: 0o777 });
    },
    from: "recover",
    shows: "drwxrwxrwx",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: (host) => hold(host, lockPath),
    lifts: release,
    from: "recover",
  },
  {
    of: 'cli/project/record.ts ["edox-ops", ...typed, "--domain", "DOMAIN"]',
    state: () => {},
    from: "project add new",
    after: "project show new",
  },
];

/** Another edox-ops command holds the lock in the same way. */
export function hold(host: FakeHost, path: string): void {
  host.dir(parentOf(path), { mode: 0o700 });
  host.locks.set(path, { pid: 4711, command: "edox-ops", sinceMs: host.now() });
}

export function release(host: FakeHost): void {
  host.locks.clear();
}

const failed = { code: 1, stdout: "", stderr: "" };

async function interrupted(host: FakeHost): Promise<void> {
  const attributes = { mode: 0o644, uid: 0, gid: 0 };
  host.put("/etc/motd", "before");
  host.taught.unshift(([program = ""]) => (["do", "undo"].includes(program) ? ok() : undefined));
  await interrupt(host, "ssh.harden", [
    { kind: "file", path: "/etc/motd", before: Text.of("before"), after: Text.of("after"), ...attributes },
    { kind: "command", argv: ["do"], undo: ["undo"], reason: "it is not done" },
  ]);
}

function stopNginx(host: FakeHost): void {
  host.remove("/run/nginx.pid");
  host.remove("/run/systemd/units/invocation:nginx.service");
}

export function removeNginx(host: FakeHost): void {
  for (const path of [...host.nodes.keys()]) if (path.startsWith("/etc/nginx")) host.nodes.delete(path);
  stopNginx(host);
  const packages = (host.text("/var/lib/dpkg/status") ?? "")
    .split("\n\n")
    .filter((each) => !/^Package: nginx/.test(each));
  host.put("/var/lib/dpkg/status", packages.join("\n\n"));
}

function removeTree(host: FakeHost): void {
  for (const path of [...host.nodes.keys()]) if (path === tree || path.startsWith(`${tree}/`)) host.nodes.delete(path);
}

function record(change: object) {
  return (host: FakeHost): void => {
    const { demo } = JSON.parse(host.text(projectsPath) ?? "");
    host.put(projectsPath, JSON.stringify({ demo: { ...demo, ...change } }), { mode: 0o600 });
  };
}
