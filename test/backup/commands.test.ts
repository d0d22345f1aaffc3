// The commands of backups as they are typed: their errors, their output, and the timer.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import * as v from "valibot";
import { manifestPath, passwordPath, restoredDir, settingsPath } from "../../src/backup/paths.ts";
import { generateKey } from "../../src/deploy-keys/generate.ts";
import { projectsPath } from "../../src/engine/paths.ts";
import { documentSchema } from "../../src/report/schema.ts";
import { makeBundle } from "../bundle/small.ts";
import { atTerminal, typed } from "../cli/typed.ts";
import { SiteHost } from "../sites/site-host.ts";
import { FakeRestic } from "./fake-restic.ts";

const made: Disposable[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each[Symbol.dispose]();
});

async function host(...lines: string[]) {
  const site = await SiteHost.bootstrapped();
  const restic = new FakeRestic(site.disk.root);
  made.push(site, restic);
  mkdirSync(`${site.disk.root}/var/lib/edox-ops/backup`, { recursive: true });
  site.fake.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt ext4 rw 0 0\n");
  site.fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  site.fake.put("/proc/sys/kernel/hostname", "alpha\n");
  site.fake.taught.unshift((argv) => restic.answer(argv));
  for (const line of lines) {
    const { exit, err } = await site.type(line);
    if (exit !== 0) throw new Error(`${line}: ${err}`);
  }
  const json = async (line: string) => v.parse(documentSchema, JSON.parse((await site.type(`${line} --json`)).out));
  return { ...{ site, restic, json }, fake: site.fake, type: (line: string) => site.type(line) };
}

const init = "backup init --repo /mnt/repo --generate --yes";

describe("backup init", () => {
  test("backup init: a generated password is written for root alone, and is on no command line and in no output", async () => {
    const { type, fake, restic } = await host();
    const { exit, out } = await type(init);
    expect(exit).toBe(0);
    const password = (fake.text(passwordPath) ?? "").trim();
    expect(password).toMatch(/^[\w-]{32}$/);
    expect([fake.stat(passwordPath)?.mode, fake.stat(settingsPath)?.mode]).toEqual([0o600, 0o600]);
    expect(out).toContain("Created the repository /mnt/repo.");
    expect(
      out + restic.lines.join() + fake.ran.join() + (fake.text("/var/log/edox-ops/backup.log") ?? ""),
    ).not.toContain(password);
    expect(restic.exists).toBe(true);
  });

  test("backup init: a second run changes nothing, and keeps the generated password and the retention", async () => {
    const { type, fake, json } = await host(init, "backup enable --yes");
    const before = [fake.text(passwordPath), fake.text(settingsPath)];
    expect(await json(init)).toMatchObject({ outcome: "ok" });
    expect([fake.text(passwordPath), fake.text(settingsPath)]).toEqual(before);
    expect((await type("backup init --repo /mnt/repo --generate --with-releases --yes")).exit).toBe(0);
    expect(JSON.parse(fake.text(settingsPath) ?? "")).toMatchObject({ with_releases: true, keep: { daily: 7 } });
  });

  test.each([
    ["backup init --generate", 2, "--repo is missing"],
    ["backup init --repo /mnt/repo", 2, "use either --password-file FILE or --generate"],
    ["backup init --repo /mnt/repo --generate --password-file /root/x", 2, "use either"],
    ["backup init --repo nowhere --generate --yes", 1, "invalid repository 'nowhere'"],
    ["backup init --repo /mnt/repo --password-file /root/none --yes", 1, "the password file /root/none does not exist"],
    ["backup init --repo /mnt/repo --generate --environment-file /root/none --yes", 1, "/root/none does not exist"],
    ["backup enable --yes", 1, "no backup repository is set up on this host"],
    ["backup run", 1, "no backup repository is set up on this host"],
    ["backup list", 1, "no backup repository is set up on this host"],
    ["backup verify", 1, "no backup repository is set up on this host"],
    ["backup restore --yes", 1, "no backup repository is set up on this host"],
    ["backup restore --only site --yes", 2, "unknown part 'site' for --only"],
    ["backup enable --daily 25:00 --yes", 2, "invalid time '25:00' for --daily"],
    ["backup enable --keep 7 --yes", 1, "invalid --keep '7'"],
    ["restore-host --yes", 2, "--repo is missing"],
    ["restore-host --repo /mnt/repo --yes", 2, "--password-file is missing: its first line is the password"],
    ["restore-host --repo /mnt/repo --password-file /etc/os-release --bundle /srv/none.tar --yes", 1, "/srv/none.tar"],
  ])("%s: ends with %d, names the fault and changes nothing", async (line, exit, message) => {
    const { type, site } = await host();
    const before = site.snapshot();
    const result = await type(line);
    expect([result.exit, result.err]).toEqual([exit, expect.stringContaining(message)]);
    expect(site.snapshot()).toEqual(before);
  });

  test("backup init: a repository that cannot be opened is not recorded", async () => {
    const { type, fake, restic } = await host();
    restic.exists = true;
    restic.failing = [(args) => (args[0] === "cat" ? restic.fatal(12, "wrong password or no key found") : undefined)];
    const { exit, err } = await type(init);
    expect([exit, err]).toEqual([1, expect.stringContaining("repository /mnt/repo: the password is wrong")]);
    expect([fake.text(settingsPath), fake.text(passwordPath)]).toEqual([null, null]);
  });

  test("backup init: a repository on the disk of the sites has a warning", async () => {
    const { type } = await host();
    expect((await type("backup init --repo /srv/repo --generate --yes")).err).toContain("is on the disk of the sites");
  });
});

