// A restore: what is missing is back with its bytes and times, a live site is deployed, and nothing is overwritten.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { fetchSnapshot } from "../../src/backup/fetched.ts";
import { manifestPath, restoredDir } from "../../src/backup/paths.ts";
import { demandWhole, restore } from "../../src/backup/restore.ts";
import { Problem } from "../../src/problem/problem.ts";
import { slugRule } from "../../src/sites/project.ts";
import { ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";
import { BackupHost } from "./backup-host.ts";
import { backedUp, program, runners, withEverything, www } from "./restorable.ts";

/** Returns a public key of ed25519 that consists of this byte. */
function publicKey(byte: string): string {
  const text = (of: string) => Buffer.concat([Buffer.from([0, 0, 0, of.length]), Buffer.from(of)]);
  return `ssh-ed25519 ${Buffer.concat([text("ssh-ed25519"), text(byte.repeat(32))]).toString("base64")}`;
}

function deployKey(of: string, name: string, bytes: string) {
  const limits = { max_size: 1, max_files: 1, rate: 1 };
  return { project: of, name, public_key: publicKey(bytes), fingerprint: `SHA256:${bytes}`, ...limits };
}

describe("backup restore", () => {
  test("backup restore: a host without anything gets the same bytes, times and links", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { disk, host } = made;
    disk.write("/etc/letsencrypt/live/admin.test/fullchain.pem", "installed by an admin");
    disk.write("/etc/letsencrypt/live/README", "about the directory");
    disk.write("/etc/letsencrypt/cli.ini", "email = admin@example.com");
    disk.write("/etc/letsencrypt/dns.ini", "token of a DNS plugin");
    disk.write("/etc/letsencrypt/renewal-hooks/deploy/mail.sh", "#!/bin/sh");
    disk.time(`${www}/demo`, 1_700_000_000);
    const { ran, restoreAll } = await backedUp(made);
    for (const path of ["/etc/edox-ops", "/etc/letsencrypt", "/etc/nginx", "/etc/gitlab-runner", "/root", www])
      disk.remove(path);
    for (const path of ["/etc/edox-ops", www]) host.makeDirectory(path, { mode: 0o755, uid: host.uid, gid: host.uid });
    const { manifest, restored } = await restoreAll();
    expect(manifest.projects).toEqual(["demo"]);
    expect(restored).toEqual({
      ...{
        projects: ["demo"],
        deployed: [],
        kept: [],
        failed: [],
        certificates: ["admin.test", "demo.test", "other.test"],
        certbot_files: ["accounts", "cli.ini", "dns.ini", "renewal-hooks"].map((name) => `/etc/letsencrypt/${name}`),
        runners: true,
        warnings: [],
      },
    });
    expect(ran).toEqual(["project enable demo --json"]);
    expect(JSON.parse(disk.text("/etc/edox-ops/projects.json"))).toEqual({ demo: { ...project, enabled: true } });
    expect(disk.stat(`${www}/demo`).mtimeMs).toBe(1_700_000_000_000);
    expect([
      disk.text(`${www}/demo/a/page.html`),
      disk.text(`${www}/.edox-ops-versions/demo/latest/index.html`),
      disk.text(`${www}/.edox-ops-previews/demo/-/fix/index.html`),
      disk.text("/etc/nginx/edox-ops-password-demo"),
      disk.text("/etc/letsencrypt/live/demo.test/cert.pem"),
      disk.text("/etc/letsencrypt/accounts/acme.test/directory/1/private_key.json"),
      disk.text("/etc/gitlab-runner/config.toml"),
      disk.text("/root/gitlab-ca.pem"),
    ]).toEqual(["page", "1.4", "fix", "reader:hash", "certificate of demo.test", "key", runners, "authority"]);
    expect(
      ["cli.ini", "dns.ini", "renewal-hooks/deploy/mail.sh"].map((name) => disk.text(`/etc/letsencrypt/${name}`)),
    ).toEqual(["email = admin@example.com", "token of a DNS plugin", "#!/bin/sh"]);
    expect(host.stat("/etc/nginx/edox-ops-password-demo")?.type).toBe("file");
  });

  test("backup restore: a file of a runner is not restored where others than root could lead to another file", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { disk, host } = made;
    // The home of the runner must be made together with its user, who owns it.
    const places = ["/home/gitlab-runner/ca.pem", "/srv/shared/cert.pem"];
    const [ca = "", certificate = ""] = places;
    const config = runners.replace("/root/gitlab-ca.pem", ca).replace("/root/../etc/shadow", certificate);
    disk.write("/etc/gitlab-runner/config.toml", config);
    for (const path of places) disk.write(path, "of a runner");
    const { restoreAll } = await backedUp(made);
    for (const path of ["/etc/gitlab-runner", "/home", certificate]) disk.remove(path);
    disk.mode("/srv/shared", 0o777);
    const { restored } = await restoreAll(["runner"]);
    // Without root, each directory is one of another user.
    const refused = host.uid === 0 ? places : [ca];
    expect(restored.warnings).toEqual(
      refused.map(
        (path) => `${path}, which a runner needs, is not restored: others than root may change its directory`,
      ),
    );
    expect([refused.filter((path) => host.stat(path) !== null), host.stat("/home")]).toEqual([[], null]);
    expect(restored.runners).toBe(true);
  });

  test("backup restore: on a host with everything, a site is deployed and nothing else is touched", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { disk } = made;
    const { ran, restoreAll } = await backedUp(made);
    disk.write("/etc/gitlab-runner/config.toml", "concurrent = 9");
    disk.write("/etc/letsencrypt/archive/demo.test/cert2.pem", "renewed");
    disk.write("/etc/letsencrypt/accounts/acme.test/directory/1/private_key.json", "another key");
    disk.remove("/etc/letsencrypt/live/demo.test");
    disk.write(`${www}/demo/index.html`, "later");
    disk.remove(`${www}/.edox-ops-versions/demo/1.4`);
    const { restored } = await restoreAll();
    expect(restored).toMatchObject({ projects: [], deployed: ["demo"], certificates: [], runners: false });
    expect(restored.warnings).toEqual([
      "certificate demo.test is not restored: /etc/letsencrypt has other files of this name, and no live/demo.test",
      "this host has runners already: /etc/gitlab-runner/config.toml stays as it is",
    ]);
    expect(ran).toEqual([
      "project enable demo --json",
      `project deploy demo --source ${restoredDir}${www}/.edox-ops-backup/demo/site --json`,
    ]);
    expect(disk.text("/etc/gitlab-runner/config.toml")).toBe("concurrent = 9");
    expect(disk.text("/etc/letsencrypt/accounts/acme.test/directory/1/private_key.json")).toBe("another key");
    expect(disk.text(`${www}/demo/index.html`)).toBe("later");
    expect(disk.text(`${www}/.edox-ops-versions/demo/1.4/index.html`)).toBe("1.4");
  });

  test("backup restore: a site that is the same is not reported, and only the typed parts are restored", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { restoreAll } = await backedUp(made, () => ok('{"outcome":"ok"}'));
    expect((await restoreAll(["runner"])).restored).toMatchObject({ runners: false, warnings: [] });
    made.disk.remove("/etc/gitlab-runner");
    made.disk.remove("/etc/letsencrypt");
    const { restored } = await restoreAll(["sites"]);
    expect(restored).toEqual({
      projects: [],
      deployed: [],
      kept: [],
      certificates: [],
      certbot_files: [],
      runners: false,
      failed: [],
      warnings: [],
    });
    expect(made.host.stat("/etc/letsencrypt")).toBeNull();
    expect((await restoreAll(["certs"])).restored.certificates).toEqual(["demo.test", "other.test"]);
  });

  test("backup restore: a project that fails and an invalid record do not keep the others from being restored", async () => {
    using made = new BackupHost();
    const { disk } = made;
    const record = (slug: string) => ({
      ...project,
      slug,
      domain: `${slug}.test`,
      root_path: `${www}/${slug}`,
      enabled: true,
    });
    for (const slug of ["one", "two"]) disk.write(`${www}/${slug}/index.html`, slug);
    const records = { one: record("one"), two: record("two"), "../bad": record("one"), worse: { slug: "worse" } };
    disk.write("/etc/edox-ops/projects.json", JSON.stringify(records));
    const refused = { code: 1, stdout: '{"error":{"message":"nginx refuses it"}}', stderr: "" };
    const { restoreAll } = await backedUp(made, (words) =>
      words.includes(" one ") ? refused : ok('{"outcome":"changed"}'),
    );
    disk.write("/etc/edox-ops/projects.json", "{}");
    const { restored } = await restoreAll();
    expect([restored.projects, restored.failed]).toEqual([["two"], ["../bad", "worse", "one"]]);
    expect(() => demandWhole(restored)).toThrow("not restored: ../bad, worse, one");
    expect(restored.warnings).toEqual([
      "the record of project ../bad in the snapshot is invalid: it is not restored",
      "the record of project worse in the snapshot is invalid: it is not restored",
      "project one: nginx refuses it",
    ]);
  });

  test("backup restore: a certificate, an account or a runner that fails does not keep the rest from being restored", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { disk, trees } = made;
    const { restoreAll } = await backedUp(made);
    for (const path of ["/etc/letsencrypt", "/etc/gitlab-runner", `${www}/demo`]) disk.remove(path);
    disk.write("/etc/edox-ops/projects.json", "{}");
    const { move } = trees;
    const full = /letsencrypt\/(?:renewal\/demo|accounts)|runner\/config/;
    Object.assign(trees, {
      move(from: string, to: string) {
        if (full.test(to)) throw new Problem("no-space", `no space left on device: ${to}`);
        move(from, to);
      },
    });
    const { restored } = await restoreAll();
    expect(restored).toEqual({
      ...{
        projects: ["demo"],
        deployed: [],
        kept: [],
        certificates: ["other.test"],
        certbot_files: [],
        runners: false,
      },
      failed: ["certificate demo.test", "/etc/letsencrypt/accounts", "runners"],
      warnings: [
        "certificate demo.test: no space left on device: /etc/letsencrypt/renewal/demo.test.conf",
        "/etc/letsencrypt/accounts: no space left on device: /etc/letsencrypt/accounts",
        "runners: no space left on device: /etc/gitlab-runner/config.toml",
      ],
    });
    Object.assign(trees, { move });
    expect((await restoreAll()).restored).toMatchObject({ certificates: ["demo.test"], runners: true, failed: [] });
  });

  test("backup restore: a project that conflicts with one of this host is refused, and neither is changed", async () => {
    using made = new BackupHost();
    const { disk } = made;
    const { ran, restoreAll } = await backedUp(made);
    const other = { ...project, slug: "other", root_path: `${www}/other` };
    disk.write("/etc/edox-ops/projects.json", JSON.stringify({ other }));
    disk.remove(`${www}/demo`);
    const { restored } = await restoreAll();
    expect(restored).toMatchObject({
      projects: [],
      failed: ["demo"],
      warnings: ["project demo: domain demo.test is already used by project other"],
    });
    expect(JSON.parse(disk.text("/etc/edox-ops/projects.json"))).toEqual({ other });
    expect([ran, disk.list(www)]).toEqual([[], []]);
  });

  test("backup restore: a missing project whose directory has other files is deployed over them", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { disk } = made;
    const { ran, restoreAll } = await backedUp(made);
    disk.write("/etc/edox-ops/projects.json", "{}");
    disk.write(`${www}/demo/index.html`, "left by a removed project");
    expect((await restoreAll()).restored).toMatchObject({ projects: ["demo"], failed: [] });
    expect(ran).toEqual([
      "project enable demo --json",
      `project deploy demo --source ${restoredDir}${www}/.edox-ops-backup/demo/site --json`,
    ]);
  });

  test("restore-host: a repeated run keeps a project that was deployed since the first one, and completes the others", async () => {
    using made = new BackupHost();
    const { disk } = made;
    const record = (slug: string) => ({ ...project, slug, domain: `${slug}.test`, root_path: `${www}/${slug}` });
    const slugs = ["changed", "left", "missing", "same"];
    for (const slug of slugs) disk.write(`${www}/${slug}/index.html`, slug);
    const records = Object.fromEntries(slugs.map((slug) => [slug, record(slug)]));
    disk.write("/etc/edox-ops/projects.json", JSON.stringify(records));
    const { ran, restoreAll } = await backedUp(made, (words) =>
      ok(
        JSON.stringify({
          outcome: words.includes(" same ") ? "ok" : words.includes("--dry-run") ? "pending" : "changed",
        }),
      ),
    );
    disk.remove(`${www}/missing`);
    for (const [slug, seconds] of [
      ["changed", 2_000_000_001],
      ["left", 1_999_999_999],
      ["same", 2_000_000_001],
    ] as const)
      disk.time(`${www}/${slug}`, seconds);
    const { restored } = await restoreAll(["sites"], 2_000_000_000_000);
    expect(restored).toMatchObject({ projects: ["missing"], deployed: ["left"], kept: ["changed"], failed: [] });
    const from = (slug: string) => `--source ${restoredDir}${www}/.edox-ops-backup/${slug}/site`;
    expect(ran).toEqual([
      `project deploy changed ${from("changed")} --dry-run --json`,
      `project deploy left ${from("left")} --json`,
      `project deploy same ${from("same")} --dry-run --json`,
    ]);
    expect((await restoreAll(["sites"])).restored).toMatchObject({
      deployed: ["changed", "left", "missing"],
      kept: [],
    });
  });

  test("backup restore: damaged records of projects keep neither certificates nor runners from being restored", async () => {
    using made = new BackupHost();
    withEverything(made);
    const { disk } = made;
    const { restoreAll } = await backedUp(made);
    for (const path of ["/etc/letsencrypt", "/etc/gitlab-runner"]) disk.remove(path);
    const [records = ""] = new Bun.Glob(`*/etc/edox-ops/projects.json`).scanSync(made.restic.store);
    writeFileSync(`${made.restic.store}/${records}`, '{"demo": {');
    const { restored } = await restoreAll();
    expect(restored).toMatchObject({
      certificates: ["demo.test", "other.test"],
      runners: true,
      failed: ["all projects"],
      warnings: ["the records of projects in the snapshot are invalid: it is not JSON"],
    });
  });

  test("backup restore: the deploy keys of a missing project are added to those of this host", async () => {
    using made = new BackupHost();
    const { disk } = made;
    const [lost, here, moved] = [
      deployKey("demo", "ci", "a"),
      deployKey("other", "ci", "b"),
      deployKey("demo", "old", "b"),
    ];
    const path = "/etc/edox-ops/deploy-keys.json";
    disk.write(path, JSON.stringify({ program: "/opt/edox-ops", keys: [lost, moved] }));
    const { restoreAll } = await backedUp(made);
    disk.write("/etc/edox-ops/projects.json", "{}");
    disk.write(path, JSON.stringify({ program, keys: [here] }));
    expect((await restoreAll()).restored.warnings).toEqual([
      "deploy key demo/old is not restored: other/ci has its public key",
    ]);
    expect(JSON.parse(disk.text(path))).toEqual({ program, keys: [here, lost] });
    // A key that was revoked stays so.
    disk.write(path, JSON.stringify({ program, keys: [here] }));
    await restoreAll();
    expect(JSON.parse(disk.text(path))).toEqual({ program, keys: [here] });
  });

  test("backup restore: a deploy key that this version does not know is named with what to type, and the others are restored", async () => {
    using made = new BackupHost();
    const { disk } = made;
    const key = (name: string, bytes: string) => deployKey("demo", name, bytes);
    const [ci, old] = [key("ci", "a"), key("old", "b")];
    const path = "/etc/edox-ops/deploy-keys.json";
    // The path of the program on the old host does not matter, and a key occurs twice in a damaged record.
    const unknown = [
      { ...key("later", "c"), branch: "main" },
      { ...key("size", "d"), max_size: "2G" },
      { ...key("-", "e"), public_key: "ssh-later" },
      { project: "../demo", name: "x" },
      { project: "demo" },
      "damage",
    ];
    const twice = [key("ci", "f"), key("copy", "a")];
    disk.write(path, JSON.stringify({ program: "/opt/edox ops", keys: [ci, ...unknown, ...twice, old] }));
    const { restoreAll } = await backedUp(made);
    disk.write("/etc/edox-ops/projects.json", "{}");
    disk.remove(path);
    const { restored } = await restoreAll();
    const failed = ["later", "size"].map((name) => `deploy key demo/${name}`);
    expect([restored.projects, restored.failed]).toEqual([
      ["demo"],
      [...failed, ...[4, 5, 6, 7].map((each) => `deploy key ${each}`)],
    ]);
    const add = (words: string) => `add it with its limits again: sudo edox-ops project key add ${words} --key FILE`;
    expect(restored.warnings).toEqual([
      `deploy key demo/later in the snapshot is invalid: branch: this version does not know it; ${add("demo --name later")}`,
      `deploy key demo/size in the snapshot is invalid: max_size: max_size is a number; ${add("demo --name size")}`,
      `deploy key 4 in the snapshot is invalid: name: a slug has ${slugRule}; ${add("demo --name NAME")}`,
      `deploy key 5 in the snapshot is invalid: project: a slug has ${slugRule}; ${add("PROJECT --name x")}`,
      `deploy key 6 in the snapshot is invalid: name: it is missing; ${add("demo --name NAME")}`,
      `deploy key 7 in the snapshot is invalid: it is not an object; ${add("PROJECT --name NAME")}`,
      "deploy key demo/ci is not restored: this host has another one",
      "deploy key demo/copy is not restored: demo/ci has its public key",
    ]);
    expect(JSON.parse(disk.text(path))).toEqual({ program, keys: [ci, old] });
    expect((await restoreAll()).restored).toMatchObject({ projects: [], failed: restored.failed });
    expect(JSON.parse(disk.text(path))).toEqual({ program, keys: [ci, old] });
    const added = [ci, old, key("later", "c")];
    disk.write(path, JSON.stringify({ program, keys: added }));
    const again = (await restoreAll()).restored;
    expect([again.failed, again.warnings[0]]).toEqual([
      restored.failed.slice(1),
      expect.stringContaining("deploy key demo/size in the snapshot is invalid"),
    ]);
  });

  test("backup restore: invalid deploy keys of this host do not keep a project without keys from being restored", async () => {
    using made = new BackupHost();
    const { disk } = made;
    const { restoreAll } = await backedUp(made);
    disk.write("/etc/edox-ops/projects.json", "{}");
    disk.write("/etc/edox-ops/deploy-keys.json", "{");
    expect((await restoreAll()).restored).toMatchObject({ projects: ["demo"], failed: [], warnings: [] });
    expect(disk.text("/etc/edox-ops/deploy-keys.json")).toBe("{");
  });

  test("backup restore: damaged deploy keys are reported, and the sites are restored", async () => {
    using made = new BackupHost();
    const { disk } = made;
    disk.write("/etc/edox-ops/deploy-keys.json", "{");
    const { restoreAll } = await backedUp(made);
    for (const name of ["projects", "deploy-keys"]) disk.remove(`/etc/edox-ops/${name}.json`);
    expect((await restoreAll()).restored).toMatchObject({
      projects: ["demo"],
      failed: ["deploy keys"],
      warnings: ["the deploy keys in the snapshot are invalid: it is not JSON"],
    });
  });

  test("backup restore: a snapshot of another program and a failing restic change nothing", async () => {
    using made = new BackupHost();
    const { restoreAll } = await backedUp(made);
    made.restic.failing = [() => made.restic.fatal(1, "write: no space left on device")];
    expect(await restoreAll().catch((error) => error)).toMatchObject({ code: "no-space" });
    made.trees.remove(manifestPath);
    Bun.spawnSync(["find", made.restic.store, "-name", "host.json", "-delete"]);
    expect(await restoreAll().catch((error) => error)).toMatchObject({ code: "invalid-source" });
  });

  test("backup restore: a signal ends it at the next project", async () => {
    using made = new BackupHost();
    const { snapshot } = await backedUp(made);
    const { host, trees, access } = made;
    await fetchSnapshot(host, access, snapshot, ["sites"]);
    const stop = () => new Problem("interrupted", "interrupted by SIGTERM");
    const tools = { host, trees, program, lockHost: async () => () => {}, stop };
    expect(await restore(tools, ["sites"], { runner_files: [] }).catch((error) => error)).toMatchObject({
      code: "interrupted",
    });
  });
});
