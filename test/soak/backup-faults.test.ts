// A backup or a restore whose power is cut, or whose connection is lost: the sites are served, and the next run is complete.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "../integration/base.ts";
import { bootstrapped } from "../integration/bootstrapped.ts";
import { chance, figure, rounds } from "../integration/rounds.ts";
import { TestHost } from "../integration/test-host.ts";
import { withSsh } from "../integration/with-ssh.ts";

const names = ["one", "two", "three"];
const sites = "/var/www/docs";
const lost = names.map((name) => `edox-ops project remove ${name} --delete-files --yes`).join("; ");

for (const suite of suites) {
  describe(`backup faults on ${suite}`, () => {
    let host: TestHost;
    let nas: TestHost;
    const ops = (words: string) => host.sh(`edox-ops ${words}`);
    const served = (name: string): string =>
      host.sh(
        `curl -s --retry 5 --retry-connrefused --retry-delay 1 --resolve ${name}.test:80:127.0.0.1 http://${name}.test/`,
      ).stdout;
    const trees = (): string => host.listing(...names.map((name) => `${sites}/${name}`), "/etc/letsencrypt");

    /** Expects that everything is whole: the sites, a new snapshot and all data of the repository. */
    function complete(): void {
      expect(names.map(served)).toEqual(names.map((name) => `${name}\n`));
      expect(ops("backup run")).toMatchObject({ code: 0 });
      expect(ops("backup verify --all")).toMatchObject({ code: 0 });
      expect(host.sh(`ls -A ${sites} | grep -c edox-ops-backup$; ls /var/lib/edox-ops/backup`).stdout).toBe(
        "0\nhost.json\nstate.json\n",
      );
    }

    beforeAll(async () => {
      nas = await TestHost.up(suite, { state: await withSsh(suite) });
      host = await bootstrapped(suite, { commitSeconds: 1 });
      const key = "mkdir -p -m 0700 ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; cat ~/.ssh/*.pub";
      host.sh(
        "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends openssh-client",
      );
      nas.sh(`mkdir -p -m 0700 ~/.ssh; echo '${host.sh(key).stdout.trim()}' >>~/.ssh/authorized_keys`);
      host.sh(`ssh-keyscan ${nas.address} >~/.ssh/known_hosts 2>/dev/null`);
      for (const name of names) {
        host.sh(
          `mkdir -p /srv/${name}/part; for i in $(seq 200); do seq $i $((i + 300)) >/srv/${name}/part/$i.html; done; echo ${name} >/srv/${name}/index.html`,
        );
        expect(ops(`project publish ${name} --domain ${name}.test --source /srv/${name}`)).toMatchObject({ code: 0 });
      }
      host.sh(
        "mkdir -p /etc/letsencrypt/{archive,live,renewal}/ && cd /etc/letsencrypt && mkdir archive/x live/x && head -c 3000 /dev/urandom >archive/x/cert1.pem && ln -s ../../archive/x/cert1.pem live/x/cert.pem && echo x >renewal/x.conf",
      );
      // A restore of the lineage installs certbot, whose package has a file of its own there.
      expect(ops("certs setup-auto-renew --yes")).toMatchObject({ code: 0 });
      expect(ops(`backup init --repo sftp:root@${nas.address}:/srv/backup --generate --yes`)).toMatchObject({
        code: 0,
      });
      expect(ops("backup enable --yes")).toMatchObject({ code: 0 });
      expect(ops("backup run")).toMatchObject({ code: 0 });
      host.sync();
    });
    afterAll(() => {
      host?.down();
      nas?.down();
    });

    /** Starts a command that outlives a power cut of the test, not of the host. */
    const victim = (words: string): void =>
      void host.raw(["systemd-run", "--quiet", "--unit=victim", "--collect", "edox-ops", ...words.split(" ")]);
    const change = (round: string): void =>
      void host.sh(
        `head -c 3M /dev/urandom | base64 >/srv/three/part/${round.replaceAll(" ", "-")}.html; edox-ops project deploy three --source /srv/three; sync`,
      );

    for (const round of rounds(1, 20)) {
      test(`backup run: the power is cut in ${round}, the host serves and the next backup is complete`, async () => {
        change(round);
        const seconds = 4 * chance("backup run, power", suite, round);
        victim("backup run");
        await Bun.sleep(seconds * 1000);
        await host.powerCut();
        complete();
        figure("backup run, power cut", suite, seconds / 4, "complete");
      });

      test(`backup restore: the power is cut in ${round}, and the next restore is complete`, async () => {
        const before = trees();
        expect(host.sh(`${lost}; rm -rf /etc/letsencrypt/*; sync`).code).toBe(0);
        const seconds = 5 * chance("backup restore, power", suite, round);
        victim("backup restore --yes");
        await Bun.sleep(seconds * 1000);
        await host.powerCut();
        const found = names.map(
          (name) => host.sh(`[ ! -e ${sites}/${name} ] || diff -r /srv/${name} ${sites}/${name}`).stdout,
        );
        expect(found).toEqual(["", "", ""]);
        expect(ops("backup restore --yes")).toMatchObject({ code: 0 });
        expect(trees()).toBe(before);
        complete();
        figure("backup restore, power cut", suite, seconds / 5, "complete");
      });

      test(`backup restore: killed in ${round}, and the next restore is complete`, async () => {
        const before = trees();
        expect(host.sh(`${lost}; rm -rf /etc/letsencrypt/*`).code).toBe(0);
        const share = chance("backup restore, killed", suite, round);
        host.sh(
          `edox-ops backup restore --yes & pid=$!; sleep ${(4 * share).toFixed(3)}; kill -KILL $pid; wait $pid; ! pgrep -x restic`,
        );
        expect(ops("backup restore --yes")).toMatchObject({ code: 0 });
        expect(trees()).toBe(before);
        complete();
        figure("backup restore, killed", suite, share, "complete");
      });
    }

    for (const round of rounds(1, 3)) {
      test(`backup run: the connection is lost in ${round}, the run ends within two minutes and the next backup is complete`, async () => {
        change(round);
        const share = chance("backup run, lost", suite, round);
        nas.network("slow");
        const started = performance.now();
        const child = Bun.spawn(host.entering(["edox-ops", "backup", "run"]), { stdout: "ignore", stderr: "pipe" });
        await Bun.sleep(2000 + 8000 * share);
        nas.network(share < 0.5 ? "lost" : "cut");
        expect(served("one")).toBe("one\n");
        const [code, stderr] = [await child.exited, await new Response(child.stderr).text()];
        nas.network("up");
        const seconds = Math.round((performance.now() - started) / 1000);
        expect([code, stderr]).toEqual([1, expect.stringContaining("it cannot be reached")]);
        expect(stderr).toContain(`hint: ssh root@${nas.address}\n`);
        expect(seconds).toBeLessThan(120);
        complete();
        figure("backup run, connection lost, s", suite, seconds, "complete");
      });
    }

    test("backup run: after a boot, a process with the number of a killed restic gets no signal, and the lock is removed", () => {
      change("the killed one");
      // Its own view of /proc is writable.
      const script = `mkdir -p /run/proc; mount -t proc proc /run/proc; edox-ops backup run >/dev/null 2>&1 &
        until pid=$(pgrep -x restic); do sleep 0.1; done; sleep 1; kill -KILL $!; wait
        for i in $(seq 20); do
          echo $((pid - 1)) >/run/proc/sys/kernel/ns_last_pid; sleep 900 >/dev/null 2>&1 & reused=$!
          [ $reused = $pid ] && break; kill $reused; sleep 0.2
        done; echo $pid $reused; umount /run/proc`;
      const [pid, reused] = host.raw(["bash", "-c", script]).stdout.trim().split(" ");
      expect(reused).toBe(pid);
      expect(host.sh(`cat /proc/${pid}/comm`).stdout).toBe("sleep\n");
      complete();
      expect(host.sh(`cat /proc/${pid}/comm; kill ${pid}`).stdout).toBe("sleep\n");
    });

    test("backup restore: certificates that a killed restore has restored get their hook and their timer", () => {
      const hook = "/etc/letsencrypt/renewal-hooks/deploy/edox-ops-reload-nginx.sh";
      host.sh(`rm ${hook}; systemctl disable --now certbot.timer; echo certs >/var/lib/edox-ops/backup/incomplete`);
      expect(ops("backup restore --only certs --yes")).toMatchObject({ code: 0 });
      const found = host.sh(`ls ${hook}; systemctl is-enabled certbot.timer; systemctl is-active certbot.timer`);
      expect(found.stdout).toBe(`${hook}\nenabled\nactive\n`);
    });

    test("backup restore: the connection is lost, nothing changed, and the next restore is complete", async () => {
      change("the lost restore");
      expect(ops("backup run")).toMatchObject({ code: 0 });
      const before = trees();
      expect(host.sh(lost).code).toBe(0);
      host.network("slow");
      const child = Bun.spawn(host.entering(["edox-ops", "backup", "restore", "--yes"]), {
        stdout: "ignore",
        stderr: "pipe",
      });
      await Bun.sleep(5000);
      nas.network("lost");
      const [code, stderr] = [await child.exited, await new Response(child.stderr).text()];
      nas.network("up");
      host.network("up");
      expect([code, stderr]).toEqual([1, expect.stringContaining("it cannot be reached")]);
      expect(host.sh(`ls ${sites}`).stdout).toBe("");
      expect(ops("backup restore --yes")).toMatchObject({ code: 0 });
      expect(trees()).toBe(before);
      complete();
    });
  });
}
