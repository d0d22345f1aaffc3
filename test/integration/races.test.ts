// Another user exchanges names while root deploys and restores. Root must open only files of that user.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { figure, testsOn } from "./rounds.ts";
import type { TestHost } from "./test-host.ts";

/** Duration of one race. A program that opens a path a second time lost each race within it. */
const seconds = 6;

/** Exchanges two names until its time is over (renameat2 with RENAME_EXCHANGE, by its number on x86-64). */
const racer = `#!/usr/bin/perl
my ($seconds, $one, $other) = @ARGV;
my $end = time + $seconds;
while (time < $end) { syscall(316, -100, $one, -100, $other, 2) for 1 .. 1000 }
`;

const live = "/var/www/docs/demo";
const backup = "/var/www/docs/.edox-ops-backups/demo/20260101T000000Z";
const secret = "only for root";

for (const suite of suites) {
  describe(`races on ${suite}`, () => {
    // Both suites have the same kernel here.
    const on = testsOn(suite);
    let host: TestHost;
    beforeAll(async () => {
      host = await bootstrapped(suite, {});
      const { code, stderr } = host.sh(`set -e
        cat >/usr/local/bin/race <<'END'
${racer}END
        chmod 755 /usr/local/bin/race
        useradd -m eve; chmod 755 /home/eve
        mkdir -m 700 /srv/private; mkdir /srv/private/a
        for name in index.html a/page.html a/large.bin; do echo '${secret}' >/srv/private/$name; done
        tar -C /srv/private -cf /srv/private/site.tar index.html a
        for i in $(seq 300); do echo '${secret}' >/srv/private/a/$i.html; done
        site() { mkdir -p $1/a; for name in index.html a/page.html a/large.bin; do echo "of $2" >$1/$name; done
          for i in $(seq 300); do echo "of $2" >$1/a/$i.html; done; }
        site /home/eve/site eve; site /srv/site root
        tar -C /home/eve/site -cf /home/eve/site/site.tar index.html a
        ln -s /srv/private /home/eve/public; ln -s /srv/private /home/eve/a
        chown -hR eve: /home/eve
        edox-ops project add demo --domain demo.test; edox-ops project init demo
        edox-ops project deploy demo --source /srv/site --quiet`);
      expect([code, stderr]).toEqual([0, ""]);
    });
    afterAll(() => host?.down());

    /**
     * Returns how often root's command succeeded while `user` exchanged the two names, and how often the secret was in
     * the live tree afterwards. `before` runs before each command.
     */
    const race = (what: string, user: string, names: [string, string], command: string, before = ":") => {
      const { stdout } = host.sh(`
        setpriv --reuid=${user} --regid=${user} --clear-groups race ${seconds} ${names.join(" ")} &
        runs=0 done=0 leaks=0 end=$(($(date +%s) + ${seconds}))
        while [ $(date +%s) -lt $end ]; do
          runs=$((runs + 1)); echo $runs >/srv/site/index.html; ${before}
          ${command} >/dev/null 2>>/root/errors && done=$((done + 1))
          grep -rq '${secret}' ${live} && leaks=$((leaks + 1))
        done
        wait; echo $runs $done $leaks`);
      const [runs = 0, done = 0, leaks = 0] = stdout.trim().split(" ").map(Number);
      figure(`${what} exchanged`, suite, 0, `${runs} runs, ${done} done, ${leaks} leaks`);
      return { runs, done, leaks };
    };
    const deploy = (source: string): string => `edox-ops project deploy demo --source ${source} --keep 1`;

    test("deploy: another user's symlink to a tree of root is rejected, and its target is named", () => {
      for (const source of ["/home/eve/public", "/home/eve/public/site.tar"]) {
        const { code, stderr } = host.sh(deploy(source));
        expect([code, stderr]).toEqual([
          1,
          expect.stringMatching(
            /^error: \S+ is not published: \/home\/eve\/public is a link of user \d+, and leads to \/srv\/private.*, which belongs to user 0\nhint: namei -l \S+\n$/,
          ),
        ]);
      }
    });

    for (const [only, what, names, source] of [
      ["bookworm", "the directory of an archive", ["site", "public"], "/home/eve/site/site.tar"],
      ["trixie", "the source", ["site", "public"], "/home/eve/site"],
      ["bookworm", "a directory of the source", ["site/a", "a"], "/home/eve/site"],
    ] as const) {
      on(only, `${what}, exchanged with a symlink to a tree of root: nothing of that tree is published`, () => {
        const [one, other] = names.map((name) => `/home/eve/${name}`) as [string, string];
        const { runs, leaks } = race(what, "eve", [one, other], deploy(source));
        expect(leaks).toBe(0);
        expect(runs).toBeGreaterThan(3);
      });
    }

    on(
      "trixie",
      "deploy --dereference: the target of a followed symlink, exchanged with a file of root, is not published",
      async () => {
        host.sh(`mkdir -p /home/eve/linking /home/eve/shared; echo home >/home/eve/linking/index.html
        ln -s ../shared/page.html /home/eve/linking/page.html; echo of eve >/home/eve/shared/page.html
        chown -hR eve: /home/eve/linking /home/eve/shared
        echo '${secret}' >/home/eve/shared/secret; chmod 600 /home/eve/shared/secret`);
        const names: [string, string] = ["/home/eve/shared/page.html", "/home/eve/shared/secret"];
        const { runs, leaks } = race("a linked file", "eve", names, `${deploy("/home/eve/linking")} --dereference`);
        expect(leaks).toBe(0);
        expect(runs).toBeGreaterThan(3);
      },
    );

    on(
      "bookworm",
      "restore: a directory of a backup, exchanged with a symlink: nothing of its target is published",
      () => {
        host.sh(`chmod 755 /var/www/docs/.edox-ops-backups; mkdir ${backup}; cp -a /srv/site/. ${backup}
        ln -s /srv/private ${backup}.link; chown -h www-data: ${backup}.link; chown www-data: /var/www/docs/.edox-ops-backups/demo`);
        const theirs = `chown -hR www-data: ${backup}; chown www-data: /var/www/docs/.edox-ops-backups/demo`;
        const command = "edox-ops project restore demo --yes --backup 20260101T000000Z --keep 100";
        const { runs, done, leaks } = race("backup", "www-data", [`${backup}/a`, `${backup}.link`], command, theirs);
        expect(leaks).toBe(0);
        expect(runs).toBeGreaterThan(3);
        expect(done).toBeGreaterThan(0);
      },
    );

    on("trixie", "deploy: a live tree on a mount point: nothing beside it is written, removed or published", () => {
      host.sh(`chmod 750 /var/www/docs/.edox-ops-backups; mount -t tmpfs tmpfs ${live}
        mkdir ${live}/.other; ln -s /srv/private ${live}/.other/link; chown -hR www-data: ${live}/.other`);
      const before = host.listing("/srv/private");
      const theirs = `[ -d ${live}/.other ] || { mkdir ${live}/.other; ln -s /srv/private ${live}/.other/link; }
        mkdir -p ${live}/a; chown -hR www-data: ${live}`;
      const { runs, leaks } = race(
        "mount",
        "www-data",
        [`${live}/a`, `${live}/.other/link`],
        deploy("/srv/site"),
        theirs,
      );
      expect(leaks).toBe(0);
      expect(runs).toBeGreaterThan(3);
      expect(host.listing("/srv/private")).toBe(before);
      expect(host.sh(`${deploy("/srv/site")} && find ${live} ! -user root`)).toMatchObject({
        code: 0,
        stdout: expect.not.stringContaining(`${live}/`),
      });
      host.sh(`umount ${live}`);
    });

    on(
      "bookworm",
      "deploy: working files that the web server's user planted among the backups are not read, copied or waited for",
      () => {
        const dir = "/var/www/docs/.edox-ops-backups/demo";
        const stage = `${dir}/.stage-1-20260101T000000Z`;
        const plant = `chmod 755 ${dir}/..; mkdir -p ${stage} ${stage}.old/a; ln -sfn /srv/private/a ${stage}.old/link
        for i in $(seq 300); do echo '${"x".repeat(secret.length)}' >${stage}.old/a/$i.html; done
        rm -f ${dir}/.digests; mkfifo ${dir}/.digests; chown -hR www-data: ${stage} ${stage}.old; chown www-data: ${dir}`;
        host.sh(plant);
        const { done, leaks } = race(
          "planted stage",
          "www-data",
          [`${stage}.old/a`, `${stage}.old/link`],
          "edox-ops project backups prune demo",
          plant,
        );
        expect([leaks, done > 1]).toEqual([0, true]);
        for (const command of [`${deploy("/srv/site")} --dry-run`, deploy("/srv/site")]) {
          expect(host.sh(`${plant}; timeout --signal=KILL 30 ${command}`)).toMatchObject({ code: 0, stderr: "" });
        }
      },
    );

    test("deploy: names are opened one by one on a kernel without openat2", () => {
      const filter =
        "systemd-run --quiet --pipe --wait --collect -p SystemCallFilter=~openat2 -p SystemCallErrorNumber=ENOSYS";
      const { code } = host.sh(`echo old kernel >/srv/site/a/page.html; ${filter} ${deploy("/srv/site")}`);
      expect([code, host.sh(`cat ${live}/a/page.html`).stdout]).toEqual([0, "old kernel\n"]);
    });

    test("deploy: no error prints a stack trace or the number of a descriptor", () => {
      const { stdout } = host.sh(`grep -c ^error: /root/errors; grep -m 5 -E '^ +at |/proc/self/fd' /root/errors`);
      expect(stdout).toMatch(/^[1-9]\d*\n$/);
    });
  });
}