describe("backup restore", () => {
  test("backup restore: on a host that has everything in the snapshot, the output says so", async () => {
    const { type, fake } = await host("project publish demo --domain demo.test --source /srv/site", init);
    expect((await type("backup run")).exit).toBe(0);
    fake.taught.unshift((argv) => {
      if (argv.includes("restore")) fake.put(`${restoredDir}${manifestPath}`, fake.text(manifestPath) ?? "");
      return undefined;
    });
    expect(await type("backup restore --only sites --yes")).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^Nothing to restore: this host has what is in snapshot [0-9a-f]{8}\.\n$/),
    });
  });

  test("backup restore: what was restored is printed before the error about a project that was not", async () => {
    const { type, fake } = await host("project publish demo --domain demo.test --source /srv/site", init);
    expect((await type("backup run")).exit).toBe(0);
    fake.taught.unshift((argv) => {
      if (argv[1] === "project") return { code: 0, stdout: '{"outcome":"changed"}', stderr: "" };
      if (!argv.includes("restore")) return undefined;
      fake.put(`${restoredDir}${manifestPath}`, fake.text(manifestPath) ?? "");
      const records = JSON.parse(fake.text(projectsPath) ?? "");
      fake.put(`${restoredDir}${projectsPath}`, JSON.stringify({ ...records, bad: {} }));
      fake.dir(`${restoredDir}/var/www/docs/.edox-ops-backup/demo/site`);
      return undefined;
    });
    const line = "backup restore --only sites --yes";
    const { exit, out, err } = await type(line);
    expect([exit, out]).toEqual([1, "Deployed from the snapshot: demo.\n"]);
    expect(err).toContain("error: not restored: bad");
    expect((await type(`${line} --quiet`)).out).toBe("");
    const atScreen = await atTerminal(80, () => type(line));
    expect(atScreen.out).toContain("Deployed from the snapshot: demo.");
  });

  test("backup restore: neither a timer nor a rule of sudo runs a program that others than root may change", async () => {
    const program = "/tmp/edox-ops";
    const { type, fake, site } = await host("project publish demo --domain demo.test --source /srv/site", init);
    expect((await type("backup run")).exit).toBe(0);
    site.disk.write("/var/www/docs/.edox-ops-previews/demo/-/fix/index.html", "fix");
    fake.dir("/tmp", { mode: 0o1777 });
    fake.put(program, "this one", { mode: 0o755 });
    const key = await generateKey("ci");
    const limits = { max_size: 1, max_files: 1, rate: 1 };
    const record = { project: "demo", name: "ci", public_key: key.line, fingerprint: key.fingerprint, ...limits };
    fake.put("/etc/edox-ops/deploy-keys.json", JSON.stringify({ program, keys: [record] }));
    fake.taught.unshift((argv) => {
      if (argv[0] === program) return { code: 0, stdout: '{"outcome":"ok"}', stderr: "" };
      // The memory of this host is no part of the repository.
      if (argv.includes("restore")) fake.put(`${restoredDir}${manifestPath}`, fake.text(manifestPath) ?? "");
      return undefined;
    });
    const { exit, err } = await site.type("backup restore --yes", program);
    expect([exit, err]).toEqual([1, expect.stringContaining("not restored: the timer of previews, the deploy keys")]);
    expect(err).toContain("repeat this with sudo edox-ops doctor --fix");
    const { error, restored } = v.parse(
      documentSchema,
      JSON.parse((await site.type("backup restore --yes --json", program)).out),
    );
    expect([error?.message, restored?.runners]).toEqual([expect.stringContaining("not restored"), false]);
    const units = [...fake.nodes.keys()].filter((path) => /edox-ops-previews|sudoers.d.edox-ops/.test(path));
    expect(units).toEqual([]);
  });
});

