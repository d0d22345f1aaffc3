// The commands of backups as they are typed: their errors, their output, and the timer.

import { describe, expect, test } from "bun:test";
import { passwordPath, settingsPath, statePath } from "../../src/backup/paths.ts";
import { atTerminal, typed } from "../cli/typed.ts";
import { commandHost, init } from "./command-host.ts";

describe("backup init", () => {
  test("backup init: a generated password is written for root alone, and is on no command line and in no output", async () => {
    const { type, fake, restic } = await commandHost();
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
    const { type, fake, json } = await commandHost(init, "backup enable --yes");
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
    const { type, site } = await commandHost();
    const before = site.snapshot();
    const result = await type(line);
    expect([result.exit, result.err]).toEqual([exit, expect.stringContaining(message)]);
    expect(site.snapshot()).toEqual(before);
  });

  test("backup init: a repository that cannot be opened is not recorded", async () => {
    const { type, fake, restic } = await commandHost();
    restic.exists = true;
    restic.failing = [(args) => (args[0] === "cat" ? restic.fatal(12, "wrong password or no key found") : undefined)];
    const { exit, err } = await type(init);
    expect([exit, err]).toEqual([1, expect.stringContaining("repository /mnt/repo: the password is wrong")]);
    expect([fake.text(settingsPath), fake.text(passwordPath)]).toEqual([null, null]);
  });

  test("backup init: a repository on the disk of the sites has a warning", async () => {
    const { type } = await commandHost();
    expect((await type("backup init --repo /srv/repo --generate --yes")).err).toContain("is on the disk of the sites");
    expect((await type("backup init --repo //mnt/repo/ --generate --yes")).err).toBe("");
  });
});

describe("backup verify", () => {
  test("backup verify: a full disk of this host is named after the repository was verified", async () => {
    const { type, fake, site } = await commandHost(init);
    fake.dir("/var/lib/edox-ops/backup");
    const { writeFile } = site.host;
    site.host.writeFile = (path, ...more) => {
      if (path !== statePath) return writeFile(path, ...more);
      throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: "ENOSPC" });
    };
    const { exit, err } = await type("backup verify");
    expect([exit, err]).toEqual([1, expect.stringContaining("error: no space left at /var/lib/edox-ops/backup: ")]);
    expect(err).toContain("hint: df -h /var/lib/edox-ops/backup\n");
  });
});

