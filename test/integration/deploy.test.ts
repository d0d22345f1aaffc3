// Tests deploys on a real host while nginx serves the site.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliDecompressSync } from "node:zlib";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { figure, rounds } from "./rounds.ts";
import type { TestHost } from "./test-host.ts";

const deploys = rounds(30, 100).length;

/**
 * Creates a site whose page contains its own checksum and a script of this version only, and which has files that never
 * change.
 */
const makeSite = `site() {
  rm -rf /srv/site; mkdir -p /srv/site/assets /srv/site/guide
  script=/assets/app.$(printf %s $1 | sha256sum | cut -c-16).js
  echo $script >/srv/site$script
  body="<h1>version $1</h1><script src=\\"$script\\"></script><p>$(seq 400)</p>"
  printf '%s<!--%s-->\\n' "$body" $(printf %s "$body" | sha256sum | cut -d' ' -f1) >/srv/site/index.html
  for i in $(seq 60); do seq $i $((i + 500)) >/srv/site/guide/$i.html; done
}`;

for (const suite of suites) {
  describe(`deploy on ${suite}`, () => {
    let host: TestHost;
    beforeAll(async () => {
      host = await bootstrapped(suite, {});
      host.put(process.execPath, "/usr/local/bin/bun");
      host.put(`${import.meta.dir}/load.ts`, "/root/load.ts");
      const { code, stderr } = host.sh(`set -e; ${makeSite}; site 0
        edox-ops project add demo --domain demo.test --source-path /srv/site --precompress; edox-ops project init demo
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

    test(`deploy: ${deploys} deploys, some killed, and restores fail no request, and each page is complete, compressed or not, and its script exists`, () => {
      const { requests, said, ...rest } = underLoad(`for i in $(seq ${deploys}); do
          site $i
          [ $((i % 4)) != 0 ] || (timeout -s KILL 0.0$((i % 7 + 2)) edox-ops project deploy demo --quiet; true) 2>/dev/null
          edox-ops project deploy demo --quiet 2>/dev/null || exit 1
          [ $((i % 5)) != 0 ] || edox-ops project restore demo --yes --quiet || exit 1
        done; cd /var/www/docs/demo; find . -name '*.gz' | grep -q index || echo not compressed
        for file in $(find . -name '*.gz'); do zcat $file | cmp - \${file%.gz}; done`);
      expect([said, rest]).toEqual(["", { failed: 0, wrong: [] }]);
      expect(requests).toBeGreaterThan(1000);
      figure("readers under deploys", suite, 0, `${requests} requests, none failed`);
    });

    test("deploy: the same load detects two renames in place of the atomic swap", () => {
      const { failed } = underLoad(`cd /var/www/docs; cp -a demo other
        for i in $(seq 300); do mv demo before && mv other demo && mv before other; done; rm -r other`);
      expect(failed).toBeGreaterThan(0);
    });

    /** Returns the status, the wanted headers and the decoded page that nginx sends for these request headers. */
    const fetched = (...headers: string[]): { head: Record<string, string>; text: string } => {
      const flags = headers.map((each) => `-H '${each}'`).join(" ");
      const { stdout } =
        host.sh(`curl -s ${flags} -D /root/head --resolve demo.test:80:127.0.0.1 http://demo.test/ -o /root/body
        cat /root/head; echo; base64 -w0 /root/body`);
      const lines = stdout.trimEnd().split(/\r?\n/);
      const body = Buffer.from(lines.pop() ?? "", "base64");
      const head = Object.fromEntries(
        lines.map((line) => {
          const [name = "", value = ""] = line.split(/: | (?=\d{3} )/, 2);
          return [name.toLowerCase(), value];
        }),
      );
      const { "content-encoding": encoding } = head;
      const text = encoding === "gzip" ? Bun.gunzipSync(body) : encoding === "br" ? brotliDecompressSync(body) : body;
      return { head, text: Buffer.from(text).toString() };
    };
    const gzip = "Accept-Encoding: gzip";

    test("precompress: nginx sends the compressed page with Vary and a strong ETag, 304 for it, and a restored one", () => {
      expect(host.sh(`${makeSite}; site 1; edox-ops project deploy demo --quiet`).code).toBe(0);
      const { head, text } = fetched(gzip);
      expect(text).toContain("version 1");
      const sent = { "http/1.1": "200 OK", "content-encoding": "gzip", vary: "Accept-Encoding" };
      expect(head).toMatchObject(sent);
      expect(head.etag).toMatch(/^"/);
      expect(host.sh("stat -c %s /var/www/docs/demo/index.html.gz").stdout.trim()).toBe(head["content-length"] ?? "");
      expect(fetched().head).not.toHaveProperty("content-encoding");
      const conditional = [`If-None-Match: ${head.etag}`, `If-Modified-Since: ${head["last-modified"]}`];
      for (const each of conditional)
        expect(fetched(gzip, each).head).toMatchObject({ "http/1.1": "304 Not Modified" });
      // Another page of the same size, from a build with fixed times.
      const fixed = "find /srv/site -exec touch -hd @1700000000 {} +; edox-ops project deploy demo --quiet";
      host.sh(`${makeSite}; site 2; ${fixed}`);
      for (const each of conditional)
        expect(fetched(gzip, each)).toMatchObject({ text: expect.stringContaining("version 2") });
      expect(host.sh("edox-ops project restore demo --yes --quiet").code).toBe(0);
      const restored = fetched(gzip);
      expect([restored.text, restored.head.etag]).toEqual([expect.stringContaining("version 1"), head.etag ?? ""]);
      expect(host.sh("edox-ops project deploy demo --check").code).toBe(3);
    });

    test("precompress: a full disk ends the deploy, and the old compressed page stays", () => {
      // Base64 shrinks less than other text, so that the disk is full although the check before it found room.
      const { code, stdout, stderr } = host.sh(`set -e; ${makeSite}; site 3; edox-ops project deploy demo --quiet
        mkdir /srv/small; mount -t tmpfs -o size=64m tmpfs /srv/small; cp -a /var/www/docs /srv/small; site 4
        head -c 3000000 /dev/urandom | base64 >/srv/site/large.txt
        fallocate -l $(($(df --output=avail -k /srv/small | tail -1) - 6700))k /srv/small/filler
        mount --bind /srv/small/docs /var/www/docs; set +e
        edox-ops project deploy demo --quiet; rc=$?; zcat /var/www/docs/demo/index.html.gz | grep -o 'version 3'
        ls -A /var/www/docs/.edox-ops-backups/demo | grep stage; umount /var/www/docs /srv/small; exit $rc`);
      expect([code, stdout, stderr]).toEqual([1, "version 3\n", expect.stringContaining("no space left")]);
      expect(fetched(gzip).text).toContain("version 3");
    });

    test("precompress: with its module nginx sends brotli, and stays valid when the package is removed", () => {
      const encodings = (): (string | undefined)[] =>
        ["gzip, br", "br", "gzip"].map((each) => fetched(`Accept-Encoding: ${each}`).head["content-encoding"]);
      const apt = "DEBIAN_FRONTEND=noninteractive apt-get -qq";
      const installed = host.sh(`set -e; ${makeSite}; site 5
        ${apt} install -y --no-install-recommends libnginx-mod-http-brotli-static >/dev/null 2>&1
        edox-ops project deploy demo --quiet; edox-ops project enable demo --quiet; sleep 0.3`);
      expect([installed.code, installed.stderr]).toEqual([0, ""]);
      expect(encodings()).toEqual(["br", "br", "gzip"]);
      expect(fetched("Accept-Encoding: br")).toMatchObject({
        head: { vary: "Accept-Encoding" },
        text: expect.stringContaining("version 5"),
      });
      expect(host.sh("edox-ops project deploy demo --check").code).toBe(0);
      const removed = host.sh(`${apt} remove -y libnginx-mod-http-brotli-static >/dev/null 2>&1
        nginx -t -q && systemctl restart nginx && edox-ops project validate demo`);
      expect([removed.code, removed.stderr]).toEqual([0, ""]);
      expect(encodings()).toEqual(["gzip", undefined, "gzip"]);
      expect(host.sh("edox-ops project deploy demo --quiet; find /var/www/docs/demo -name '*.br'").stdout).toBe("");
    });

    test("deploy: a page that nginx does not serve as deployed is rolled back", () => {
      const before = host.sh("curl -s --resolve demo.test:80:127.0.0.1 http://demo.test/").stdout;
      host.sh(`${makeSite}; site 999; echo 'server { listen 80; server_name other.test; }' >/etc/nginx/sites-enabled/aaa
        sed -i 's,root /var/www/docs/demo;,root /srv/elsewhere;,' /etc/nginx/sites-available/edox-ops-demo; systemctl reload nginx; sleep 0.3`);
      const { code, stderr } = host.run(["edox-ops", "project", "deploy", "demo"]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("http://demo.test/ does not answer")]);
      expect(stderr).toContain("the previous site was restored");
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
      expect(fetched(gzip).text).toContain("version 5");
      expect(host.sh("edox-ops project deploy demo --check").code).toBe(0);
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
