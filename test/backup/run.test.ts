// A backup: what is in it, what it leaves, and what a failure at each moment leaves.

import { describe, expect, test } from "bun:test";
import { lstatSync, statSync } from "node:fs";
import { readManifest } from "../../src/backup/contents.ts";
import { copyDir, manifestPath, restoredDir } from "../../src/backup/paths.ts";
import { backUp } from "../../src/backup/run.ts";
import { readState, writeState } from "../../src/backup/state.ts";
import { keepUp, verify } from "../../src/backup/upkeep.ts";
import { Problem } from "../../src/problem/problem.ts";
import { project } from "../sites/tree.ts";
import { BackupHost } from "./backup-host.ts";

const keep = { daily: 7, weekly: 4, monthly: 0 };
const week = 7 * 24 * 60 * 60_000;

describe("backup run", () => {
  for (const version of ["0.14", "0.18"] as const) {
    test(`backup run, restic ${version}: the snapshot has the trees with their times, and nothing is left`, async () => {
      using made = new BackupHost(version);
      const { disk, restic, settings, access } = made;
      disk.time("/var/www/docs/demo", 1_700_000_000);
      const result = await backUp(made.tools, settings, access);
      expect(result).toMatchObject({ projects: ["demo"], files: 3, bytes: 40, added_bytes: 20 });
      expect(restic.snapshots[0]?.id).toStartWith(result.snapshot);
      const copy = `${restic.store}/${restic.snapshots[0]?.id}${copyDir}/demo/site`;
      expect(await Bun.file(`${copy}/a/page.html`).text()).toBe("page");
      expect(lstatSync(`${copy}/link.html`).isSymbolicLink()).toBe(true);
      expect(statSync(copy).mtimeMs).toBe(1_700_000_000_000);
      expect(made.host.stat(copyDir)).toBeNull();
      expect(made.locked).toEqual(["/run/edox-ops/project-demo.lock", "released /run/edox-ops/project-demo.lock"]);
      expect(readManifest(disk.text(manifestPath))).toMatchObject({ format: 1, host: "alpha", projects: ["demo"] });
      expect(readState(made.host, "/repo")).toMatchObject({ failure: null, backedUpMs: expect.any(Number) });
    });
  }

  test("backup run: restic gets the same paths each time, without what opens the repository", async () => {
    using made = new BackupHost();
    await backUp(made.tools, made.settings, made.access);
    await backUp(made.tools, made.settings, made.access);
    expect(made.restic.lines[0]).toBe(
      "backup --json --quiet --host alpha --tag edox-ops --ignore-ctime --exclude /etc/edox-ops/backup-password " +
        "--exclude /etc/edox-ops/backup-environment /etc/edox-ops /var/www/docs/.edox-ops-backup /var/lib/edox-ops/backup/host.json",
    );
    expect(made.restic.lines[1]).toBe(made.restic.lines[0] as string);
  });

  test("backup run: versions, previews, kept files and, if chosen, earlier releases are parts of a snapshot", async () => {
    using made = new BackupHost();
    const { disk, restic, access } = made;
    const www = "/var/www/docs";
    disk.write(`${www}/.edox-ops-versions/demo/1.4/index.html`, "1.4");
    disk.write(`${www}/.edox-ops-versions/demo/latest`, "-> 1.4");
    disk.write(`${www}/.edox-ops-versions/demo/.renaming`, "1 2");
    disk.write(`${www}/.edox-ops-previews/demo/-/fix/index.html`, "fix");
    disk.write(`${www}/.edox-ops-assets/demo/app.js`, "js");
    disk.write(`${www}/.edox-ops-backups/demo/20261126T051545Z/index.html`, "old");
    disk.write(`${www}/.edox-ops-backups/demo/versions/1.4/20261126T051546Z/index.html`, "old 1.4");
    disk.write(`${www}/.edox-ops-backups/demo/.spare/index.html`, "spare");
    const filesOf = async (withReleases: boolean) => {
      await backUp(made.tools, { ...made.settings, with_releases: withReleases }, access);
      const top = `${restic.store}/${restic.snapshots.at(-1)?.id}${copyDir}/demo`;
      const found = Bun.spawnSync(["find", ".", "!", "-type", "d", "-printf", "%P\\n"], { cwd: top }).stdout.toString();
      return found.trim().split("\n").sort();
    };
    const live = [
      "assets/app.js",
      "previews/-/fix/index.html",
      "site/a/page.html",
      "site/index.html",
      "site/link.html",
    ];
    const versions = ["versions/1.4/index.html", "versions/latest"];
    expect(await filesOf(false)).toEqual([...live, ...versions].sort());
    const releases = ["releases/20261126T051545Z/index.html", "releases/versions/1.4/20261126T051546Z/index.html"];
    expect(await filesOf(true)).toEqual([...live, ...releases, ...versions].sort());
  });

  test("backup run: with many projects, the records of all are read only once for each", async () => {
    using made = new BackupHost();
    const slugs = Array.from({ length: 40 }, (_, i) => `p${i}`);
    const records = slugs.map((slug) => [
      slug,
      { ...project, slug, domain: `${slug}.test`, root_path: `/var/www/docs/${slug}` },
    ]);
    for (const slug of slugs) made.disk.write(`/var/www/docs/${slug}/index.html`, slug);
    made.disk.write("/etc/edox-ops/projects.json", JSON.stringify(Object.fromEntries(records)));
    let reads = 0;
    const { read } = made.host;
    const counted: typeof read = (path) => {
      if (path.endsWith("/projects.json")) reads += 1;
      return read(path);
    };
    Object.assign(made.host, { read: counted });
    expect((await backUp(made.tools, made.settings, made.access)).projects).toEqual([...slugs].sort());
    expect(reads).toBeGreaterThanOrEqual(slugs.length);
    expect(reads).toBeLessThan(2 * slugs.length);
  });

  test("backup run: a failure is recorded, leaves no links, and the next run succeeds", async () => {
    using made = new BackupHost();
    const { restic, settings, access, host } = made;
    restic.failing = [() => restic.fatal(1, "unable to save snapshot: no space left on device")];
    expect(await backUp(made.tools, settings, access).catch((error) => error)).toMatchObject({ code: "no-space" });
    expect(host.stat(copyDir)).toBeNull();
    const failure = "repository /repo: no space is left";
    expect(readState(host, "/repo")).toMatchObject({ failure, hint: ["df", "-h", "/repo"], backedUpMs: null });
    made.disk.write(`${copyDir}/demo/site/left`, "by a kill");
    made.disk.write(`${restoredDir}/etc/letsencrypt/key.pem`, "of a killed restore");
    await backUp(made.tools, settings, access);
    expect(host.stat(restoredDir)).toBeNull();
    expect(readState(host, "/repo")).toMatchObject({ failure: null, hint: [] });
  });

  test("backup run: a full disk of the sites or of the state is named, and recorded", async () => {
    for (const part of ["sites", "state"]) {
      using made = new BackupHost();
      const { host, trees } = made;
      const full = Object.assign(new Error("ENOSPC: no space left on device, mkdir '/var/www/docs/demo'"), {
        code: "ENOSPC",
      });
      const { writeFile } = host;
      const fail = (): never => {
        throw full;
      };
      if (part === "sites") Object.assign(trees, { share: fail });
      else
        Object.assign(host, {
          writeFile: (...words: Parameters<typeof writeFile>) =>
            words[0] === manifestPath ? fail() : writeFile(...words),
        });
      expect(await backUp(made.tools, made.settings, made.access).catch((error) => error)).toMatchObject({
        code: "no-space",
        message: expect.stringContaining("no space left at /var/www/docs/demo: "),
        hint: ["df", "-h", "/var/www/docs/demo"],
      });
      expect(readState(host, "/repo").failure).toContain("no space left at /var/www/docs/demo: ");
    }
  });

  test("backup run: a file that vanished is no failure if the second attempt succeeds", async () => {
    using made = new BackupHost();
    const gone = { code: 3, stdout: "", stderr: "Warning: at least one source file could not be read\n" };
    made.restic.failing = [() => gone];
    await backUp(made.tools, made.settings, made.access);
    made.restic.failing = [() => gone, () => gone];
    expect(await backUp(made.tools, made.settings, made.access).catch((error) => error)).toMatchObject({
      code: "command-failed",
    });
  });

  test("backup run: a signal ends it, and is no failure of the backup", async () => {
    using made = new BackupHost();
    const interrupted = new Problem("interrupted", "interrupted by SIGTERM", { returncode: 143 });
    const stop = () => (made.restic.ran.length > 0 ? interrupted : null);
    made.restic.failing = [() => ({ code: 130, stdout: "", stderr: "signal interrupt received, cleaning up\n" })];
    expect(await backUp({ ...made.tools, stop }, made.settings, made.access).catch((error) => error)).toBe(interrupted);
    expect(readState(made.host, "/repo").failure).toBeNull();
    expect(made.host.stat(copyDir)).toBeNull();
  });
});

