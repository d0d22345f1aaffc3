// What restore-host requires, and what it reports about the old host.

import { describe, expect, test } from "bun:test";
import { manifestOf, readManifest } from "../../src/backup/contents.ts";
import { demandBare, differences, recordMove, restoreSettings } from "../../src/backup/moved.ts";
import { movedSnapshot } from "../../src/backup/moved-snapshot.ts";
import { doctorFailures } from "../../src/backup/own-program.ts";
import { movingPath, restoredDir } from "../../src/backup/paths.ts";
import { setUpCommands } from "../../src/backup/set-up.ts";
import { dockerRepository } from "../../src/docker/recipe.ts";
import type { Problem } from "../../src/problem/problem.ts";
import { fakeDebian } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";
import { BackupHost } from "./backup-host.ts";

const repository = "/mnt/repo";

const nothing = { backups: null, fault: null, files: [], setUp: [], plugins: [] };

function withSite() {
  const host = fakeDebian();
  host.put(
    "/etc/edox-ops/projects.json",
    JSON.stringify({ demo: { ...project, enabled: true, aliases: ["old.test"] } }),
  );
  host.put("/proc/net/fib_trie", "Main:\n     |-- 203.0.113.7\n        /32 host LOCAL\n");
  return host;
}

describe("restore-host", () => {
  test("restore-host: a host with sites is refused, also with an invalid record", async () => {
    await demandBare(fakeDebian(), repository, []);
    expect(await demandBare(withSite(), repository, []).catch((error) => error)).toMatchObject({
      code: "conflict",
      message: "this host has sites already: demo",
    });
    const host = fakeDebian();
    host.put("/etc/edox-ops/projects.json", '{"broken":{}}');
    expect(await demandBare(host, repository, []).catch((error) => error)).toMatchObject({
      message: "this host has sites already: broken",
    });
  });

  test("restore-host: a run that was interrupted is repeated, from the same repository only", async () => {
    const host = withSite();
    host.dir("/var/lib");
    recordMove(host, repository);
    await demandBare(host, repository, []);
    // The time of the first run stays, by which newer sites are kept.
    const since = host.stat(movingPath)?.changedMs;
    await host.sleep(1000);
    await demandBare(host, `${repository}/`, []);
    expect([recordMove(host, `${repository}/`), host.text(movingPath)]).toEqual([since as number, repository]);
    expect(await demandBare(host, "/mnt/other", []).catch((error) => error)).toMatchObject({ code: "conflict" });
  });

  test("restore-host: names that lead elsewhere in the DNS, and tokens of runners, are reported", async () => {
    const host = withSite();
    host.records.set("demo.test", ["203.0.113.7"]);
    expect(await differences(host, nothing)).toEqual([
      "old.test has no address in the DNS: let it lead to an address of this host",
    ]);
    host.records.set("old.test", ["198.51.100.1"]);
    host.put("/etc/gitlab-runner/config.toml", "");
    expect(await differences(host, nothing)).toEqual([
      "old.test leads to 198.51.100.1 in the DNS: let it lead to an address of this host",
      "the runners have the tokens of the old host: stop gitlab-runner there, or both hosts run the same jobs",
    ]);
    host.remove("/etc/gitlab-runner/config.toml");
    Object.assign(host, { resolve: async () => ({ addresses: [], failure: "no-answer" }) });
    expect(await differences(host, nothing)).toEqual([
      "the DNS did not answer for demo.test: let it lead to an address of this host",
      "the DNS did not answer for old.test: let it lead to an address of this host",
    ]);
  });

  test("restore-host: what the old host had and a restore does not set up is listed with its command", async () => {
    const host = withSite();
    host.put("/etc/edox-ops/projects.json", "{}");
    host.put("/etc/edox-ops/deploy-keys.json", "{}");
    host.put("/etc/logrotate.d/edox-ops", "");
    host.put("/etc/nginx/conf.d/there.conf", "");
    host.put("/etc/nginx/nginx.conf", "of the package");
    const old = {
      ...nothing,
      setUp: ["host firewall --limit-ssh", "host logrotate"],
      plugins: ["python3-certbot-dns-rfc2136"],
      files: [
        { path: "/etc/nginx/conf.d/there.conf", bytes: null },
        { path: "/etc/nginx/conf.d/own.conf", bytes: null },
        { path: "/etc/nginx/nginx.conf", bytes: new TextEncoder().encode("changed") },
      ],
    };
    expect(await differences(host, old)).toEqual([
      "deploy jobs know the SSH host key of the old host: set EDOX_OPS_KNOWN_HOSTS to that of edox-ops project ci",
      "certbot had plugins on the old host: sudo apt-get install python3-certbot-dns-rfc2136",
      "set up on the old host, and not on this one yet: sudo edox-ops host firewall --limit-ssh",
      "not restored, because an admin made it or changed it: /etc/nginx/conf.d/own.conf, /etc/nginx/nginx.conf",
    ]);
  });

  test("restore-host: of many addresses and files, the first are listed and the others counted", async () => {
    const host = withSite();
    host.records.set("demo.test", ["203.0.113.7"]);
    const numbers = Array.from({ length: 300 }, (_, i) => String(i));
    host.records.set(
      "old.test",
      numbers.map((each) => `198.51.100.${each}`),
    );
    const files = numbers.map((each) => ({ path: `/etc/nginx/conf.d/${each}`, bytes: null }));
    expect(await differences(host, { ...nothing, files })).toEqual([
      "old.test leads to 198.51.100.0, 198.51.100.1, 198.51.100.2 and 297 more in the DNS: let it lead to an address of this host",
      "not restored, because an admin made it or changed it: /etc/nginx/conf.d/0, /etc/nginx/conf.d/1, /etc/nginx/conf.d/2 and 297 more",
    ]);
  });

  test("backup run: a snapshot lists the commands that set up the hardening, alerts and timers, with their choices", () => {
    const host = fakeDebian();
    expect(setUpCommands(host)).toEqual([]);
    host.put("/etc/ufw/ufw.conf", "ENABLED=yes\n");
    host.put("/etc/fail2ban/jail.d/edox-ops-sshd.local", "");
    host.put("/etc/ssh/sshd_config.d/00-edox-ops.conf", "");
    host.put("/etc/systemd/system/nginx.service.d/edox-ops.conf", "");
    const firewall = { allow: ["8080/tcp"], limit_ssh: true };
    host.put(
      "/etc/edox-ops/host.json",
      JSON.stringify({ ssh_port: 2222, firewall, ssh: { password_users: ["alice"], modern: true } }),
    );
    const keep = { daily: 14, weekly: 0, monthly: 12 };
    const settings = { repository: "/repo", host: "alpha", with_releases: true, keep };
    host.put("/etc/edox-ops/backup.json", JSON.stringify(settings));
    host.put("/etc/systemd/system/edox-ops-backup.timer", "[Timer]\nOnCalendar=*-*-* 02:30:00\n");
    host.put("/etc/systemd/system/edox-ops-watch.timer", "");
    host.put("/etc/systemd/system/edox-ops-cleanup.timer", "");
    expect(setUpCommands(host)).toEqual([
      "host firewall --ssh-port 2222 --allow 8080/tcp --limit-ssh",
      "host fail2ban --ssh-port 2222",
      "host ssh-harden --allow-password alice --modern",
      "host harden --all --only host.nginx.restrict",
      "backup enable --daily 02:30 --keep 14d,12m",
      "watch enable",
      "gitlab-runner cleanup enable",
    ]);
    const text = JSON.stringify(manifestOf(host, settings, []));
    expect(readManifest(text)?.set_up).toHaveLength(7);
    expect(readManifest(text.replace("watch enable", "watch enable; reboot"))).toMatchObject({
      set_up: expect.not.arrayContaining([expect.stringContaining("reboot")]),
      unknown: ['set_up: "watch enable; reboot"'],
    });
    // An invalid record is no reason to have no backup.
    host.put("/etc/edox-ops/host.json", "{");
    expect(setUpCommands(host)).toContain("host firewall");
  });

  test("backup restore: what a later version wrote in a snapshot is left out and named, and the rest is read", () => {
    const settings = { repository: "/repo", host: "alpha", with_releases: true, keep: null };
    const mirror = { uri: "http://mirror.test/", fingerprint: "A".repeat(40) };
    const written = { ...manifestOf(fakeDebian(), settings, ["demo"]), later: true };
    const read = (changes: object) => readManifest(JSON.stringify({ ...written, ...changes }));
    expect(
      read({
        set_up: ["host logrotate", { command: "host", flags: [] }, "host logs --to 'a b'"],
        runner_files: ["/root/ca.pem", "relative", "/etc/../shadow"],
        mirrors: { docker: { ...mirror, fingerprint: "sha512" }, runner: mirror, podman: mirror },
        packages: { nginx: "1.22", later: { version: "1" } },
      }),
    ).toMatchObject({
      ...{
        projects: ["demo"],
        set_up: ["host logrotate"],
        runner_files: ["/root/ca.pem"],
        mirrors: { runner: mirror },
      },
      packages: { nginx: "1.22" },
      unknown: [
        'set_up: {"command":"host","flags":[]}',
        "set_up: \"host logs --to 'a b'\"",
        'runner_files: "relative"',
        'runner_files: "/etc/../shadow"',
        'mirrors: "docker"',
        'mirrors: "podman"',
        'packages: "later"',
      ],
    });
    expect(read({ set_up: { host: "logrotate" }, mirrors: null, runner_files: 7, packages: [] })).toMatchObject({
      ...{ set_up: [], mirrors: {}, runner_files: [], packages: {} },
      unknown: ['set_up: {"host":"logrotate"}', "runner_files: 7", "mirrors: null", "packages: []"],
    });
    expect(read({ set_up: ["x".repeat(5000)] })?.unknown[0]?.length).toBeLessThan(120);
    expect(read({})?.unknown).toEqual([]);
    expect([read({ format: 2 }), read({ projects: null }), readManifest("{")]).toEqual([null, null, null]);
  });

  test("backup run: a snapshot names the mirrors of Docker and GitLab Runner, but not the repositories of the vendors", () => {
    const host = fakeDebian();
    const settings = { repository: "/repo", host: "alpha", with_releases: false, keep: null };
    const source = (uri: string, fingerprint: string) =>
      `# Written by edox-ops. apt accepts only what this key has signed.\nURIs: ${uri}\nSigned-By: /k.asc ${fingerprint}\n`;
    const { uri, fingerprint } = dockerRepository("debian");
    const mirror = { uri: "http://mirror.test/runner", fingerprint: "A".repeat(40) };
    host.put("/etc/apt/sources.list.d/docker.sources", source(uri, fingerprint));
    host.put("/etc/apt/sources.list.d/runner_gitlab-runner.sources", source(mirror.uri, mirror.fingerprint));
    expect(manifestOf(host, settings, []).mirrors).toEqual({ runner: mirror });
  });

  test("restore-host: settings of alerts, of the cleanup and of backups are restored, and foreign files are found", async () => {
    using made = new BackupHost();
    const { disk, host, trees, settings } = made;
    const at = (path: string) => `${restoredDir}${path}`;
    disk.write(at("/etc/edox-ops/watch.json"), "{}");
    disk.write(at("/etc/edox-ops/watch/ntfy-url"), "https://ntfy.test/x");
    disk.write(at("/etc/edox-ops/trust/key.pem"), "key");
    disk.write(at("/etc/edox-ops/backup.json"), JSON.stringify({ ...settings, with_releases: true }));
    disk.write(at("/etc/nginx/conf.d/own.conf"), "own");
    disk.write(at("/etc/nginx/conf.d/edox-ops-default.conf"), "made");
    disk.write(at("/etc/letsencrypt/renewal-hooks/post/mail.sh"), "#!/bin/sh");
    disk.write(at("/etc/gitlab-runner/.runner_system_id"), "s_1");
    disk.write("/etc/edox-ops/watch/ntfy-url", "https://ntfy.test/here");
    const manifest = { ...manifestOf(host, settings, []), packages: { "python3-certbot-nginx": "2.1.0" } };
    const old = restoreSettings(host, trees, manifest);
    expect(old.files.map(({ path }) => path)).toEqual([
      "/etc/nginx/conf.d/own.conf",
      "/etc/letsencrypt/renewal-hooks/post/mail.sh",
      "/etc/edox-ops/trust/key.pem",
    ]);
    expect(old).toMatchObject({ backups: { with_releases: true }, plugins: ["python3-certbot-nginx"] });
    expect([disk.text("/etc/edox-ops/watch.json"), disk.text("/etc/edox-ops/watch/ntfy-url")]).toEqual([
      "{}",
      "https://ntfy.test/here",
    ]);
    // It would forbid a bundle without its signature.
    expect(host.stat("/etc/edox-ops/trust/key.pem")).toBeNull();
    disk.write(at("/etc/edox-ops/backup.json"), "{");
    const invalid = restoreSettings(host, trees, manifest);
    expect(invalid).toMatchObject({ backups: null, fault: "it is not JSON" });
    expect(await differences(host, { ...nothing, ...invalid, files: [], setUp: [] })).toContain(
      "the settings of backups in the snapshot are invalid: it is not JSON",
    );
  });

  test("restore-host: the snapshot is the newest of the only or the named host, and an error has the line to type", () => {
    const snapshot = (host: string, digit: string) => ({ id: digit.repeat(64), timeMs: 0, host });
    const all = [snapshot("alpha", "1"), snapshot("beta", "2"), snapshot("alpha", "3")];
    const words = ["restore-host", "--repo", "/repo", "--password-file", "p"];
    const hintOf = (typed: { from?: string; snapshot?: string }, ...more: string[]) => {
      try {
        return movedSnapshot(all, typed, [...words, ...more]).id[0];
      } catch (error) {
        const { message, hint = [] } = error as Problem;
        return `${message} > ${hint.slice(words.length + 2).join(" ")}`;
      }
    };
    expect(movedSnapshot(all.slice(0, 1), {}, words).id).toStartWith("1");
    expect([hintOf({ from: "beta" }), hintOf({ snapshot: "1111" }), hintOf({ from: "alpha" })]).toEqual([
      "2",
      "1",
      "3",
    ]);
    expect(hintOf({})).toBe(
      "the repository has snapshots of several hosts (alpha, beta): select one with --from > --from alpha",
    );
    expect(hintOf({ from: "web" }, "--from", "web")).toBe(
      "the repository has no snapshot of host 'web', but of alpha, beta > --from alpha",
    );
    expect(hintOf({ snapshot: "ffff" }, "--snapshot=ffff")).toBe(
      "snapshot 'ffff' does not exist in the repository > --snapshot 33333333",
    );
    expect(() => movedSnapshot([], {}, words)).toThrow("the repository has no snapshot of edox-ops");
  });

  test("restore-host: the failing checks of doctor are reported, and an answer that is no JSON has none", async () => {
    const host = withSite();
    const findings = [
      { name: "nginx:config", status: "error", detail: "it is wrong" },
      { name: "backup:age", status: "error", detail: "never", hint: ["sudo", "edox-ops", "backup", "run"] },
      { name: "host:reboot", status: "warning", detail: "soon" },
    ];
    host.taught.unshift((argv) =>
      argv[0] === "/usr/local/bin/edox-ops" ? ok(JSON.stringify({ findings })) : undefined,
    );
    expect(await doctorFailures(host, "/usr/local/bin/edox-ops")).toEqual([
      "nginx:config: it is wrong",
      "backup:age: never (run: sudo edox-ops backup run)",
    ]);
    host.taught.unshift(() => ok("killed"));
    expect(await doctorFailures(host, "/usr/local/bin/edox-ops")).toEqual([]);
  });
});
