// Tests deploys on a real host while nginx serves the site.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { figure, rounds } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

const deploys = rounds(30, 100).length;

/**
 * Creates a site whose page contains its own checksum and a script of this version only, and which has files that never
 * change.
 */
const makeSite = `site() {
  rm -rf /srv/site; mkdir -p /srv/site/assets /srv/site/guide
  script=/assets/app.$(printf %s $1 | sha256sum | cut -c-16).js
  echo $script >/srv/site$script
  body="<h1>version $1</h1><script src=\\"$script\\"></script>"
  printf '%s<!--%s-->\\n' "$body" $(printf %s "$body" | sha256sum | cut -d' ' -f1) >/srv/site/index.html
  for i in $(seq 60); do echo $i >/srv/site/guide/$i.html; done
}`;

for (const suite of suites) {
  describe(`deploy on ${suite}`, () => {
    let host: TestHost;
    beforeAll(async () => {
      host = await TestHost.bare(suite, {});
      host.put(process.execPath, "/usr/local/bin/bun");
      host.put(`${import.meta.dir}/load.ts`, "/root/load.ts");
      const { code, stderr } = host.sh(`set -e; edox-ops bootstrap --yes --quiet; ${makeSite}; site 0
        edox-ops project add demo --domain demo.test --source-path /srv/site; edox-ops project init demo
        edox-ops project deploy demo; edox-ops project enable demo`);
      expect([code, stderr]).toEqual([0, ""]);
    });
    afterAll(() => host?.down());

    /** Returns what readers received while this ran. */
    const underLoad = (script: string): { requests: number; failed: number; wrong: string[]; said: string } => {
      const { stdout } = host.sh(`${makeSite}; rm -f /root/stop
        bun /root/load.ts /root/stop >/root/load.out & load=$!
        sleep 1; (${script}) >/root/said 2>&1; touch /root/stop; wait $load; cat /root/load.out; cat /root/said`);
      const [first = "", ...said] = stdout.split("\n");
      return { ...JSON.parse(first), said: said.join("\n") };
    };

    test(`deploy: ${deploys} deploys and restores of a changing site fail no request, and each page is complete and its script exists`, () => {
      const { requests, said, ...rest } = underLoad(`for i in $(seq ${deploys}); do
          site $i; edox-ops project deploy demo --quiet || exit 1
          [ $((i % 5)) != 0 ] || edox-ops project restore demo --yes --quiet || exit 1
        done`);
      expect([said, rest]).toEqual(["", { failed: 0, wrong: [] }]);
      expect(requests).toBeGreaterThan(1000);
      figure("readers under deploys", suite, 0, `${requests} requests, none failed`);
    });

    test("deploy: the same load detects two renames in place of the atomic swap", () => {
      const { failed } = underLoad(`cd /var/www/docs; cp -a demo other
        for i in $(seq 300); do mv demo before && mv other demo && mv before other; done; rm -r other`);
      expect(failed).toBeGreaterThan(0);
    });

    test("deploy: a page that nginx does not serve as deployed is rolled back", () => {
      const before = host.sh("curl -s --resolve demo.test:80:127.0.0.1 http://demo.test/").stdout;
      host.sh(`${makeSite}; site 999; echo 'server { listen 80; server_name other.test; }' >/etc/nginx/sites-enabled/aaa
        sed -i 's,root /var/www/docs/demo;,root /srv/elsewhere;,' /etc/nginx/sites-available/edox-ops-demo; systemctl reload nginx; sleep 0.3`);
      const { code, stderr } = host.run(["edox-ops", "project", "deploy", "demo"]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("http://demo.test/ does not answer")]);
      expect(stderr).toContain("the site is as it was before");
      expect(host.run(["cat", "/var/www/docs/demo/index.html"]).stdout).toBe(before);
      expect(host.run(["edox-ops", "project", "enable", "demo"]).code).toBe(0);
    });

    test("deploy: a deploy without changes fails while nginx is stopped, and its hint starts nginx", () => {
      const deployed = () => host.run(["edox-ops", "project", "deploy", "demo"]);
      deployed();
      expect([deployed().code, deployed().stdout]).toEqual([0, expect.stringContaining(" 0 changed, ")]);
      host.run(["systemctl", "stop", "nginx"]);
      const { code, stderr } = deployed();
      expect(code).toBe(1);
      expect(stderr).toContain("nginx is not running; nothing was changed");
      const hint = /^hint: (.+)$/m.exec(stderr)?.[1] ?? "false";
      expect([hint, host.sh(hint).code]).toEqual(["systemctl start nginx", 0]);
      expect(deployed().code).toBe(0);
    });

    test("deploy: a tree that is a mount point is deployed file by file", () => {
      const mount =
        "mkdir -p /srv/mounted; cp -a /var/www/docs/demo/. /srv/mounted/; mount --bind /srv/mounted /var/www/docs/demo";
      expect(host.sh(`${mount}; ${makeSite}; site 5`).code).toBe(0);
      const { code, stderr } = host.run(["edox-ops", "project", "deploy", "demo", "--quiet"]);
      expect([code, stderr]).toEqual([0, expect.stringContaining("its files were replaced one by one")]);
      expect(host.sh("curl -s --resolve demo.test:80:127.0.0.1 http://demo.test/").stdout).toContain("version 5");
      host.sh("umount /var/www/docs/demo");
    });

    test("deploy: on an overlay with xino, whose inodes exceed a double, every changed page is detected", () => {
      const { code, stdout, stderr } = host.sh(`set -e; mkdir /srv/xino; cd /srv/xino; mkdir lower up source
        mount -t tmpfs tmpfs lower; mount -t tmpfs tmpfs up; mkdir up/upper up/work lower/xino
        for name in a b c index; do printf %.1s $name >lower/xino/$name.html; done
        touch -d @1700000000 lower/xino/*; chgrp -R www-data lower; cp lower/xino/* source
        mount -t overlay -o lowerdir=lower,upperdir=up/upper,workdir=up/work,xino=on overlay /var/www/docs
        edox-ops project add xino --domain xino.test --quiet
        stat -c %i /var/www/docs/xino/a.html
        for content in a i; do
          printf $content >source/a.html; edox-ops project deploy xino --source /srv/xino/source --quiet 2>/dev/null
        done
        cat /var/www/docs/xino/a.html; echo; umount /var/www/docs; edox-ops project remove xino --quiet`);
      expect([code, stderr]).toEqual([0, ""]);
      const [inode = "", page] = stdout.split("\n");
      expect(BigInt(inode)).toBeGreaterThan(2n ** 53n);
      expect(page).toBe("i");
    });

    test("deploy: of two concurrent deploys the second reports the first, or waits", () => {
      const two = (flags: string) =>
        host.sh(`${makeSite}; site 1; edox-ops project deploy demo --quiet & site 2 >/dev/null
          edox-ops project deploy demo --quiet ${flags}; echo $?; wait`);
      const held = host.sh(
        "flock /run/edox-ops/project-demo.lock edox-ops project deploy demo; echo $?; flock /run/edox-ops/project-demo.lock true",
      );
      expect(held.stdout).toEndWith("75\n");
      expect(held.stderr).toMatch(/^error: another run holds the lock: .*\(pid \d+/);
      expect(two("--wait 30s").stdout).toEndWith("0\n");
    });
  });
}
