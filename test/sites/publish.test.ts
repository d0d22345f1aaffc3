// `project publish`: the record, the site and the tree change together, or not at all.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lchownSync, mkdirSync, writeFileSync } from "node:fs";
import type { Signal } from "../../src/host/host.ts";
import { typedWords } from "../cli/typed.ts";
import { tarOf } from "./archives.ts";
import { SiteHost } from "./site-host.ts";

const backups = "/var/www/docs/.edox-ops-backups";
let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  site.disk.write("/srv/other/index.html", "other");
  site.disk.write("/srv/new/index.html", "new");
});
afterEach(() => site[Symbol.dispose]());

/** An enabled site with a backup. */
async function serveLive(): Promise<void> {
  for (const source of ["/srv/other", "/srv/site"]) {
    expect(await site.type(`project publish live --domain live.example.org --source ${source}`)).toMatchObject({
      exit: 0,
      err: "",
    });
  }
}

/** Runs the command, and expects the whole host to be unchanged, except for the log of a late failure. */
async function expectUnchanged(line: string, exit: number, message: string | RegExp, logs = false): Promise<string> {
  const before = site.snapshot();
  const done = await site.type(line);
  expect([done.exit, done.out]).toEqual([exit, ""]);
  expect(done.err).toMatch(message);
  const after = site.snapshot();
  for (const all of [before, after]) {
    if (logs) delete all["/var/log/edox-ops/project.log"];
    // The state that the next deploy of the project starts from.
    for (const path of Object.keys(all)) if (isWorking(path)) delete all[path];
  }
  expect(after).toEqual(before);
  return done.err;
}

const isWorking = (path: string): boolean => path.startsWith(`${backups}/live/.`);

test("publish and deploy: the source may be a word", async () => {
  const { exit, err } = await site.type("project publish new /srv/site --domain new.example.org");
  expect([exit, err]).toEqual([0, ""]);
  expect(site.disk.text("/var/www/docs/new/index.html")).toBe("home");
  expect(await site.type("project deploy new --keep 3 /srv/new")).toMatchObject({ exit: 0, err: "" });
  expect(site.disk.text("/var/www/docs/new/index.html")).toBe("new");
});

test("publish: an empty source, as of a variable that is not set, changes nothing", async () => {
  for (const command of ["publish", "deploy"]) {
    const before = site.snapshot();
    const { exit, err } = await typedWords(
      ["project", command, "new", ""],
      site.host,
      undefined,
      undefined,
      undefined,
      site.trees,
    );
    expect([exit, err]).toEqual([2, expect.stringContaining("the source is empty")]);
    expect(site.snapshot()).toEqual(before);
  }
});

test("publish: a new project is registered, deployed and served, and a second run changes nothing", async () => {
  const line = "project publish new --domain new.example.org --source /srv/site";
  const { exit, out, err } = await site.type(line);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatch(/^changed {2}project\.publish +new is registered and served\n1 file, 1 changed, .*\nDeployed /);
  expect(site.disk.text("/var/www/docs/new/index.html")).toBe("home");
  expect((await site.type("project list")).out).toBe("new\tnew.example.org\t/var/www/docs/new\tenabled\n");
  const before = site.snapshot();
  expect(JSON.parse((await site.type(`${line} --json`)).out)).toMatchObject({ outcome: "ok", deploy: { changed: 0 } });
  const after = site.snapshot();
  for (const all of [before, after]) {
    delete all["/var/log/edox-ops/project.log"];
    delete all[`${backups}/new/.digests`];
  }
  expect(after).toEqual(before);
});

test("publish: a stopped nginx is started", async () => {
  site.fake.remove("/run/systemd/units/invocation:nginx.service");
  const line = "project publish new --domain new.example.org --source /srv/site";
  expect(await site.type(line)).toMatchObject({ exit: 0, err: "" });
  expect(site.fake.readLink("/run/systemd/units/invocation:nginx.service")).not.toBeNull();
});

const broken = {
  code: 1,
  stdout: "",
  stderr: '2026/11/28 19:59:27 [emerg] 42#42: unknown directive "bogus" in /etc/nginx/conf.d/a.conf:1\n',
};