describe("restore-host", () => {
  test.each([
    ["a wrong password", "wrong password or no key found", "rest:https://nas.test/alpha"],
    ["a wrong location", "Is there a repository at the following location?", "REPOSITORY"],
  ])("restore-host: the hint for %s does not set up another repository", async (_, message, repo) => {
    const { type, fake, restic } = await host();
    fake.put("/root/password", "wrong\n", { mode: 0o600 });
    restic.failing = [() => restic.fatal(1, message)];
    const { exit, err } = await type(
      "restore-host --repo rest:https://nas.test/alpha --password-file /root/password --yes",
    );
    expect(exit).toBe(1);
    expect(err).toContain(`hint: edox-ops restore-host --repo ${repo} --password-file FILE\n`);
  });

  const line = "restore-host --repo /mnt/repo --password-file /etc/os-release --bundle /srv/host.tar --yes";
  test.each([
    [
      "of another release",
      { target: { family: "debian", codename: "sid", architecture: "amd64" } },
      "and this host is",
    ],
    ["of another architecture", { target: { family: "debian", codename: "bookworm", architecture: "arm64" } }, "arm64"],
    ["without restic", {}, "restic is not in the bundle /srv/host.tar"],
  ] as const)("restore-host: a bundle %s is refused, and nothing is changed", async (_, changes, message) => {
    const { type, site } = await host();
    await makeBundle(site.host, "/srv/host.tar", {}, { changes });
    const before = site.snapshot();
    const { exit, err } = await type(line);
    expect([exit, err]).toEqual([1, expect.stringContaining(message)]);
    expect(err).toContain("hint: edox-ops bundle show /srv/host.tar");
    expect(site.snapshot()).toEqual(before);
  });
});

