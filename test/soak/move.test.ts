// A host with sites over HTTPS, deploy keys and runners is backed up and destroyed, and other hosts take its place: one of
// the same release, one of the next, and one without a network that has a bundle.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Suite } from "../integration/base.ts";
import { createBundle } from "../integration/bundle.ts";
import { ciPackages } from "../integration/ci-packages.ts";
import { serveFolder } from "../integration/ci-server.ts";
import { figure } from "../integration/rounds.ts";
import { must } from "../integration/run.ts";
import { TestHost } from "../integration/test-host.ts";
import { typedHint } from "../integration/typed-hint.ts";
import { data, mirrorFlags, OldHost, slugs, treesOf, well } from "./old-host.ts";

let old: OldHost;

beforeAll(async () => {
  old = await OldHost.backedUp("bookworm");
}, 600_000);
afterAll(() => old?.[Symbol.dispose]());

describe("restore-host: on a host of the same release", () => {
  let host: TestHost;
  let warnings: string;
  beforeAll(async () => {
    host = await TestHost.bare("bookworm", undefined, data);
    old.prepare(host);
    old.lead(["one", "two"], host.address);
    old.dns.set("three.test", { a: ["192.0.2.9"] });
  });
  afterAll(() => host?.down());

  test("restore-host: a wrong host, a wrong snapshot and a wrong password are refused with the line to type", () => {
    const dry = (more: string) => host.sh(`${old.restoring(host, `--repo ${old.repo} ${more}`)} --dry-run`);
    expect(dry("")).toMatchObject({ code: 0 });
    well(host, "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends restic >/dev/null");
    for (const [more, message] of [
      ["--from nobody", "the repository has no snapshot of host 'nobody', but of "],
      ["--snapshot ffff", "snapshot 'ffff' does not exist in the repository"],
    ] as const) {
      const { code, stderr } = dry(more);
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(typedHint(host, stderr)).toContain("Would restore sites, certs, runner from snapshot ");
    }
    writeFileSync(`${host.root}/root/wrong`, "wrong\n");
    const wrong = host.sh(`edox-ops restore-host --repo ${old.repo} --password-file /root/wrong --yes`);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("the password is wrong")]);
    expect(host.sh("ls /etc/edox-ops /usr/sbin/nginx 2>/dev/null").stdout).toBe("");
  });

  test("restore-host: the same bytes are served over HTTPS, and what differs is listed", () => {
    const start = performance.now();
    const { code, stdout, stderr } = host.sh(old.restoring(host, `--repo ${old.repo} --yes`));
    const milliseconds = Math.round(performance.now() - start);
    figure("restore-host, ms", "bookworm", milliseconds, "");
    console.log(`restore-host: ${milliseconds} ms`);
    expect([code, stdout]).toEqual([0, expect.stringContaining("Restored projects: one, three, two.")]);
    warnings = stderr;
    for (const each of [
      "three.test leads to 192.0.2.9 in the DNS",
      "the runners have the tokens of the old host",
      "set EDOX_OPS_KNOWN_HOSTS",
      "sudo edox-ops host logrotate",
      "sudo edox-ops backup enable --daily 02:30 --keep 14d",
      "sudo edox-ops watch enable",
      "an admin made it or changed it: /etc/nginx/conf.d/own.conf\n",
    ])
      expect(warnings).toContain(each);
    expect(warnings).not.toContain("one.test");
    old.lead(["three"], host.address);
    expect(old.servedBy(host)).toBe(old.bytes);
    expect(treesOf(host)).toBe(old.trees);
    expect(old.status(host.address, "https://one.test/old")).toBe("301 https://one.test/part/page-1.html");
    expect(old.status(host.address, "https://two.test/")).toBe("401 ");
  });

  test("restore-host: certificates are renewed on the new host", () => {
    const serial = () =>
      well(old.ground, "echo | openssl s_client -connect one.test:443 2>/dev/null | openssl x509 -noout -serial");
    const before = serial();
    expect(well(host, "edox-ops certs renew --force --yes")).toContain("renewed one.test\n");
    expect(serial()).not.toBe(before);
    expect(well(host, "systemctl is-active certbot.timer edox-ops-previews.timer")).toBe("active\nactive\n");
    expect(host.sh("edox-ops doctor --online").stdout).toContain("[OK] certs:renew-dry-run:");
  });

  test("restore-host: a job runs, and a deploy key deploys, which can be rolled back", async () => {
    await old.jobRuns();
    expect(well(host, "grep -c '^\\[\\[runners' /etc/gitlab-runner/config.toml; id -nG gitlab-runner")).toBe(
      "2\ngitlab-runner docker\n",
    );
    const ssh = `ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no edox-deploy@${host.address} deploy`;
    well(old.ground, `mkdir -p /srv/next && cd /srv/next && echo next >index.html && tar c . | ${ssh}`);
    expect(well(old.ground, "curl -sS https://one.test/")).toBe("next\n");
    well(host, "edox-ops project rollback one --yes");
    expect(well(old.ground, "curl -sS https://one.test/part/page-1.html | head -1")).toBe("1\n");
    // The releases of the old host are here, too.
    expect(JSON.parse(well(host, "edox-ops project backups list one --json")).backups.length).toBeGreaterThan(1);
  });

  test("restore-host: each command that it listed succeeds as printed, and the next backup has the same settings", () => {
    const commands = [...warnings.matchAll(/sudo (edox-ops (?:host|backup|watch|gitlab-runner) .+)$/gm)].map(
      ([, line = ""]) => line,
    );
    expect(commands.length).toBe(3);
    for (const line of commands) well(host, `${line} --yes`);
    const { backup } = JSON.parse(well(host, "edox-ops backup run --json"));
    expect(backup.projects).toEqual(["one", "three", "two"]);
    expect(JSON.parse(well(host, "cat /etc/edox-ops/backup.json"))).toMatchObject({
      with_releases: true,
      keep: { daily: 14 },
    });
    const set = JSON.parse(well(host, "cat /var/lib/edox-ops/backup/host.json")).set_up;
    expect(set).toContain("watch enable");
    expect(host.sh("edox-ops doctor --strict").stdout).not.toContain("[FAIL]");
  });
});