/** Faults before the first write. Each runs with a new project and with an enabled one. */
const early: Record<string, { source?: string; flags?: string; exit?: number; says: RegExp; make?(): unknown }> = {
  "a missing source": { source: "/no/such", says: /\/no\/such does not exist/ },
  "an empty source": { source: "/srv/empty", says: /is empty/, make: () => mkdirSync(`${site.disk.root}/srv/empty`) },
  "a source without a page": {
    source: "/srv/odd",
    says: /has no index\.html/,
    make: () => site.disk.write("/srv/odd/a", "a"),
  },
  "a rejected archive": {
    source: "/srv/a.tar",
    says: /is not published/,
    make: () => site.disk.write("/srv/a.tar", "no tar at all"),
  },
  "a source under /root": { source: "/root/site", says: /is part of the system|does not exist/ },
  "a source with a symlink that leads out of it": {
    source: "/srv/out",
    says: /leads out|relative links/,
    make() {
      site.disk.write("/srv/out/index.html", "out");
      site.disk.write("/srv/out/passwd", "-> /etc/passwd");
    },
  },
  "a source behind another user's symlink": {
    source: "/srv/exposed",
    says: /\/srv\/exposed/,
    make() {
      site.disk.write("/srv/exposed", "-> /srv/other");
      lchownSync(`${site.disk.root}/srv/exposed`, 4711, 4711);
    },
  },
  "a --subdir that is missing in the source": { flags: " --subdir none", exit: 2, says: /--subdir 'none'/ },
  "a domain of another project": {
    says: /domain moved\.example\.org is already used by project theirs/,
    make: async () => void (await site.type("project publish theirs --domain moved.example.org --source /srv/other")),
  },
  "an alias that is a domain of another project": {
    flags: " --alias www.example.org,taken.example.org",
    says: /alias taken\.example\.org is already used by project theirs/,
    make: async () => void (await site.type("project publish theirs --domain taken.example.org --source /srv/other")),
  },
  "an alias of a foreign site": {
    flags: " --alias www.example.org,taken.example.org",
    says: /\/etc\/nginx\/conf\.d\/theirs\.conf:1 has the name taken\.example\.org too\n/,
    make: () => site.fake.put("/etc/nginx/conf.d/theirs.conf", "server { server_name taken.example.org; }\n"),
  },
  "a domain of a foreign site": {
    says: /\/etc\/nginx\/conf\.d\/theirs\.conf:1 has the name moved\.example\.org too\nhint: grep -niF moved\.example\.org \/etc\/nginx\/conf\.d\/theirs\.conf\n/,
    make: () => site.fake.put("/etc/nginx/conf.d/theirs.conf", "server { server_name moved.example.org; }\n"),
  },
  "a missing group": { flags: " --owner-group nobodies", says: /group nobodies does not exist/ },
  "a configuration of nginx that a foreign file breaks": {
    says: /nginx refuses its configuration: unknown directive "bogus" in \/etc\/nginx\/conf\.d\/a\.conf:1\nhint: sed -n 1p \/etc\/nginx\/conf\.d\/a\.conf\n/,
    make() {
      // Without nginx workers whose start time shows which files they loaded, `nginx -t` runs.
      site.fake.remove("/run/nginx.pid");
      site.fake.put("/etc/nginx/conf.d/a.conf", "bogus;\n");
      site.fake.taught.unshift((argv) => (argv[0] === "nginx" ? broken : undefined));
    },
  },
  "a host without nginx": {
    says: /nginx is not set up\nhint: edox-ops bootstrap --yes/,
    make() {
      for (const name of site.fake.list("/etc/nginx/sites-enabled") ?? [])
        site.fake.remove(`/etc/nginx/sites-enabled/${name}`);
      site.fake.remove("/etc/nginx/sites-enabled");
    },
  },
  "an nginx that was removed without its files": {
    says: /nginx is not installed\nhint: edox-ops bootstrap --yes/,
    make() {
      const status = site.fake.text("/var/lib/dpkg/status") ?? "";
      const removed = status.replace(/^(Package: nginx\n)Status: .*/m, "$1Status: deinstall ok config-files");
      site.fake.put("/var/lib/dpkg/status", removed);
    },
  },
  "a lock of the project that a deploy holds": {
    exit: 75,
    says: /another run holds the lock: edox-ops bootstrap/,
    make() {
      for (const name of ["new", "live"]) holdLock(`project-${name}`);
    },
  },
  "a masked nginx": {
    says: /nginx is masked.*\nhint: systemctl unmask nginx/,
    make: () => site.fake.link("/etc/systemd/system/nginx.service", "/dev/null"),
  },
  "a lock of the host that another run holds": {
    exit: 75,
    says: /another run holds the lock: edox-ops bootstrap/,
    make: () => holdLock("host"),
  },
  "a full disk": {
    says: /no room for the new tree/,
    make() {
      const { room } = site.trees;
      site.disk.trees.remove(`${backups}/live/.spare`);
      Object.assign(site.trees, { room: (path: string) => ({ ...room(path), bytes: 0 }) });
    },
  },
};