describe("backup commands", () => {
  test("backup run: the snapshot, its size and its retention are reported, and listed", async () => {
    const { json, type, site } = await commandHost("project publish demo --domain demo.test --source /srv/site", init);
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
    const { type, json, restic } = await commandHost(init, "backup enable --daily 02:30 --keep 3d --yes");
    expect((await type("backup run")).out).toContain("Removed 2 old snapshots.\nVerified a part of the data.\n");
    expect(restic.ran.find(([word]) => word === "forget")?.slice(-4)).toEqual([
      ...["--keep-daily", "3", "--keep-within", "1d"],
    ]);
    expect((await json("backup run")).backup).toMatchObject({ forgotten: 2, pruned: false, verified: false });
  });

  test("backup run: an interruption of the retention says that the snapshot is kept, and one before it does not", async () => {
    const { type, fake } = await commandHost(init, "backup enable --keep 3d --yes");
    const at = { word: "forget" };
    fake.taught.unshift((argv) => {
      if (argv.includes(at.word)) fake.signal = { name: "SIGTERM", number: 15 };
      return undefined;
    });
    const shown = (await atTerminal(80, () => type("backup run"))).err;
    const kept = "interrupted by SIGTERM; the new snapshot is kept";
    expect(shown).toBe(`▲ Stopped: ${kept}.\n  Continue with: edox-ops backup run\n`);
    Object.assign(at, { word: "backup" });
    fake.signal = null;
    expect((await type("backup run")).err).toBe("error: interrupted by SIGTERM\nhint: edox-ops backup run\n");
  });

  test("backup status: the repository, the schedule and the last backup, with the hint of a failed one", async () => {
    const { type, json, site, restic } = await commandHost();
    const none = { repository: null, daily: null, keep: null, last_backup: null, failure: null };
    expect((await json("backup status")).backup_status).toMatchObject(none);
    expect((await type("backup status")).out).toBe("No backup repository is set up.\n");
    const shown = () => atTerminal(80, () => typed("backup status", site.host));
    expect((await shown()).out).toContain("No backup repository is set up. → edox-ops backup init --help");
    for (const line of [init, "backup enable --daily 02:30 --keep 3d,1w --yes", "backup run"]) await type(line);
    const set = { repository: "/mnt/repo", host: "alpha", daily: "02:30", keep: "3d,1w", failure: null, damage: null };
    expect((await json("backup status")).backup_status).toMatchObject({ ...set, last_backup: expect.any(String) });
    expect((await type("backup status")).out).toMatch(
      /^repository: \/mnt\/repo\nhost: alpha\ndaily: 02:30\nkeep: 3d,1w\nlast backup: \S+Z\nlast verification: \S+Z\nfailure: none\nupkeep failure: none\ndamage: none\n$/,
    );
    expect((await shown()).out).toContain("Backups go to /mnt/repo, every day at 02:30.");
    restic.failing = [() => restic.fatal(12, "wrong password or no key found")];
    expect((await type("backup run")).exit).toBe(1);
    const { out, exit } = await shown();
    expect([exit, out]).toEqual([0, expect.stringContaining("the password is wrong")]);
    expect(out).toContain("→ edox-ops backup init --repo /mnt/repo --password-file FILE");
  });

  test("backup status: a retention that failed after a snapshot is shown until it works again", async () => {
    const { type, json, site, restic } = await commandHost(init, "backup enable --keep 3d --yes");
    restic.failing = [(args) => (args[0] === "forget" ? restic.fatal(1, "truncate: disk quota exceeded") : undefined)];
    const failure = "old snapshots were not removed: repository /mnt/repo: no space is left";
    expect(await type("backup run")).toMatchObject({ exit: 1, err: expect.stringContaining(failure) });
    const { backup_status } = await json("backup status");
    expect(backup_status).toMatchObject({
      ...{ last_backup: expect.any(String), failure: null, upkeep_failure: failure },
    });
    expect((await type("backup status")).out).toContain(`\nupkeep failure: ${failure}\n`);
    const { out } = await atTerminal(200, () => typed("backup status", site.host));
    expect(out).toContain(`▲ the last backup was made just now; ${failure} → df -h /mnt/repo\n`);
    expect((await type("backup run")).exit).toBe(0);
    expect((await json("backup status")).backup_status).toMatchObject({ upkeep_failure: null });
  });

  test("backup status: a time that no date has is one that is not known", async () => {
    const { type, fake } = await commandHost(init, "backup run");
    fake.put(statePath, (fake.text(statePath) ?? "").replace(/"backedUpMs": ?\d+/, '"backedUpMs":1e300'));
    expect(await type("backup status")).toMatchObject({ exit: 0, out: expect.stringContaining("last backup: none") });
  });

  test("backup verify: reports what was read", async () => {
    const { type, restic } = await commandHost(init);
    expect((await type("backup verify")).out).toBe("Verified the structure, and an eighth of the data.\n");
    expect((await type("backup verify --all")).out).toBe("Verified all data.\n");
    restic.failing = [() => restic.fatal(1, "repository contains errors")];
    expect(await type("backup verify")).toMatchObject({ exit: 1, err: expect.stringContaining("it is damaged") });
    expect((await type("backup status")).out).toMatch(/^damage: .*it is damaged/m);
  });

  test("backup enable: the timer runs the program at that time, with the repository as its only further directory", async () => {
    const { fake } = await commandHost(
      "backup init --repo /mnt/a%b --generate --yes",
      "backup enable --daily 02:30 --yes",
    );
    const unit = (suffix: string) => fake.text(`/etc/systemd/system/edox-ops-backup.${suffix}`) ?? "";
    expect(unit("timer")).toContain("OnCalendar=*-*-* 02:30:00\n");
    expect(unit("service")).toContain("ExecStart=/usr/local/bin/edox-ops backup run\n");
    expect(unit("service")).toContain('ReadWritePaths="-/mnt/a%%b"\n');
  });

  test("backup enable: the time and the retention that no flag names stay", async () => {
    const { type, fake } = await commandHost(init, "backup enable --daily 02:30 --keep 30d,24m --yes");
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
    const { type, fake } = await commandHost(init, "backup enable --yes");
    const timers = () => [...fake.nodes.keys()].filter((path) => path.includes("edox-ops-backup."));
    fake.put("/var/lib/systemd/timers/stamp-edox-ops-backup.timer", "");
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
      const { site } = await commandHost(init);
      const user = Object.assign(Object.create(site.host), site.host, { uid: 1000 });
      expect(await typed(line, user)).toMatchObject({
        exit: 2,
        err: expect.stringContaining("only root may open the backup repository"),
      });
    },
  );

  test("backup run: a second one is refused while the first one runs", async () => {
    const { type, fake } = await commandHost(init);
    fake.dir("/run/edox-ops", { mode: 0o700 });
    fake.locks.set("/run/edox-ops/backup.lock", { pid: 7, command: "edox-ops backup run", sinceMs: 0 });
    expect(await type("backup run")).toMatchObject({
      exit: 75,
      err: expect.stringContaining("another run holds the lock"),
    });
  });
});