describe("restore-host: on a host of the next release", () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.bare("trixie", undefined, data);
    old.prepare(host);
    old.lead(slugs, host.address);
  });
  afterAll(() => host?.down());

  test("restore-host: a runner that cannot be installed is named, and the sites are served", async () => {
    const trixie = await ciPackages("trixie");
    using mirror = await serveFolder(trixie.folder, old.ground.gateway);
    const start = performance.now();
    // The mirror of the old host does not have this release.
    const { code, stderr } = host.sh(old.restoring(host, `--repo ${old.repo} --yes`));
    figure("restore-host, ms", "trixie", Math.round(performance.now() - start), "");
    expect([code, stderr]).toEqual([1, expect.stringContaining("not restored: GitLab Runner")]);
    expect(stderr).toContain("repeat this with sudo edox-ops gitlab-runner prepare-ci-host");
    expect(old.servedBy(host)).toBe(old.bytes);
    well(host, `edox-ops gitlab-runner prepare-ci-host --yes ${mirrorFlags(trixie, mirror).join(" ")}`);
    await old.jobRuns();
    expect(well(host, "edox-ops certs renew --force --yes")).toContain("renewed two.test\n");
  });

  test("restore-host: repeated after it was incomplete, it keeps a site that was deployed since", () => {
    well(host, "mkdir -p /srv/later && echo later >/srv/later/index.html");
    well(host, "edox-ops project deploy one --source /srv/later");
    const { code, stdout, stderr } = host.sh(old.restoring(host, `--repo ${old.repo} --yes`));
    const [, anyway = ""] = /newer on this host are kept: one; replace them with sudo (.+)\n/.exec(stderr) ?? [];
    expect([code, stdout, anyway]).toEqual([0, expect.not.stringContaining("Deployed"), expect.any(String)]);
    const page = "curl -sS https://one.test/";
    expect(well(old.ground, page)).toBe("later\n");
    expect(well(host, `${anyway} --yes`)).toContain("Deployed from the snapshot: one.");
    expect(well(old.ground, page)).toBe("one\n");
    expect(host.sh(old.restoring(host, `--repo ${old.repo} --yes`)).stderr).toContain("this host has sites already");
  });
});

describe("restore-host: on a host without a network", () => {
  let host: TestHost;
  const bundle = "/srv/host.tar";
  const stick = "/mnt/stick";
  const system = (suite: Suite, arch = "amd64") => ["--suite", suite, "--arch", arch, "--program", "none"];
  beforeAll(async () => {
    host = await TestHost.dark("bookworm", undefined, data);
    const roles = "host,certs,deploy-keys,docker,runner,backup";
    const created = createBundle(`${host.root}${bundle}`, [...system("bookworm"), "--with", roles, ...old.ciFlags]);
    const serial = created.created?.serial ?? 0;
    createBundle(`${host.root}/srv/without.tar`, [...system("bookworm"), "--with", "host"], { serial });
    createBundle(`${host.root}/srv/next.tar`, [...system("trixie"), "--with", "backup"], { serial });
    mkdirSync(`${host.root}${stick}`);
    must(["cp", "-a", `${old.ground.root}/srv/backup`, `${host.root}${stick}/backup`]);
    must(["cp", `${host.root}${bundle}`, `${host.root}/srv/bad.tar`]);
    must(
      "dd if=/dev/zero bs=1 seek=30000000 count=8 conv=notrunc status=none"
        .split(" ")
        .concat(`of=${host.root}/srv/bad.tar`),
    );
  }, 600_000);
  afterAll(() => host?.down());

  const restore = (path: string) => host.sh(old.restoring(host, `--repo ${stick}/backup --bundle ${path} --yes`));

  test.each([
    ["/srv/next.tar", "is for debian trixie on amd64, and this host is debian bookworm on amd64"],
    ["/srv/bad.tar", "the bundle is damaged"],
    ["/srv/without.tar", "restic is not in the bundle /srv/without.tar"],
  ])("restore-host: the bundle %s is refused before anything is changed", (path, message) => {
    const before = host.listing("/etc", "/var/lib", "/usr/bin");
    const { code, stderr } = restore(path);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(host.listing("/etc", "/var/lib", "/usr/bin")).toBe(before);
  });

  test("restore-host: all packages come from the bundle, and no packet is sent", () => {
    const { code, stdout, stderr } = restore(bundle);
    expect([code, stdout]).toEqual([0, expect.stringContaining("Restored projects: one, three, two.")]);
    expect(stderr).toContain("the DNS did not answer for one.test");
    expect(host.packetsSent()).toBe(0);
    expect(treesOf(host)).toBe(old.trees);
    const page = "curl -sSk --resolve one.test:443:127.0.0.1 https://one.test/part/page-7.html | head -1";
    expect(well(host, page)).toBe("7\n");
    expect(well(host, "systemctl is-active docker gitlab-runner certbot.timer")).toBe("active\nactive\nactive\n");
    expect(host.sh("ls /var/lib/edox-ops/bundle /etc/apt/sources.list.d").stdout).not.toContain("bundle");
  });
});