function holdLock(name: string): void {
  const holder = { pid: 4711, command: "edox-ops bootstrap --yes", sinceMs: 0 };
  site.fake.locks.set(`/run/edox-ops/${name}.lock`, holder);
  hurry();
}

/** Makes a wait return at once. */
function hurry(): void {
  let ms = 0;
  const sleep = async (more: number): Promise<void> => {
    ms += more * 1000;
  };
  Object.assign(site.host, { now: () => Date.now() + ms, sleep });
}

for (const [fault, { source, flags = "", exit = 1, says, make }] of Object.entries(early)) {
  describe(`publish: ${fault} is rejected before the first write`, () => {
    for (const name of ["new", "live"]) {
      test(`of a ${name === "new" ? "new project" : "project that is served"}`, async () => {
        if (name === "live") await serveLive();
        await make?.();
        const line = `project publish ${name} --domain moved.example.org --source ${source ?? "/srv/new"}${flags}`;
        await expectUnchanged(line, exit, says);
      });
    }
  });
}

test("publish: a bad certificate of an enabled project is rejected before the first write", async () => {
  await serveLive();
  const projectsPath = "/etc/edox-ops/projects.json";
  const records = site.fake.text(projectsPath) ?? "";
  site.fake.put(projectsPath, records.replace('"tls": false', '"tls": true'), { mode: 0o600 });
  for (const name of ["fullchain", "privkey"]) site.fake.put(`/etc/letsencrypt/live/live.example.org/${name}.pem`, "x");
  await expectUnchanged("project publish live --source /srv/new", 1, /certificate/);
  await expectUnchanged("project publish live --domain moved.example.org --source /srv/new", 1, /certificate/);
});

/** Failures after the tree is live. */
const late: Record<string, { says: RegExp; exit?: number; make(): void }> = {
  "a page that is not served": {
    says: /http:\/\/moved\.example\.org\/ does not answer: .*; the previous files were restored; the previous site was restored/,
    make() {
      site.answer = { code: 7, stdout: "", stderr: "curl: (7) no\n" };
      hurry();
    },
  },
  "an nginx that rejects the new site": {
    says: /nginx -t -q failed; the previous files were restored; the previous site was restored\n {2}.* \[emerg\] 42#42: unknown/,
    make() {
      site.fake.taught.unshift((argv) => (argv[0] === "nginx" && hasNewSite() ? broken : undefined));
    },
  },
  "an nginx that does not start": {
    says: /systemctl reload-or-restart nginx failed; the previous files were restored/,
    make() {
      site.fake.taught.unshift((argv) => {
        if (argv[0] === "journalctl") return { code: 0, stdout: "", stderr: "" };
        return argv[0] === "systemctl" && hasNewSite() ? { code: 1, stdout: "", stderr: "Job failed\n" } : undefined;
      });
    },
  },
  "a record that cannot be written": {
    says: /no space left on device/,
    make: () => void site.fake.broken.add("/etc/edox-ops/projects.json"),
  },
  "a symlink that cannot be created": {
    says: /no space left on device/,
    make() {
      for (const name of ["new", "live"]) site.fake.broken.add(`/etc/nginx/sites-available/edox-ops-${name}`);
    },
  },
  "a signal while nginx tests the new site": {
    exit: 130,
    says: /interrupted by SIGINT; the previous files were restored; the previous site was restored/,
    make() {
      let signal: Signal | null = null;
      site.fake.taught.unshift((argv) => {
        if (argv[0] === "nginx" && hasNewSite()) signal = { name: "SIGINT", number: 2 };
        return undefined;
      });
      Object.assign(site.host, { catchSignals: () => () => signal });
    },
  },
};

