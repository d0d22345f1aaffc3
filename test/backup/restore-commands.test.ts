// The commands that restore, as they are typed: their errors and their output.

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { manifestPath, movingPath, passwordPath, restoredDir, settingsPath } from "../../src/backup/paths.ts";
import { generateKey } from "../../src/deploy-keys/generate.ts";
import { projectsPath } from "../../src/engine/paths.ts";
import { documentSchema } from "../../src/report/schema.ts";
import { runnerConfigPath } from "../../src/runner/paths.ts";
import { makeBundle } from "../bundle/small.ts";
import { atTerminal } from "../cli/typed.ts";
import { ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";
import { commandHost, fetch, init } from "./command-host.ts";

describe("backup restore", () => {
  test("backup restore: on a host that has everything in the snapshot, the output says so", async () => {
    const { type, fake } = await commandHost("project publish demo --domain demo.test --source /srv/site", init);
    expect((await type("backup run")).exit).toBe(0);
    fake.taught.unshift((argv) => {
      if (argv.includes("restore")) fetch(fake, []);
      return undefined;
    });
    expect(await type("backup restore --only sites --yes")).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^Nothing to restore: this host has what is in snapshot [0-9a-f]{8}\.\n$/),
    });
  });

  test("backup restore: what was restored is printed before the error about a project that was not", async () => {
    const { type, fake } = await commandHost("project publish demo --domain demo.test --source /srv/site", init);
    expect((await type("backup run")).exit).toBe(0);
    fake.taught.unshift((argv) => {
      if (argv[1] === "project") return { code: 0, stdout: '{"outcome":"changed"}', stderr: "" };
      if (!argv.includes("restore")) return undefined;
      fetch(fake, ["demo"], { bad: {} });
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

  test("backup restore: what was restored before an interruption is reported", async () => {
    const { type, fake } = await commandHost("project publish demo --domain demo.test --source /srv/site", init);
    expect((await type("backup run")).exit).toBe(0);
    fake.taught.unshift((argv) => {
      if (argv.join(" ").includes("project enable two")) fake.signal = { name: "SIGTERM", number: 15 };
      if (argv[1] === "project") return { code: 0, stdout: '{"outcome":"changed"}', stderr: "" };
      if (!argv.includes("restore")) return undefined;
      fetch(fake, ["demo", "two"]);
      return undefined;
    });
    const { exit, out } = await type("backup restore --only sites --yes --json");
    const { outcome, restored } = v.parse(documentSchema, JSON.parse(out));
    expect([exit, outcome, restored?.deployed]).toEqual([143, "interrupted", ["demo"]]);
    expect((await type("backup restore --only sites --yes")).out).toBe("");
  });

  test("backup restore: an interruption says what is kept, and the command that completes it names the snapshot", async () => {
    const { type, fake, restic } = await commandHost(
      "project publish demo --domain demo.test --source /srv/site",
      init,
      "backup run",
    );
    const at = { word: "project enable two" };
    fake.taught.unshift((argv) => {
      if (argv.join(" ").includes(at.word)) fake.signal = { name: "SIGINT", number: 2 };
      if (argv[1] === "project") return { code: 0, stdout: '{"outcome":"changed"}', stderr: "" };
      if (!argv.includes("restore")) return undefined;
      fetch(fake, ["demo", "two"]);
      return undefined;
    });
    const id = restic.snapshots[0]?.id.slice(0, 8);
    // The timer may make a snapshot of the half restored host before the restore is repeated.
    const again = `edox-ops backup restore --only sites --yes --snapshot ${id}`;
    const interrupted = async (word: string, line = "backup restore --only sites --yes") => {
      Object.assign(at, { word });
      const stopped = () => {
        fake.signal = null;
        return type(line);
      };
      return { terminal: await atTerminal(100, stopped), pipe: await stopped() };
    };
    const { terminal, pipe } = await interrupted("project enable two");
    expect([terminal.exit, pipe.exit]).toEqual([130, 130]);
    expect(terminal.out).toContain("Deployed from the snapshot: demo.");
    const kept = "interrupted by SIGINT; what was restored before is kept";
    expect(terminal.err).toBe(`▲ Stopped: ${kept}.\n  Continue with: ${again}\n`);
    expect(pipe.err).toBe(`error: ${kept}\nhint: ${again}\n`);
    // Nothing was restored while the snapshot was fetched.
    const early = await interrupted("restore", `backup restore --only sites --yes --snapshot ${id}`);
    expect(early.terminal.err).toBe(`▲ Stopped: interrupted by SIGINT.\n  Continue with: ${again}\n`);
    expect(early.pipe.out).toBe("");
    Object.assign(at, { word: "never" });
    fake.signal = null;
    const { exit, out } = await type(again.replace("edox-ops ", ""));
    expect([exit, out]).toEqual([0, "Deployed from the snapshot: demo, two.\n"]);
  });

  test("backup restore: what this version does not know in a snapshot is reported as not restored", async () => {
    const { type, fake } = await commandHost(init, "backup run");
    fake.taught.unshift((argv) => {
      if (!argv.includes("restore")) return undefined;
      const manifest = JSON.parse(fake.text(manifestPath) ?? "");
      fake.put(`${restoredDir}${manifestPath}`, JSON.stringify({ ...manifest, set_up: ["host\u001b[2J; reboot"] }));
      return undefined;
    });
    const { exit, err } = await type("backup restore --yes");
    expect([exit, err]).toEqual([
      0,
      'warning: not restored, because this version does not know it: set_up: "host\\u001b[2J; reboot"\n',
    ]);
  });

  test("backup restore: neither a timer nor a rule of sudo runs a program that others than root may change", async () => {
    const program = "/tmp/edox-ops";
    const { type, fake, site } = await commandHost("project publish demo --domain demo.test --source /srv/site", init);
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
      if (argv.includes("restore")) fetch(fake, []);
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

describe("a dry run of a restore", () => {
  test.each(["backup restore", `restore-host --repo /mnt/repo --password-file ${passwordPath}`])(
    "%s: a dry run lists the projects with their domains, the certificates and the runners",
    async (line) => {
      const { type, fake, json, restic } = await commandHost(init, "backup run");
      const [{ id = "" } = {}] = restic.snapshots;
      const put = (path: string, text: string) => {
        mkdirSync(dirname(`${restic.store}/${id}${path}`), { recursive: true });
        writeFileSync(`${restic.store}/${id}${path}`, text);
      };
      put(projectsPath, JSON.stringify({ demo: project, worse: {} }));
      put("/etc/letsencrypt/live/demo.test/cert.pem", "");
      put(runnerConfigPath, '[[runners]]\nname = "ci"\ntoken = "glrt-canary"\n');
      const before = fake.listing();
      const { exit, out, err } = await type(`${line} --dry-run`);
      expect([exit, out]).toEqual([
        0,
        expect.stringContaining(
          "Would restore sites, certs, runner from snapshot 5feceb66.\n" +
            "Project demo: demo.test\nCertificate demo.test\nRunner ci\n",
        ),
      ]);
      expect(err).toContain("the record of project worse in the snapshot is invalid: it is not restored");
      const document = await json(`${line} --dry-run`);
      expect(document.would_restore).toEqual({
        ...{ snapshot: id, projects: [{ slug: "demo", domain: "demo.test" }] },
        ...{ certificates: ["demo.test"], runners: ["ci"] },
      });
      expect(JSON.stringify(document) + out + err).not.toContain("canary");
      expect(fake.listing()).toEqual(before);
      expect((await type(`${line} --dry-run --only runner`)).out).toEndWith("\nRunner ci\n");
    },
  );

  test("backup restore: a dry run of a snapshot without anything says so", async () => {
    const { type } = await commandHost(init, "backup run");
    expect((await type("backup restore --dry-run")).out).toEndWith("5feceb66.\nThe snapshot has none of them.\n");
  });

  test("backup restore: a dry run says why it cannot know what the snapshot has", async () => {
    const { type, restic } = await commandHost(init, "backup run");
    const list = restic.answer.bind(restic);
    restic.answer = (...words) => {
      const output = list(...words);
      return words[0].includes("ls") ? restic.fatal(1, "Load(<index/1>): unexpected EOF") : output;
    };
    const { exit, out } = await type("backup restore --dry-run");
    expect([exit, out]).toEqual([0, expect.stringContaining("could not be determined: what the snapshot has: ")]);
  });

  test("restore-host: a dry run on a host without restic says that it cannot know what the snapshot has", async () => {
    const { type } = await commandHost();
    const { exit, out } = await type("restore-host --repo /mnt/repo --password-file /etc/os-release --dry-run");
    expect([exit, out]).toEqual([
      0,
      expect.stringContaining(
        "could not be determined: what the snapshot has: restic, which reads it, is not installed yet\n",
      ),
    ]);
  });
});

test.each([
  ["backup restore", "--only sites"],
  ["restore-host", "--repo /mnt/repo --password-file /etc/os-release"],
])("%s: without --yes and a terminal, it is refused as any change is, and nothing is changed", async (name, flags) => {
  const { type, site } = await commandHost(...(name === "backup restore" ? [init] : []));
  const before = site.snapshot();
  expect(await type(`${name} ${flags}`)).toEqual({
    ...{ exit: 2, out: "" },
    err:
      `error: ${name} needs confirmation: pass --yes to apply, or --dry-run to preview\n` +
      `hint: edox-ops ${name} ${flags} --yes\n`,
  });
  expect(site.snapshot()).toEqual(before);
});

describe("restore-host", () => {
  test.each([
    ["a wrong password", "wrong password or no key found", "rest:https://nas.test/alpha"],
    ["a wrong location", "Is there a repository at the following location?", "REPOSITORY"],
  ])("restore-host: the hint for %s does not set up another repository", async (_, message, repo) => {
    const { type, fake, restic } = await commandHost();
    fake.put("/root/password", "wrong\n", { mode: 0o600 });
    restic.failing = [() => restic.fatal(1, message)];
    const { exit, err } = await type(
      "restore-host --repo rest:https://nas.test/alpha --password-file /root/password --yes",
    );
    expect(exit).toBe(1);
    expect(err).toContain(`hint: edox-ops restore-host --repo ${repo} --password-file FILE\n`);
  });

  test("restore-host: a host that is backed up to another repository is refused, and keeps its settings", async () => {
    const { type, fake, site } = await commandHost("backup init --repo /mnt/other --generate --yes");
    const before = site.snapshot();
    for (const more of ["--yes", "--dry-run"]) {
      const { exit, err } = await type(`restore-host --repo /mnt/repo --password-file /etc/os-release ${more}`);
      expect([exit, err]).toEqual([
        1,
        "error: this host is backed up to another repository, /mnt/other: change that first\n" +
          "hint: edox-ops backup init --repo /mnt/repo --password-file /etc/os-release\n",
      ]);
    }
    expect(site.snapshot()).toEqual(before);
    // A run that was interrupted is no reason to replace the repository that was set up since.
    fake.put(movingPath, "/mnt/repo");
    const again = "restore-host --repo /mnt/repo --password-file /etc/os-release --yes";
    expect((await type(again)).err).toContain("another repository, /mnt/other");
    expect((await type("backup init --repo /mnt/repo --password-file /etc/os-release --yes")).exit).toBe(0);
    expect((await type(again)).err).toContain("the repository has no snapshot of edox-ops");
  });

  test("restore-host: a host that is backed up to the same repository goes on, in any spelling of its path", async () => {
    const { type, fake, json } = await commandHost(init, "backup run");
    fake.taught.unshift((argv) => {
      if (argv.includes("restore")) fetch(fake, []);
      return undefined;
    });
    const { exit, out, err } = await type(`restore-host --repo /mnt/repo --password-file ${passwordPath} --yes`);
    expect([exit, out, err]).toEqual([0, expect.stringContaining("Nothing to restore: "), ""]);
    const { last_backup } = (await json("backup status")).backup_status ?? {};
    const spelled = await type(`restore-host --repo //mnt/repo/ --password-file ${passwordPath} --yes`);
    expect([spelled.exit, spelled.err]).toEqual([0, ""]);
    // The location is recorded for restic as it was typed, and what is known about the repository stays.
    expect((await json("backup status")).backup_status).toMatchObject({
      ...{ repository: "//mnt/repo/", last_backup: last_backup as string },
    });
  });

  test("restore-host: repeated after days, it keeps newer sites and settings, and names what replaces the sites", async () => {
    const lines = ["backup enable --keep 30d --yes", "backup run"];
    const { type, fake, json, site } = await commandHost(
      "project publish demo --domain demo.test --source /srv/site",
      init,
      ...lines,
    );
    fake.put(movingPath, "/mnt/repo");
    site.disk.time("/var/www/docs/demo", 1_900_000_000);
    fake.taught.unshift((argv) => {
      if (argv.includes("restore")) fetch(fake, ["demo"]);
      return argv[1] === "project" ? ok(`{"outcome":"${argv.includes("--dry-run") ? "pending" : "ok"}"}`) : undefined;
    });
    const line = `restore-host --repo /mnt/repo --password-file ${passwordPath} --yes`;
    const { exit, err } = await type(line);
    expect(exit).toBe(0);
    expect(err).toContain(
      "warning: sites that are newer on this host are kept: demo; replace them with sudo edox-ops backup restore --snapshot 5feceb66 --only sites\n",
    );
    expect(JSON.parse(fake.text(settingsPath) ?? "").keep).toMatchObject({ daily: 30 });
    fake.put(movingPath, "/mnt/repo");
    expect((await json(line)).restored).toMatchObject({ kept: ["demo"], deployed: [] });
    fake.taught.unshift((argv) => (argv[1] === "project" ? ok('{"outcome":"changed"}') : undefined));
    expect((await json("backup restore --snapshot 5feceb66 --only sites --yes")).restored).toMatchObject({
      ...{ kept: [], deployed: ["demo"] },
    });
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
    const { type, site } = await commandHost();
    await makeBundle(site.host, "/srv/host.tar", {}, { changes });
    const before = site.snapshot();
    const { exit, err } = await type(line);
    expect([exit, err]).toEqual([1, expect.stringContaining(message)]);
    expect(err).toContain("hint: edox-ops bundle show /srv/host.tar");
    expect(site.snapshot()).toEqual(before);
  });
});
