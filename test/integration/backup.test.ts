// Backups with the real restic: to a second host over SSH and to a local disk, back on the same host, and on a new one.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { chance, figure, rounds, soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { typedHint } from "./typed-hint.ts";
import { withSsh } from "./with-ssh.ts";

const passwordPath = "/etc/edox-ops/backup-password";
const sites = "/var/www/docs";

/** A site of some size: pages of different content. */
const fill = (dir: string, pages: number): string =>
  `mkdir -p ${dir}/part && for i in $(seq ${pages}); do seq $i $((i + 300)) >${dir}/part/page-$i.html; done; echo ${dir} >${dir}/index.html`;

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`backup on ${suite}`, () => {
    /** The host with the sites, and the server with the repository. */
    let host: TestHost;
    let nas: TestHost;
    let repo = "";

    const ops = (words: string, on = host) => on.sh(`edox-ops ${words}`);
    const document = (words: string, on = host) => JSON.parse(ops(`${words} --json`, on).stdout);
    const served = (name: string, path = "/", on = host): string =>
      on.sh(`curl -skSL --resolve ${name}:443:127.0.0.1 --resolve ${name}:80:127.0.0.1 http://${name}${path}`).stdout;
    const trees = (on = host): string =>
      on.listing(
        `${sites}/one`,
        `${sites}/two`,
        `${sites}/three`,
        `${sites}/.edox-ops-versions`,
        `${sites}/.edox-ops-previews`,
      );

    /** Lets root of a host log in on the server. */
    function introduce(from: TestHost): void {
      const key = from.sh(
        "mkdir -p -m 0700 ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; cat ~/.ssh/*.pub",
      ).stdout;
      nas.sh(`mkdir -p -m 0700 ~/.ssh; echo '${key.trim()}' >>~/.ssh/authorized_keys`);
      from.sh(`ssh-keyscan ${nas.address} >>~/.ssh/known_hosts 2>/dev/null`);
    }

    beforeAll(async () => {
      nas = await TestHost.up(suite, { state: await withSsh(suite) });
      host = await bootstrapped(suite);
      repo = `sftp:root@${nas.address}:/srv/backup`;
      host.sh(
        "mkdir -p /etc/letsencrypt/live/one.test && cd /etc/letsencrypt/live/one.test && openssl req -x509 -nodes \
        -newkey rsa:2048 -days 90 -subj /CN=one.test -addext subjectAltName=DNS:one.test -keyout privkey.pem -out fullchain.pem 2>/dev/null",
      );
      host.sh(`${fill("/srv/one", 40)}; ${fill("/srv/two", 40)}; ${fill("/srv/three", 40)}`);
      for (const name of ["one", "two", "three"]) {
        const { code, stderr } = ops(`project publish ${name} --domain ${name}.test --source /srv/${name}`);
        if (code !== 0) throw new Error(stderr);
      }
      for (const line of [
        "project update one --tls",
        "project deploy two /srv/two --as 1.0 --alias latest",
        "project deploy three /srv/three --preview fix",
      ]) {
        const { code, stderr } = ops(line);
        if (code !== 0) throw new Error(`${line}: ${stderr}`);
      }
    });
    afterAll(() => {
      host?.down();
      nas?.down();
    });

    test("backup init: an unknown host key and a refused login are reported, and nothing is recorded", () => {
      const init = `backup init --repo ${repo} --generate --yes`;
      const { code, stderr } = ops(init);
      expect([code, stderr]).toEqual([1, expect.stringContaining("root does not know the host key of the server")]);
      expect(stderr).toContain(`hint: ssh root@${nas.address}\n`);
      host.sh(`mkdir -p -m 0700 ~/.ssh; ssh-keyscan ${nas.address} >~/.ssh/known_hosts 2>/dev/null`);
      expect(ops(init).stderr).toContain("the server denies access");
      expect(host.sh("ls /etc/edox-ops").stdout).not.toContain("backup");
      introduce(host);
      expect(ops(init)).toMatchObject({ code: 0, stderr: "" });
      expect(ops(init).stdout).toContain("Using the existing repository.");
    });

    test("backup run: a timer's service makes a snapshot over SSH, and no secret is outside of its file", () => {
      expect(ops("backup enable --yes").code).toBe(0);
      const { code } = host.sh("systemctl start edox-ops-backup.service");
      const log = host.sh("journalctl --sync; journalctl -q -u edox-ops-backup.service -o cat").stdout;
      expect([code, log]).toEqual([0, expect.stringMatching(/^Snapshot [0-9a-f]{8}: /m)]);
      expect(document("backup list").snapshots).toHaveLength(1);
      const { findings } = document("doctor");
      const own = findings.filter(({ name }: { name: string }) => name.startsWith("backup:"));
      expect(own.map(({ status }: { status: string }) => status)).toEqual(["ok", "ok", "ok"]);
      const search = host.sh(
        `cp ${passwordPath} /root/pattern; grep -rlFf /root/pattern /etc /var/log /var/lib /run /tmp; journalctl --sync; journalctl -o cat | grep -cFf /root/pattern`,
      );
      expect(search.stdout).toBe(`${passwordPath}\n0\n`);
      expect(host.sh(`ls -A ${sites}`).stdout).not.toContain("edox-ops-backup\n");
    });

    test("backup run: without a change little is sent, and a deploy during a backup is whole in the next one", () => {
      const { backup } = document("backup run");
      expect(backup.added_bytes).toBeLessThan(60_000);
      figure("backup without a change, ms", suite, backup.milliseconds, String(backup.added_bytes));
      host.sh("echo changed >/srv/two/index.html");
      const both = host.sh(
        "edox-ops backup run & edox-ops project deploy two --source /srv/two --wait 60s; deployed=$?; wait $!; echo $deployed $?",
      );
      expect(both.stdout).toEndWith("0 0\n");
      expect(ops("backup run").code).toBe(0);
      expect(ops("backup verify --all")).toMatchObject({ code: 0 });
    });

    test("backup restore: a removed and a changed site are back, with the same bytes", () => {
      const before = trees();
      expect(ops("project remove two --delete-files --yes").code).toBe(0);
      host.sh("echo broken >/srv/one/index.html");
      expect(ops("project deploy one --source /srv/one").code).toBe(0);
      const planned = document("backup restore --dry-run").would_restore;
      expect([planned.projects, planned.certificates, planned.runners]).toEqual([
        ["one", "three", "two"].map((slug) => ({ slug, domain: `${slug}.test` })),
        ["one.test"],
        [],
      ]);
      const { restored, warnings } = document("backup restore --yes");
      expect([restored.projects, restored.deployed, warnings]).toEqual([["two"], ["one"], []]);
      expect([served("one.test"), served("two.test"), served("two.test", "/latest/")]).toEqual([
        "/srv/one\n",
        "changed\n",
        "/srv/two\n",
      ]);
      // A deploy has its own times.
      const bytes = (all: string): string => all.replace(/^.*\n(?=.* )/m, "");
      expect(bytes(trees())).toBe(bytes(before));
      expect(ops("project rollback one --yes").code).toBe(0);
      expect(served("one.test")).toBe("broken\n");
      expect(ops("backup restore --only sites --yes").code).toBe(0);
      expect(ops("backup run").code).toBe(0);
    });

    test("backup run: without the server, and with a wrong password, the error names it and the next run succeeds", () => {
      nas.network("cut");
      const cut = ops("backup run");
      expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining("it cannot be reached") });
      expect(ops("doctor").stdout).toContain("[WARN] backup:age: ");
      nas.network("up");
      host.sh(`cp -a ${passwordPath} /root/right; echo wrong >${passwordPath}`);
      expect(ops("backup run").stderr).toContain("the password is wrong");
      host.sh(`cp -a /root/right ${passwordPath}`);
      expect(ops("backup run")).toMatchObject({ code: 0, stderr: "" });
      expect(served("one.test")).toBe("/srv/one\n");
    });

    test("restore-host: the host is destroyed, and a bare one serves the same bytes over HTTPS", async () => {
      const pages = () => [
        ...["/", "/-/fix/"].map((path) => served("three.test", path)),
        served("one.test"),
        served("two.test", "/latest/"),
      ];
      const [before, shown] = [trees(), pages()];
      expect(shown[0]).toBe("/srv/three\n");
      const password = readFileSync(`${host.root}${passwordPath}`, "utf8");
      host.down();
      host = await TestHost.bare(suite);
      // The server knows the new host, and the new host knows the server: an admin does that before.
      host.sh(
        "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends openssh-client",
      );
      introduce(host);
      host.sh(`install -m 0600 /dev/null /root/password; printf %s '${password}' >/root/password`);
      const start = performance.now();
      const { code, stdout, stderr } = ops(`restore-host --repo ${repo} --password-file /root/password --yes`);
      figure("restore-host, ms", suite, Math.round(performance.now() - start), "");
      expect([code, stdout]).toEqual([0, expect.stringContaining("Restored projects: one, three, two.")]);
      expect(stderr).toMatch(/one\.test has no address in the DNS|the DNS did not answer for one\.test/);
      expect(trees()).toBe(before);
      expect(pages()).toEqual(shown);
      expect(
        host.sh("curl -skS -o /dev/null -w '%{http_code}' --resolve one.test:443:127.0.0.1 https://one.test/").stdout,
      ).toBe("200");
      expect(ops("backup run").code).toBe(0);
      // Under another name, a restore would not find the snapshots of the old host.
      const hosts = document("backup list").snapshots.map((each: { host: string }) => each.host);
      expect(new Set(hosts).size).toBe(1);
      const again = `restore-host --repo ${repo} --password-file /root/password --yes`;
      expect(ops(again).stderr).toContain("this host has sites already");
    });

    test("restore-host: repeated after an incomplete run, it keeps a site that was deployed since", () => {
      // A run that could not restore something leaves it.
      host.sh(`printf %s '${repo}' >/var/lib/edox-ops/backup/moving; sleep 1.1`);
      host.sh("mkdir -p /srv/later && echo later >/srv/later/index.html");
      expect(ops("project deploy one --source /srv/later").code).toBe(0);
      const { code, stderr } = ops(`restore-host --repo ${repo} --password-file /root/password --yes`);
      expect([code, stderr]).toEqual([0, expect.stringContaining("sites that are newer on this host are kept: one; ")]);
      expect(served("one.test")).toBe("later\n");
      expect(ops("restore-host --repo /srv/other --password-file /root/password --yes").stderr).toContain(
        `this host is backed up to another repository, ${repo}`,
      );
    });

    for (const round of rounds(1, 20)) {
      test(`backup run: killed in ${round}, the host serves and the next backup is complete`, async () => {
        const moment = chance("backup", suite, round);
        host.sh(
          `mkdir -p /srv/three/part; echo /srv/three >/srv/three/index.html; head -c 3M /dev/urandom | base64 >/srv/three/part/${round.replaceAll(" ", "-")}.html; edox-ops project deploy three --source /srv/three`,
        );
        const child = Bun.spawn(host.entering(["edox-ops", "backup", "run"]), { stdout: "ignore", stderr: "ignore" });
        await Bun.sleep(moment * 2500);
        host.sh("pkill -KILL -x restic; pkill -KILL -x edox-ops; true");
        await child.exited;
        expect(served("three.test")).toBe("/srv/three\n");
        expect(ops("backup run")).toMatchObject({ code: 0 });
        expect(ops("backup verify")).toMatchObject({ code: 0 });
        expect(host.sh(`ls -A ${sites}`).stdout).not.toContain("edox-ops-backup\n");
        figure("backup killed", suite, moment, "complete");
      });
    }

    if (soak) {
      test.each([
        ["/tmp", "size=64k", "no space left at /tmp: ", "df -h /tmp"],
        ["/tmp", "nr_inodes=2", "no inodes left at /tmp: ", "df -i /tmp"],
        ["the server", "size=4m", "", "ssh root@NAS df -h"],
      ])("backup run: a full disk of %s (%s) is named, and with room the next backup is complete", (...row) => {
        const [dir, options, message, command] = row;
        const isServer = dir === "the server";
        host.sh("head -c 6M /dev/urandom >/srv/two/big.bin; edox-ops project deploy two --source /srv/two");
        if (isServer) {
          nas.sh(`mkdir -p /srv/small && mount -t tmpfs -o ${options} none /srv/small`);
          expect(ops(`backup init --repo sftp:root@${nas.address}:/srv/small/repo --generate --yes`).code).toBe(0);
        } else host.sh(`mount -t tmpfs -o ${options} none ${dir}`);
        const { code, stderr } = ops("backup run");
        expect([code, stderr]).toEqual([1, expect.stringContaining(`error: ${message}`)]);
        expect(stderr).toContain(`hint: ${command.replace("NAS", nas.address)}\n`);
        expect(typedHint(host, stderr)).toContain("% /");
        if (isServer) nas.sh("mount -o remount,size=100m /srv/small");
        else host.sh(`umount ${dir}`);
        expect(ops("backup run")).toMatchObject({ code: 0 });
      });

      test("backup run: on a full local disk the error names it, with room the next backup is complete, and a missing file is repaired", () => {
        host.sh(
          "mkdir -p /mnt/stick && mount -t tmpfs -o size=2m none /mnt/stick; mkdir -p /srv/full; echo full >/srv/full/index.html; head -c 4M /dev/urandom >/srv/full/big.bin; edox-ops project deploy one --source /srv/full",
        );
        expect(ops("backup init --repo /mnt/stick/repo --generate --yes").code).toBe(0);
        expect(ops("backup run")).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("no space left at /mnt/stick/repo"),
        });
        host.sh("mount -o remount,size=200m /mnt/stick");
        expect(ops("backup run")).toMatchObject({ code: 0 });
        expect(ops("backup verify --all")).toMatchObject({ code: 0 });
        host.sh("rm $(ls -S /mnt/stick/repo/data/*/* | head -1)");
        const { code, stderr } = ops("backup verify");
        expect([code, stderr]).toEqual([1, expect.stringContaining("it is damaged: repair its index")]);
        typedHint(host, stderr);
        expect(ops("backup run")).toMatchObject({ code: 0 });
        expect(ops("backup verify --all")).toMatchObject({ code: 0, stderr: "" });
        host.sh("umount /mnt/stick");
        expect(ops("backup run").stderr).toContain("its disk is not mounted");
      });
    }
  });
}