const hasNewSite = (): boolean => {
  const texts = ["new", "live"].map((name) => site.fake.text(`/etc/nginx/sites-available/edox-ops-${name}`) ?? "");
  return texts.some((text) => text.includes("moved.example.org"));
};

for (const [fault, { says, exit = 1, make }] of Object.entries(late)) {
  describe(`publish: ${fault} rolls back the record, the site and the tree`, () => {
    for (const name of ["new", "live"]) {
      test(`of a ${name === "new" ? "new project" : "project that is served"}`, async () => {
        if (name === "live") await serveLive();
        make();
        await expectUnchanged(`project publish ${name} --domain moved.example.org --source /srv/new`, exit, says, true);
        const { stdout } = await site.fake.probe(["systemctl", "list-units", "--failed"]);
        expect(stdout).toBe("");
      });
    }
  });
}

test("publish: a signal between two changes of a new project leaves nothing behind", async () => {
  const line = "project publish new --domain new.example.org --source /srv/site";
  let changes = 0;
  for (let at = 1; ; at++) {
    changes = 0;
    let signal: Signal | null = null;
    const count = <Name extends "writeFile" | "makeLink" | "makeDirectory">(name: Name) => {
      const real = site.host[name] as (...args: unknown[]) => void;
      Object.assign(site.host, {
        [name](...args: unknown[]) {
          if (++changes === at) signal = { name: "SIGTERM", number: 15 };
          real(...args);
        },
      });
      return () => Object.assign(site.host, { [name]: real });
    };
    const before = site.snapshot();
    const restored = (["writeFile", "makeLink", "makeDirectory"] as const).map(count);
    Object.assign(site.host, { catchSignals: () => () => signal });
    const { exit } = await site.type(line);
    for (const each of restored) each();
    if (exit === 0) break;
    expect(exit).toBe(143);
    const after = site.snapshot();
    for (const all of [before, after]) delete all["/var/log/edox-ops/project.log"];
    expect(after).toEqual(before);
  }
  expect(changes).toBeGreaterThan(5);
});

test("publish: a signal ends the wait for the host's lock, and nothing is left behind", async () => {
  let signal: Signal | null = null;
  let waits = 0;
  site.fake.locks.set("/run/edox-ops/host.lock", { pid: 7, command: "edox-ops bootstrap", sinceMs: 0 });
  Object.assign(site.host, {
    catchSignals: () => () => signal,
    async sleep() {
      if (++waits === 3) signal = { name: "SIGTERM", number: 15 };
      if (waits === 50) site.fake.locks.delete("/run/edox-ops/host.lock");
    },
  });
  const line = "project publish new --domain new.example.org --source /srv/site --wait 1h";
  await expectUnchanged(line, 143, "error: interrupted by SIGTERM", true);
  expect(waits).toBeLessThan(50);
});

for (const [what, source] of [
  ["an archive is unpacked", "/srv/site.tar"],
  ["links of the source are followed", "/srv/linked --dereference"],
  ["the trees are compared", "/srv/new"],
] as const) {
  for (const dryRun of ["", " --dry-run"]) {
    test(`deploy${dryRun}: a signal while ${what} is its exit code, and leaves nothing behind`, async () => {
      await serveLive();
      site.disk.write("/srv/linked/index.html", "-> ../other/index.html");
      site.disk.write("/srv/linked/other.html", "-> ../site/index.html");
      writeFileSync(
        `${site.disk.root}/srv/site.tar`,
        tarOf(["index.html", "a/b.html"].map((name) => ({ name, content: "x".repeat(300_000) }))),
      );
      let now = Date.now();
      Object.assign(site.host, {
        catchSignals: () => () => ({ name: "SIGHUP", number: 1 }),
        // Each pause counts as a long one, so that it lets signals arrive.
        now: () => (now += 1000),
      });
      await expectUnchanged(
        `project deploy live --source ${source}${dryRun}`,
        129,
        "error: interrupted by SIGHUP",
        true,
      );
    });
  }
}