describe("backup commands", () => {
  test("backup run: the snapshot, its size and its retention are reported, and listed", async () => {
    const { json, type, site } = await host("project publish demo --domain demo.test --source /srv/site", init);
    const { backup } = await json("backup run");
    expect(backup).toMatchObject({ projects: ["demo"], files: 3, added_bytes: 20, forgotten: 0, verified: false });
    expect((await type("backup run")).out).toMatch(
      /^Snapshot [0-9a-f]{8}: 3 files, 40 bytes, 20 bytes new, in .*\.\n$/,
    );
    expect((await json("backup list")).snapshots).toMatchObject([{ host: "alpha" }, { host: "alpha" }]);
    expect((await type("backup list")).out).toMatch(/^[0-9a-f]{8}\t2027-01-15T08:00:00\.000Z\talpha\n/);
    const view = await atTerminal(80, () => typed("backup list", site.host));
    expect(view.out).toContain("SNAPSHOT");
    expect(view.out).toContain("Restore one of them: → edox-ops backup restore --snapshot");
  });

  test("backup run: with a retention, snapshots older than a day are removed, and data is verified", async () => {
    const { type, json, restic } = await host(init, "backup enable --daily 02:30 --keep 3d --yes");
    expect((await type("backup run")).out).toContain("Removed 2 old snapshots.\nVerified a part of the data.\n");
    expect(restic.ran.find(([word]) => word === "forget")?.slice(-4)).toEqual([
      ...["--keep-daily", "3", "--keep-within", "1d"],
    ]);
    expect((await json("backup run")).backup).toMatchObject({ forgotten: 2, pruned: false, verified: false });
  });

  test("backup verify: reports what was read", async () => {
    const { type, restic } = await host(init);
    expect((await type("backup verify")).out).toBe("Verified the structure, and an eighth of the data.\n");
    expect((await type("backup verify --all")).out).toBe("Verified all data.\n");
    restic.failing = [() => restic.fatal(1, "repository contains errors")];
    expect(await type("backup verify")).toMatchObject({ exit: 1, err: expect.stringContaining("it is damaged") });
  });

  test("backup enable: the timer runs the program at that time, with the repository as its only further directory", async () => {
    const { fake } = await host("backup init --repo /mnt/a%b --generate --yes", "backup enable --daily 02:30 --yes");
    const unit = (suffix: string) => fake.text(`/etc/systemd/system/edox-ops-backup.${suffix}`) ?? "";
    expect(unit("timer")).toContain("OnCalendar=*-*-* 02:30:00\n");
    expect(unit("service")).toContain("ExecStart=/usr/local/bin/edox-ops backup run\n");
    expect(unit("service")).toContain('ReadWritePaths="-/mnt/a%%b"\n');
  });

  test("backup enable: the time and the retention that no flag names stay", async () => {
    const { type, fake } = await host(init, "backup enable --daily 02:30 --keep 30d,24m --yes");
    const state = () => [
      /OnCalendar=.* (\S+)/.exec(fake.text("/etc/systemd/system/edox-ops-backup.timer") ?? "")?.[1],
      JSON.parse(fake.text(settingsPath) ?? "").keep,
    ];
    const keep = { daily: 30, weekly: 0, monthly: 24 };
    expect((await type("backup enable --daily 04:00 --yes")).exit).toBe(0);
    expect(state()).toEqual(["04:00:00", keep]);
    expect((await type("backup enable --yes")).exit).toBe(0);
    expect(state()).toEqual(["04:00:00", keep]);
    expect((await type("backup enable --keep 9d --yes")).exit).toBe(0);
    expect(state()).toEqual(["04:00:00", { daily: 9, weekly: 0, monthly: 0 }]);
  });

  test("backup disable: the timer is gone, and the repository stays; uninstall removes the timer too", async () => {
    const { type, fake } = await host(init, "backup enable --yes");
    const timers = () => [...fake.nodes.keys()].filter((path) => path.includes("edox-ops-backup."));
    fake.put("/var/lib/systemd/timers/stamp-edox-ops-backup.timer", "");
    fake.taught.unshift(([name, , path = ""]) => {
      if (name !== "rm") return undefined;
      fake.remove(path);
      return { code: 0, stdout: "", stderr: "" };
    });
    expect((await type("backup disable --yes")).exit).toBe(0);
    expect([timers(), fake.text(settingsPath)]).toEqual([[], expect.any(String)]);
    expect((await type("backup enable --yes")).exit).toBe(0);
    expect(timers().length).toBeGreaterThan(1);
    fake.put("/var/cache/edox-ops/restic/CACHEDIR.TAG", "");
    expect(await type("uninstall --yes")).toMatchObject({ exit: 0 });
    expect([timers(), fake.stat("/var/cache/edox-ops/restic"), fake.text(settingsPath)]).toEqual([
      [],
      null,
      expect.any(String),
    ]);
  });

  test.each(["backup run", "backup list", "backup verify", "backup restore --yes"])(
    "%s: only root may open the repository",
    async (line) => {
      const { site } = await host(init);
      const user = Object.assign(Object.create(site.host), site.host, { uid: 1000 });
      expect(await typed(line, user)).toMatchObject({
        exit: 2,
        err: expect.stringContaining("only root may open the backup repository"),
      });
    },
  );

  test("backup run: a second one is refused while the first one runs", async () => {
    const { type, fake } = await host(init);
    fake.dir("/run/edox-ops", { mode: 0o700 });
    fake.locks.set("/run/edox-ops/backup.lock", { pid: 7, command: "edox-ops backup run", sinceMs: 0 });
    expect(await type("backup run")).toMatchObject({
      exit: 75,
      err: expect.stringContaining("another run holds the lock"),
    });
  });
});