describe("upkeep", () => {
  const none = () => null;

  test("upkeep: without a retention nothing is removed", async () => {
    using made = new BackupHost();
    expect(await keepUp(made.host, made.settings, made.access, none)).toEqual({
      forgotten: 0,
      pruned: false,
      verified: false,
    });
    expect(made.restic.ran).toEqual([]);
  });

  test("upkeep: snapshots of this host are removed each time, and data is freed and verified once a week", async () => {
    using made = new BackupHost();
    const settings = { ...made.settings, keep };
    expect(await keepUp(made.host, settings, made.access, none)).toEqual({
      forgotten: 2,
      pruned: true,
      verified: true,
    });
    expect(made.restic.lines).toEqual([
      "forget --json --tag edox-ops --host alpha --group-by host,tags --keep-daily 7 --keep-weekly 4 --keep-within 1d",
      "prune",
      "check --read-data-subset=1/8",
    ]);
    expect(await keepUp(made.host, settings, made.access, none)).toEqual({
      forgotten: 2,
      pruned: false,
      verified: false,
    });
    made.disk.ahead = week;
    await keepUp(made.host, settings, made.access, none);
    expect(made.restic.lines.at(-1)).toBe("check --read-data-subset=2/8");
    // The clock was wrong, and is right now.
    made.disk.ahead = -week;
    expect(await keepUp(made.host, settings, made.access, none)).toMatchObject({ pruned: true, verified: true });
  });

  test("upkeep: a retention that fails is recorded with its reason and hint until it works again, and a signal is not", async () => {
    using made = new BackupHost();
    const { host, access, restic } = made;
    const settings = { ...made.settings, keep };
    const run = (stop: () => Problem | null = none) => keepUp(host, settings, access, stop).catch((error) => error);
    const full = (word: string) => (args: readonly string[]) =>
      args[0] === word ? restic.fatal(1, "truncate: no space left on device") : undefined;
    for (const [word, what] of [
      ["forget", "old snapshots were not removed"],
      ["prune", "the space of removed snapshots was not freed"],
      ["check", "the data was not verified"],
    ] as const) {
      restic.failing = [full(word)];
      const failure = `${what}: repository /repo: no space is left`;
      expect(await run()).toMatchObject({ code: "no-space", message: failure, hint: ["df", "-h", "/repo"] });
      expect(readState(host, "/repo").upkeep).toEqual({ failure, hint: ["df", "-h", "/repo"] });
    }
    const interrupted = new Problem("interrupted", "interrupted by SIGTERM");
    restic.failing = [() => restic.fatal(130, "signal interrupt received")];
    const recorded = readState(host, "/repo").upkeep;
    expect([await run(() => interrupted), readState(host, "/repo").upkeep]).toEqual([interrupted, recorded]);
    restic.failing = [];
    const { writeFile } = host;
    await verify(host, settings, access, { all: false, stop: none });
    host.writeFile = () => {
      throw new Error("ENOSPC: no space left on device, write");
    };
    expect(await run()).toMatchObject({
      message: expect.stringMatching(/^the success of the upkeep was not recorded: no space/),
    });
    host.writeFile = writeFile;
    // A backup alone does not show that the retention works.
    await backUp(made.tools, settings, access);
    expect(readState(host, "/repo")).toMatchObject({ failure: null, upkeep: recorded });
    expect(await run()).toMatchObject({ forgotten: 2 });
    expect(readState(host, "/repo").upkeep).toBeNull();
  });

  test("upkeep: a damage that the weekly verification finds is recorded as damage alone", async () => {
    using made = new BackupHost();
    const { host, access, restic } = made;
    writeState(host, "/repo", { upkeep: { failure: "old snapshots were not removed: it is read-only", hint: [] } });
    restic.failing = [(args) => (args[0] === "check" ? restic.fatal(1, "repository contains errors") : undefined)];
    const failed = keepUp(host, { ...made.settings, keep }, access, none).catch((error) => error);
    expect(await failed).toMatchObject({
      code: "io-error",
      message: expect.stringMatching(/^repository \/repo: it is damaged/),
    });
    expect(readState(host, "/repo")).toMatchObject({
      damage: expect.stringContaining("it is damaged"),
      upkeep: null,
    });
  });

  test("upkeep: a full disk that refuses the record hides no error", async () => {
    using made = new BackupHost();
    const { host, access, restic } = made;
    await backUp(made.tools, made.settings, access);
    Object.assign(host, {
      writeFile(path: string) {
        throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: "ENOSPC" });
      },
    });
    const run = () => keepUp(host, { ...made.settings, keep }, access, none).catch((error) => error);
    restic.failing = [() => restic.fatal(1, "connection refused")];
    expect(await run()).toMatchObject({ code: "unreachable" });
    expect(await run()).toMatchObject({
      code: "no-space",
      message: expect.stringContaining("the space of removed snapshots was not freed: no space left at "),
    });
  });

  test("verify: a damage is recorded until a verification succeeds, and an unreachable repository is not damaged", async () => {
    using made = new BackupHost();
    const { host, settings, access, restic } = made;
    const run = (all = false) => verify(host, settings, access, { all, stop: none }).catch((error) => error);
    restic.failing = [() => restic.fatal(1, "dial tcp: connect: connection refused")];
    expect(await run()).toMatchObject({ code: "unreachable" });
    expect(readState(host, "/repo").damage).toBeNull();
    restic.failing = [() => restic.fatal(1, "repository contains errors")];
    expect(await run()).toMatchObject({ code: "io-error" });
    expect(readState(host, "/repo")).toMatchObject({ damage: expect.stringContaining("it is damaged"), part: 1 });
    writeState(host, "/repo", { part: 8 });
    expect(await run()).toBeUndefined();
    expect(readState(host, "/repo")).toMatchObject({ damage: null, part: 1 });
    await run(true);
    expect(restic.lines.at(-1)).toBe("check --read-data");
  });
});
