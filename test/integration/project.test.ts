// Documentation sites on real hosts. Requests to nginx go over the network.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { directives } from "../../src/nginx/config.ts";
import { charsetTypes, contentTypes } from "../../src/nginx/content-types.ts";
import { hasHashedName } from "../../src/nginx/hashed-names.ts";
import { renewalTextOf } from "../certs/lineage-files.ts";
import { hashed, missed, unhashed } from "../nginx/names.ts";
import { issue } from "../sites/certificates.ts";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { answersTo, hidden, hiddenFiles, oddRequests } from "./odd-requests.ts";
import { type Pebble, startPebble } from "./pebble.ts";
import { groupsOn, testsOn } from "./rounds.ts";
import { scan } from "./sslyze.ts";
import type { TestHost } from "./test-host.ts";
import { hintsUntilFine, typedHint } from "./typed-hint.ts";
import { versionAnswers, versionedSite, versionRequests } from "./version-requests.ts";

for (const suite of suites) {
  describe(`projects on ${suite}`, () => {
    const on = testsOn(suite);
    const groupOn = groupsOn(suite);
    let host: TestHost;
    beforeAll(async () => {
      host = await bootstrapped(suite);
    });
    afterAll(() => host?.down());

    const project = (line: string) => host.sh(`edox-ops project ${line}`);
    const get = (path: string, flags = "", name = "demo.test"): string =>
      host.sh(`curl -sS --resolve ${name}:80:127.0.0.1 ${flags} http://${name}${path}`).stdout;
    const status = (path: string, flags = ""): string => get(path, `${flags} -o /dev/null -w '%{http_code}'`);

    test("a site is added, deployed and served over IPv4 and IPv6, and unknown names get no response", () => {
      for (const line of ["add demo --domain demo.test", "init demo", "enable demo"]) {
        expect([line, project(line)]).toMatchObject([line, { code: 0, stderr: "" }]);
      }
      const tree = `cd /var/www/docs/demo && mkdir -p assets guide .well-known && echo home >index.html && echo one >guide/one.html &&
        echo gone >404.html && echo x >assets/app.4f283b18.js && echo s >.well-known/security.txt && echo no >.env && echo no >a.bak &&
        echo guide >guide/index.html && seq 2000 >big.json`;
      expect(host.sh(tree).code).toBe(0);
      expect(get("/")).toBe("home\n");
      expect(host.sh("curl -gsS -H 'Host: demo.test' 'http://[::1]/'").stdout).toBe("home\n");
      expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stderr).toContain("Empty reply from server");
    });

    test("nginx: clean addresses, the site's 404 page, redirects that keep the name, no hidden files, no other methods", () => {
      expect(get("/guide/one")).toBe("one\n");
      expect(get("/nothing")).toBe("gone\n");
      expect(status("/nothing")).toBe("404");
      host.sh("mv /var/www/docs/demo/404.html /root/");
      expect([status("/nothing"), get("/nothing")]).toEqual(["404", expect.stringContaining("404 Not Found")]);
      host.sh("mv /root/404.html /var/www/docs/demo/");
      expect(get("/guide", "-o /dev/null -w '%{http_code} %header{location}'")).toBe("301 /guide/");
      expect(["/.env", "/.git/config", "/.well-knowns"].map((path) => status(path))).toEqual(["403", "403", "403"]);
      expect(get("/.well-known/security.txt")).toBe("s\n");
      expect(status("/favicon.ico")).toBe("204");
      host.sh("echo icon >/var/www/docs/demo/favicon.ico");
      expect([status("/favicon.ico"), get("/favicon.ico")]).toEqual(["200", "icon\n"]);
      expect(status("/", "-X POST")).toBe("405");
    });

    describe("nginx:", () => {
      beforeAll(() => {
        expect(host.sh(`cd /var/www/docs/demo && ${hiddenFiles}`).code).toBe(0);
      });
      for (const [title, expected] of Object.entries(oddRequests)) {
        test(title, () => {
          const all = expected.flatMap(([status, requests]) => requests.map((request) => [request, status] as const));
          const answers = answersTo(
            host,
            all.map(([request]) => request),
          );
          expect(answers.map(({ first }, i) => [all[i]?.[0], first])).toEqual(all.map((each) => [...each]));
          for (const { text, count } of answers) {
            expect(count).toBeLessThanOrEqual(1);
            expect(text).not.toMatch(new RegExp(`${hidden}|root:|^Set-Cookie`, "m"));
          }
        });
      }
    });

    test("addresses: a page is found by every form of its name and with a trailing slash, and all else is the site's 404", () => {
      host.sh(`cd /var/www/docs/demo && mkdir -p ref/repo.git empty both 'a b' && echo env >guide/import.meta.env.html &&
        echo repo >ref/repo.git/index.html && echo file >both.html && echo folder >both/index.html && echo low >empty.html &&
        echo blank >'a b.html' && touch both/child.html`);
      const answer = (path: string): string => {
        const head = get(path, "-o /tmp/body -w '%{http_code} %header{location}'").trimEnd();
        return head.startsWith("301") ? head : `${head} ${host.sh("head -1 /tmp/body").stdout.trim()}`;
      };
      const wanted: Record<string, string> = {
        "/guide/import.meta.env": "200 env",
        "/guide/import.meta.env/": "301 /guide/import.meta.env",
        "/ref/repo.git": "301 /ref/repo.git/",
        "/ref/repo.git/": "200 repo",
        "/empty": "200 low",
        "/empty/?a=%20b": "301 /empty?a=%20b",
        "/both": "200 file",
        "/both/": "200 folder",
        "/a%20b/": "301 /a%20b",
        "/a%20b": "200 blank",
        "/ref/": "404 gone",
        "/ref": "301 /ref/",
        "/none/": "404 gone",
        "/none.env": "404 gone",
        "/a.bak": "404 gone",
        "/A.BAK": "404 gone",
        "/.well-known/": "404 gone",
        "/x%0d%0aSet-Cookie:a/": "404 gone",
        "//both.html/": "404 gone",
        "//guide/one/": "301 /guide/one",
      };
      expect(Object.fromEntries(Object.keys(wanted).map((path) => [path, answer(path)]))).toEqual(wanted);
      host.sh("cd /var/www/docs/demo && mv index.html /root/");
      expect(answer("/")).toBe("404 gone");
      host.sh("mv /root/index.html /var/www/docs/demo/");
    });

    test("the ACME challenge directory lies outside of the tree, with the tree as a fallback for an older set-up", () => {
      host.sh(`mkdir -p /var/lib/edox-ops/acme/.well-known/acme-challenge && echo ours >/var/lib/edox-ops/acme/.well-known/acme-challenge/t1
        mkdir -p /var/www/docs/demo/.well-known/acme-challenge && echo theirs >/var/www/docs/demo/.well-known/acme-challenge/t2`);
      expect(get("/.well-known/acme-challenge/t1")).toBe("ours\n");
      expect(get("/.well-known/acme-challenge/t2")).toBe("theirs\n");
    });

    test("an ACME challenge for a name without a site is answered over HTTP only, and everything else is closed", () => {
      const asked = (scheme: string, address: string, path: string) => {
        const to = `--resolve new.test:443:${address} --resolve new.test:80:${address}`;
        const { code, stdout } = host.sh(
          `curl -gksS ${to} -w '%{http_code} %{content_type}' ${scheme}://new.test${path}`,
        );
        return `${code} ${stdout}`;
      };
      const challenges = "/.well-known/acme-challenge";
      for (const address of ["127.0.0.1", "[::1]"]) {
        expect(asked("http", address, `${challenges}/t1`)).toBe("0 ours\n200 text/plain");
        expect(asked("http", address, `${challenges}/t2`)).toStartWith("0 <html>");
        for (const path of [
          "/",
          challenges,
          "/.well-known/",
          `${challenges}/../../index.html`,
          `${challenges}%2f..%2f`,
        ])
          expect([path, asked("http", address, path)]).toEqual([path, "52 000 "]);
        expect(asked("https", address, `${challenges}/t1`)).toBe("35 000 ");
      }
    });

    test("pages are revalidated, names with a hash are cached, and text is compressed", () => {
      const header = (path: string, name: string, flags = "") =>
        get(path, `-o /dev/null -w '%header{${name}}' ${flags}`);
      expect(header("/", "cache-control")).toBe("public, max-age=0, must-revalidate");
      expect(header("/assets/app.4f283b18.js", "cache-control")).toBe("public, max-age=31536000, immutable");
      expect(header("/nothing", "cache-control")).toBe("");
      expect(header("/big.json", "content-encoding", "-H 'Accept-Encoding: gzip'")).toBe("gzip");
      expect(header("/big.json", "content-encoding", "-H 'Accept-Encoding: gzip' -H 'Via: 1.1 proxy'")).toBe("gzip");
      expect(header("/nothing", "x-content-type-options")).toBe("nosniff");
    });

    test("content types: every extension that nginx knows has one, and so do those of current sites", () => {
      const known = [...directives(readFileSync(`${host.root}/etc/nginx/mime.types`, "utf8"))];
      const theirs = known.flatMap(({ words, end }) => (end === ";" ? words.slice(1) : []));
      const ours = new Map(contentTypes.flatMap(([type, all]) => all.map((each): [string, string] => [each, type])));
      expect(theirs.length).toBeGreaterThan(90);
      expect(theirs.filter((each) => !ours.has(each))).toEqual([]);
      writeFileSync(`${host.root}/srv/extensions`, `${[...ours.keys()].join("\n")}\n`);
      const { stdout } =
        host.sh(`cd /var/www/docs/demo && mkdir types && sed 's,^,types/a.,' /srv/extensions | xargs touch &&
        sed 's,.*,url = "http://127.0.0.1/types/a.&"\\noutput = /dev/null,' /srv/extensions |
        curl -sS -H 'Host: demo.test' -K - -w '%{http_code} %{content_type}\\n'; rm -r types`);
      const withCharset = ["text/html", ...charsetTypes];
      const wanted = [...ours.values()].map(
        (type) => `200 ${type}${withCharset.includes(type) ? "; charset=utf-8" : ""}`,
      );
      expect(stdout.trim().split("\n")).toEqual(wanted);
      expect(host.run(["nginx", "-t"]).stderr).not.toContain("warn");
      expect(get("/", "-o /dev/null -w '%{content_type}'")).toBe("text/html; charset=utf-8");
    });

    test("nginx recognises the same hashed names as a deploy", () => {
      const tables = [...Object.values(hashed), ...Object.values(unhashed), missed];
      const paths = tables.flat().filter((path) => !path.endsWith(".bak"));
      writeFileSync(`${host.root}/srv/names`, `${paths.join("\n")}\n`);
      const { stdout } =
        host.sh(`cd /var/www/docs/demo && xargs -d '\\n' dirname </srv/names | xargs -d '\\n' mkdir -p &&
        xargs -d '\\n' touch </srv/names &&
        sed 's,.*,url = "http://127.0.0.1/&"\\noutput = /dev/null,; s,+,%2B,; s,~,%7E,' /srv/names |
        curl -sS -H 'Host: demo.test' -K - -w '%{http_code} %header{cache-control}\\n'`);
      const wanted = paths.map(
        (path) =>
          `200 ${hasHashedName(path) ? "public, max-age=31536000, immutable" : "public, max-age=0, must-revalidate"}`,
      );
      expect(stdout.trim().split("\n")).toEqual(wanted);
    });

    groupOn("trixie", "rate limits:", () => {
      const proxy = `server {
        listen 8080;
        access_log off;
        location / {
          proxy_pass http://127.0.0.1;
          proxy_set_header Host demo.test;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
      }`;
      /** Two other machines, 10.77.0.2 and 10.77.0.3, the first of them over IPv6 too. */
      const network = `ip netns add visitors && ip link add visitors type veth peer name eth0 netns visitors &&
        ip addr add 10.77.0.1/24 dev visitors && ip addr add fd77::1/64 dev visitors nodad && ip link set visitors up &&
        for address in 10.77.0.2/24 10.77.0.3/24 'fd77::2/64 nodad'; do ip -n visitors addr add $address dev eth0; done &&
        ip -n visitors link set eth0 up`;
      beforeAll(() => {
        host.sh("for i in $(seq 80); do echo x >/var/www/docs/demo/$i.css; done");
        writeFileSync(`${host.root}/etc/nginx/conf.d/proxy.conf`, proxy);
        expect(host.sh(`${network} && systemctl reload nginx`)).toMatchObject({ code: 0, stderr: "" });
      });
      afterAll(() => {
        expect(project("update demo --rate-limit default --real-ip-from none").code).toBe(0);
        host.sh("rm /etc/nginx/conf.d/proxy.conf; systemctl reload nginx; ip netns del visitors");
      });

      /** Returns the number of responses with each status. */
      const flood = (count: number, to: string, flags = "", client = ""): Record<string, number> => {
        const { stdout } =
          host.sh(`seq ${count} | sed 's,.*,url = http://${to}/1.css\\noutput = /dev/null,' | ${client} curl -gsS \
          -H 'Host: demo.test' ${flags} -K - -w '%{http_code}\\n' | sort | uniq -c`);
        const counts = stdout.matchAll(/(\d+) (\d{3})$/gm);
        return Object.fromEntries([...counts].map(([, each, status]) => [status, Number(each)]));
      };
      const visit = (count: number, to: string, flags = "") => flood(count, to, flags, "ip netns exec visitors");
      const second = "--interface 10.77.0.3";

      test("a page with 80 files is never rejected", () => {
        const page = `seq 80 | sed 's,.*,url = http://10.77.0.1/&.css\\noutput = /dev/null,' | ip netns exec visitors \
          curl -sS -H 'Host: demo.test' -K - --parallel --parallel-max 80 -w '%{http_code}\\n'`;
        expect(host.sh(`for i in 1 2 3; do ${page}; done | sort | uniq -c`).stdout.trim()).toBe("240 200");
      });

      test("a link checker on the host itself is never rejected, over the loopback or an address that was added later", () => {
        for (const to of ["127.0.0.1", "[::1]", host.address, "[fd77::1]"])
          expect([to, flood(2500, to)]).toEqual([to, { "200": 2500 }]);
      });

      test("another address is rejected beyond its burst, and no other address with it", () => {
        for (const to of ["10.77.0.1", "[fd77::1]"]) {
          const { "200": served, "429": refused } = visit(5000, to);
          expect(served).toBeGreaterThanOrEqual(2000);
          expect(refused).toBe(5000 - (served ?? 0));
        }
        expect(visit(500, "10.77.0.1", second)).toEqual({ "200": 500 });
      });

      test("--rate-limit disables the limits of a site, or sets its rate", () => {
        expect(project("update demo --rate-limit off")).toMatchObject({ code: 0, stderr: "" });
        expect(visit(5000, "10.77.0.1")).toEqual({ "200": 5000 });
        for (const rate of [20, 10]) expect(project(`update demo --rate-limit ${rate}`)).toMatchObject({ code: 0 });
        const { "200": served } = visit(400, "10.77.0.1");
        expect(served).toBeWithin(100, 200);
        expect(visit(100, "10.77.0.1", "-H 'X-Forwarded-For: 127.0.0.1'")).toHaveProperty("429");
        expect(flood(400, "10.77.0.1")).toEqual({ "200": 400 });
      });

      test("all clients behind a proxy on the host count as one, until --real-ip-from distinguishes them", () => {
        expect(project("update demo --rate-limit 10").code).toBe(0);
        expect(visit(400, "10.77.0.1:8080", second)).toHaveProperty("429");
        expect(project("update demo --real-ip-from 127.0.0.1 --real-ip-from ::1")).toMatchObject({
          code: 0,
          stderr: "",
        });
        expect(visit(400, "10.77.0.1:8080", "-H 'X-Forwarded-For: 127.0.0.1'")).toHaveProperty("429");
        expect(visit(90, "10.77.0.1:8080", second)).toEqual({ "200": 90 });
        expect(host.sh("tail -n 1 /var/log/nginx/edox-ops-demo.access.log").stdout).toStartWith("10.77.0.3 - ");
        // An untrusted peer counts by its own address, and a request that was not forwarded comes from the host itself.
        expect(visit(400, "10.77.0.1", `${second} -H 'X-Forwarded-For: 198.51.100.1'`)).toHaveProperty("429");
        expect(host.sh("grep -c '^198.51.100.1 ' /var/log/nginx/edox-ops-demo.access.log").stdout).toBe("0\n");
        expect(flood(400, "127.0.0.1")).toEqual({ "200": 400 });
      });
    });

    test("default site: --default answers unknown names, and --no-default closes such requests again", () => {
      expect(project("update demo --default")).toMatchObject({ code: 0, stderr: "" });
      expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stdout).toBe("home\n");
      expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"])).toMatchObject({ code: 0 });
      expect(project("update demo --no-default")).toMatchObject({ code: 0, stderr: "" });
      expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stderr).toContain("Empty reply from server");
    });

    test("TLS: with a certificate, a site is served over HTTPS in HTTP/2 and redirects to it; without one, --tls is rejected", () => {
      const refused = project("update demo --tls");
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining("there is no certificate for demo.test"),
      ]);
      const certify = (name: string): void => {
        host.sh(`mkdir -p /etc/letsencrypt/live/demo.test && cd /etc/letsencrypt/live/demo.test && openssl req -x509 -nodes \
          -newkey rsa:2048 -days 30 -subj /CN=demo.test -addext subjectAltName=DNS:${name} -keyout privkey.pem \
          -out fullchain.pem 2>/dev/null`);
      };
      certify("other.test");
      expect(project("update demo --tls").stderr).toContain("is for another name: other.test");
      const from = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
      const future = issue({ subject: "demo.test", names: "DNS:demo.test", from, to: "2049-01-01" });
      const live = `${host.root}/etc/letsencrypt/live/demo.test`;
      writeFileSync(`${live}/fullchain.pem`, future.certificate);
      writeFileSync(`${live}/privkey.pem`, future.key);
      const early = project("update demo --tls").stderr;
      expect(early).toContain(`is not valid before ${from} 00:00 UTC, and the clock of this host is at `);
      const day = /Universal time: \w+ (\S+) /.exec(typedHint(host, early))?.[1] ?? "";
      expect(early).toContain(`the clock of this host is at ${day} `);
      certify("demo.test");
      expect(project("update demo --tls")).toMatchObject({ code: 0, stderr: "" });
      const format = "%{http_code} %{http_version} %header{strict-transport-security} %{redirect_url}";
      const over = (scheme: string, port: number): string =>
        host.sh(`curl -skS -o /dev/null -w '${format}' --resolve demo.test:${port}:127.0.0.1 ${scheme}://demo.test/x`)
          .stdout;
      expect(over("http", 80)).toBe("308 1.1  https://demo.test/x");
      expect(over("https", 443)).toBe("404 2 max-age=86400 ");
      expect(get("/.well-known/acme-challenge/t1")).toBe("ours\n");
      expect(host.run(["curl", "-ksS", "https://127.0.0.1/"]).stderr).toMatch(/unrecognized name|alert|Empty reply/);
      expect(host.run(["nginx", "-t"]).stderr).not.toContain("warn");
      expect(host.run(["edox-ops", "project", "deploy", "demo", "--source", "/root"]).stderr).toContain(
        "is not published",
      );
      host.sh("chgrp -R www-data /var/www/docs/demo");
      expect(project("validate demo").stderr).toMatch(/^WARN: the certificate for demo\.test is self-signed.+\n$/);
      certify("demo.test");
      expect(project("validate demo").stderr).toContain("is newer than what nginx serves");
      expect(project("update demo --no-tls")).toMatchObject({ code: 0, stderr: "" });
    });

    test("TLS: two sites with aliases conform to Mozilla's intermediate profile, over IPv4 and IPv6, and nginx does not warn", () => {
      const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
      const dates = { from: day(-1), to: day(89) };
      const root = issue({ subject: "Root", ...dates, isAuthority: true });
      const rootPath = `${host.root}/srv/root.pem`;
      writeFileSync(rootPath, root.certificate);
      host.sh("mkdir -p /srv/secure; echo secure >/srv/secure/index.html");
      for (const name of ["one.test", "two.test"]) {
        const names = `DNS:${name},DNS:www.${name}`;
        const { certificate, key } = issue({ subject: name, names, ...dates, by: root });
        const live = `${host.root}/etc/letsencrypt/live/${name}`;
        mkdirSync(live, { recursive: true });
        writeFileSync(`${live}/fullchain.pem`, certificate);
        writeFileSync(`${live}/privkey.pem`, key);
        const slug = name.slice(0, 3);
        const publish = `publish ${slug} --domain ${name} --alias www.${name} --source /srv/secure`;
        expect(project(publish)).toMatchObject({ code: 0, stderr: "" });
        expect(project(`update ${slug} --tls --hsts`)).toMatchObject({ code: 0, stderr: "" });
        expect(project(`validate ${slug}`).code).toBe(0);
      }
      expect(host.run(["nginx", "-t"]).stderr).not.toContain("warn");
      for (const name of ["one.test", "www.two.test"]) {
        for (const address of ["127.0.0.1", "[::1]"]) {
          const to = `--resolve ${name}:443:${address} --resolve ${name}:80:${address}`;
          const form = "%{http_code} %{http_version} %{url_effective}";
          const asked = host.sh(`curl -sS --cacert /srv/root.pem -L ${to} -w '${form}' http://${name}/?q`);
          expect(asked).toEqual({ code: 0, stdout: `secure\n200 2 https://${name}/?q`, stderr: "" });
          const unknown = `--resolve other.test:443:${address} https://other.test/`;
          for (const target of [unknown, `https://${address}/`])
            expect([target, host.sh(`curl -gksS ${target}`).code]).toEqual([target, 35]);
        }
      }
      for (const name of ["one.test", "www.two.test"]) {
        const { verdict, curves, resumed, tickets } = scan(name, host.address, rootPath);
        expect([name, verdict]).toEqual([name, expect.stringContaining("OK - Compliant.")]);
        expect(curves.sort()).toEqual(["X25519", "secp256r1", "secp384r1"]);
        // A worker stores a session after it has sent the end of the handshake. If another worker gets the client's next
        // connection before that, the session is not found.
        expect(resumed).toBeGreaterThanOrEqual(3);
        expect(tickets).toBe(false);
      }
      // What a browser of today begins with. OpenSSL 3.0 does not know the group.
      const offered = "openssl s_client -connect 127.0.0.1:443 -servername one.test -brief -groups X25519MLKEM768";
      const { stdout, stderr } = host.sh(`${offered} </dev/null`);
      if (suite === "trixie") expect(stdout + stderr).toContain("Negotiated TLS1.3 group: X25519MLKEM768");
      for (const slug of ["one", "two"]) expect(project(`remove ${slug} --delete-files --yes`).code).toBe(0);
    });

    on(
      "bookworm",
      "nginx: a name of 253 characters is served, and a foreign setting that is too small is reported",
      () => {
        const name = `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61);
        host.sh("mkdir -p /srv/long; echo long >/srv/long/index.html");
        const publish = `publish long --domain ${name} --source /srv/long`;
        expect(project(publish)).toMatchObject({ code: 0, stderr: "" });
        expect(get("/", "", name)).toBe("long\n");
        host.sh("sed -i 's/^http {/&\\n server_names_hash_bucket_size 64;/' /etc/nginx/nginx.conf");
        expect(host.run(["nginx", "-t"]).stderr).toContain('"server_names_hash_bucket_size" directive is duplicate');
        expect(project("update long --branch next").stderr).toContain("is too long for nginx: /etc/nginx/nginx.conf:");
        host.sh("sed -i 's/server_names_hash_bucket_size 64/server_names_hash_bucket_size 272/' /etc/nginx/nginx.conf");
        expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
        expect(get("/", "", name)).toBe("long\n");
        host.sh("sed -i '/server_names_hash_bucket_size 272/d' /etc/nginx/nginx.conf");
        expect(project("remove long --delete-files --yes").code).toBe(0);
        expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
      },
    );

    on(
      "bookworm",
      "gzip: a file that was compressed before the original changed is not sent, and a current one is",
      () => {
        host.sh(
          "mkdir -p /srv/packed && cd /srv/packed && echo home >index.html && seq 999 >app.js && gzip -9k app.js",
        );
        const flags = "--rate-limit off --real-ip-from 192.0.2.7";
        expect(project(`publish packed --domain packed.test --source /srv/packed ${flags}`)).toMatchObject({
          code: 0,
          stderr: "",
        });
        expect(project("show packed").stdout).toEndWith('\nrate_limit: off\nreal_ip_from: ["192.0.2.7"]\n');
        const { size } = statSync(`${host.root}/srv/packed/app.js.gz`);
        const compressed = () =>
          get("/app.js", "-H 'Accept-Encoding: gzip' -o /tmp/body -w '%header{content-length}'", "packed.test");
        expect(compressed()).toBe(String(size));
        host.sh("cd /srv/packed && seq 1000 1999 >app.js && touch -d 2020-01-01 app.js");
        expect(project("deploy packed --source /srv/packed")).toMatchObject({
          code: 0,
          stderr: expect.stringContaining("content: 1 file: app.js.gz\n"),
        });
        expect(compressed()).toBe("");
        expect(host.sh("gzip -dc </tmp/body | cmp - /srv/packed/app.js")).toMatchObject({ code: 0 });
        expect(project("remove packed --delete-files --yes").code).toBe(0);
      },
    );

    on("bookworm", "deploy: a tree in a nested directory, and a name with dots and capital letters, are served", () => {
      const root = "/var/www/docs/Team/docs.example.org";
      expect(project(`add docs-example-org --domain Docs.Example.ORG --root-path ${root}`)).toMatchObject({
        code: 0,
        stderr: "",
      });
      host.sh("mkdir -p /srv/nested; echo nested >/srv/nested/index.html");
      for (const each of [
        "init docs-example-org",
        "deploy docs-example-org --source /srv/nested",
        "enable docs-example-org",
      ]) {
        expect(project(each)).toMatchObject({ code: 0, stderr: "" });
      }
      expect(get("/", "", "docs.example.org")).toBe("nested\n");
      host.sh("echo newer >/srv/nested/index.html");
      expect(project("deploy docs-example-org --source /srv/nested").code).toBe(0);
      expect(get("/", "", "docs.example.org")).toBe("newer\n");
      expect(project("validate docs-example-org")).toMatchObject({ code: 0 });
      expect(project("remove docs-example-org --delete-files --yes").code).toBe(0);
    });

    on("bookworm", "project add: eight in parallel are all registered", () => {
      const { stdout } =
        host.sh(`for i in 1 2 3 4 5 6 7 8; do edox-ops project add p$i --domain p$i.test --quiet & done; wait
        edox-ops project list | grep -c '^p[1-8]'`);
      expect(stdout.trim()).toBe("8");
    });

    on("bookworm", "deploy: a site of many files equals its source, whichever thread copied and compared them", () => {
      host.sh("mkdir /srv/large && cd /srv/large && seq 3000 | split -l 1 -a 4 --additional-suffix=.html - page-");
      host.sh("echo home >/srv/large/index.html");
      expect(project("publish large --domain large.test --source /srv/large --quiet")).toMatchObject({
        code: 0,
        stderr: "",
      });
      expect(host.sh("diff -r /srv/large /var/www/docs/large").stdout).toBe("");
      host.sh("echo moved >/srv/large/page-aaaa.html; touch /srv/large/*");
      expect(project("deploy large --source /srv/large").stdout).toContain("3001 files, 1 changed, 6 new bytes");
      expect(host.sh("diff -r /srv/large /var/www/docs/large").stdout).toBe("");
    });

    on(
      "bookworm",
      "restore: restore and rollback select the previous release, and a second run changes nothing",
      () => {
        host.sh(`for v in 1 2 3; do echo v$v >/srv/large/version.txt
        edox-ops project deploy large --source /srv/large --quiet; done`);
        const live = () => get("/version.txt", "", "large.test");
        expect(project("rollback large --yes").stdout).toContain("\nRestored project large from /var/www/docs/");
        expect(live()).toBe("v2\n");
        for (const line of ["restore large --yes", "rollback large --yes"]) {
          const { code, stdout } = project(line);
          expect([code, stdout]).toEqual([
            0,
            expect.stringContaining("Nothing to restore: large is already as it is in "),
          ]);
          expect(live()).toBe("v2\n");
        }
        const { stdout } = project("backups list large");
        expect(stdout).toMatch(
          /\n(\S+)\t.*\nLeft by a restore: \1\nLive release: restored from \d{8}T\d{6}Z\nNewest backup: \1\n$/,
        );
      },
    );

    on(
      "bookworm",
      "previews: both modes serve the tree by the rules of the site, without an index, and the timer removes it",
      () => {
        const dir = "/var/www/docs/.edox-ops-previews/shown";
        const asked = (name: string, path: string): string => {
          const format = "%{http_code} %header{location} %header{x-robots-tag} %header{cache-control}";
          const head = get(path, `-o /tmp/body -w '${format}'`, name).trim();
          return `${head} ${host.sh("grep -v '<' /tmp/body | head -1").stdout.trim()}`.replace(/ +/g, " ").trim();
        };
        host.sh(`mkdir -p /srv/shown/guide /srv/shown/assets && cd /srv/shown && echo live >index.html && echo gone >404.html &&
          echo guide >guide/index.html && echo one >guide/one.html && echo s >assets/app.4f283b18.js`);
        expect(project("publish shown /srv/shown --domain shown.test")).toMatchObject({ code: 0, stderr: "" });
        host.sh(
          "cd /srv/shown && echo new >index.html && echo missing >404.html && echo x >.env && echo x >a.bak && rm assets/*",
        );
        const ok = "200 noindex private, no-cache";
        for (const [mode, name, prefix] of [
          ["path", "shown.test", "/-/fix-7"],
          ["host", "fix-7.preview.shown.test", ""],
        ] as const) {
          expect(project(`update shown --previews ${mode}`)).toMatchObject({ code: 0, stderr: "" });
          expect(project("deploy shown /srv/shown --preview fix-7 --include .env")).toMatchObject({ code: 0 });
          const wanted: Record<string, string> = {
            "/": `${ok} new`,
            "/guide": `301 ${prefix}/guide/ noindex private, no-cache`,
            "/guide/": `${ok} guide`,
            "/guide/one": `${ok} one`,
            "/guide/one/": `301 ${prefix}/guide/one noindex private, no-cache`,
            "/none": "404 noindex missing",
            "/none/": "404 noindex missing",
            "/.env": "403 noindex",
            "/a.bak": "404 noindex missing",
            "/404.html": `${ok} missing`,
            // The live site keeps the file of an earlier release.
            "/assets/app.4f283b18.js": "404 noindex missing",
          };
          const answers = Object.keys(wanted).map((path) => [path, asked(name, `${prefix}${path}`)]);
          expect([mode, Object.fromEntries(answers)]).toEqual([mode, wanted]);
          host.sh(`mv ${dir}/-/fix-7/404.html /root/`);
          expect(asked(name, `${prefix}/none`)).toBe("404 noindex");
          host.sh(`mv /root/404.html ${dir}/-/fix-7/`);
          const live = ["/", "/none", "/assets/app.4f283b18.js"].map((path) => asked("shown.test", path));
          const revalidated = "200 public, max-age=0, must-revalidate";
          expect(live).toEqual([`${revalidated} live`, "404 gone", "200 public, max-age=31536000, immutable s"]);
          expect(project("update shown --password previews")).toMatchObject({ code: 0, stderr: "" });
          const closed = ["/", "/guide/", "/none"].map((path) => asked(name, `${prefix}${path}`).slice(0, 3));
          expect([mode, closed, asked("shown.test", "/").slice(0, 3)]).toEqual([mode, Array(3).fill("401"), "200"]);
          expect(project("update shown --password none --yes")).toMatchObject({ code: 0, stderr: "" });
        }
        expect(asked("FIX-7.preview.shown.test", "/")).toBe(`${ok} new`);
        expect(asked("none.preview.shown.test", "/")).toBe("404 noindex");
        expect(host.sh("systemctl is-active edox-ops-previews.timer").stdout).toBe("active\n");
        host.sh(`sed -i 's/"expires": "[^"]*"/"expires": "2026-01-01T00:00:00Z"/' ${dir}/fix-7.json`);
        expect(
          host.sh("systemctl start edox-ops-previews.service && systemctl is-failed edox-ops-previews.service"),
        ).toMatchObject({
          code: 1,
        });
        expect(asked("fix-7.preview.shown.test", "/")).toBe("404 noindex");
        expect(host.sh(`ls ${dir} /etc/systemd/system/edox-ops-previews.*`).code).toBe(2);
        expect(host.sh("systemctl list-units --all 'edox-ops-previews*' --no-legend").stdout).toBe("");
        expect(project("remove shown --delete-files --yes").code).toBe(0);
      },
    );

    on("bookworm", "doctor: sites that hang do not affect the others, because all are requested in parallel", () => {
      host.sh("mkdir /srv/hangs; echo home >/srv/hangs/index.html");
      host.sh("systemd-run --quiet --unit=silent systemd-socket-activate -a -l 127.0.0.1:9 sleep 60");
      for (const slug of ["a1", "a2", "a3"]) {
        const made = host.sh(`edox-ops project publish ${slug} --domain ${slug}.test --source /srv/hangs
          sed -i '0,/server_name .*;/s||& location = / { proxy_pass http://127.0.0.1:9; }|' /etc/nginx/sites-available/edox-ops-${slug}`);
        expect(made).toMatchObject({ code: 0, stderr: "" });
      }
      expect(host.sh("systemctl reload nginx; sleep 0.3").code).toBe(0);
      const { stdout } = host.run(["edox-ops", "doctor"]);
      for (const slug of ["a1", "a2", "a3"])
        expect(stdout).toContain(`http://${slug}.test/ does not answer on this host`);
      expect(stdout).not.toContain("http://large.test/");
      host.sh("for i in 1 2 3; do edox-ops project remove a$i --delete-files --yes; done; systemctl stop silent");
    });

    on(
      "bookworm",
      "publish: a broken foreign file, found early or late, leaves record, site and tree unchanged",
      () => {
        const sums =
          "find /etc/edox-ops /etc/nginx /var/www/docs -not -path '*/docs/.edox-ops-backups/pub/.*' -type f -exec sha256sum {} + | sort -k2";
        const publish = (slug: string, domain: string) =>
          project(`publish ${slug} --domain ${domain} --source /srv/pub`);
        host.sh("mkdir -p /srv/pub && echo first >/srv/pub/index.html");
        expect(publish("pub", "pub.test")).toMatchObject({ code: 0, stderr: "" });
        host.sh("echo second >/srv/pub/index.html");
        for (const [text, said] of [
          ["bogus;", 'nginx refuses its configuration: unknown directive "bogus"'],
          [
            'server { listen 80; listen [::]:80; server_name moved.test; return 200 "theirs"; }',
            "/etc/nginx/conf.d/a.conf:1 has the name moved.test too",
          ],
          // nginx prefers a socket with an address, for every requested name.
          [
            'server { listen 127.0.0.1:80; server_name theirs.test; return 200 "theirs"; }',
            "; the previous files were restored; the previous site was restored",
          ],
        ] as const) {
          host.sh(
            `echo '${text}' >/etc/nginx/conf.d/a.conf; nginx -t 2>/dev/null && systemctl reload nginx && sleep 0.3`,
          );
          const before = host.sh(sums).stdout;
          for (const slug of ["pub", "fresh"]) {
            const { code, stderr } = publish(slug, "moved.test");
            expect([code, stderr]).toEqual([1, expect.stringContaining(said)]);
            expect(host.sh(sums).stdout).toBe(before);
            // Workers with the rejected configuration answer for a moment after they were asked to quit.
            const retry = "--retry 3 --retry-all-errors --retry-delay 1";
            expect(host.sh(`curl -gsS ${retry} -H 'Host: pub.test' 'http://[::1]/'`).stdout).toBe("first\n");
          }
        }
        expect(host.sh("rm /etc/nginx/conf.d/a.conf; systemctl reload nginx; sleep 0.3").code).toBe(0);
        expect(publish("pub", "moved.test")).toMatchObject({ code: 0, stderr: "" });
        expect(get("/", "", "moved.test")).toBe("second\n");
        expect(project("remove pub --delete-files --yes").code).toBe(0);
      },
    );

    groupOn("trixie", "hint, typed as printed:", () => {
      const tree = "/var/www/docs/hinted";
      const site = "/etc/nginx/sites-available/edox-ops-hinted";
      /** A state, the doctor check that names it, and the output that shows its cause for a hint that only reads. */
      const rows: [name: string, spoil: string, finding?: string | undefined, shows?: string][] = [
        ["a missing live tree is restored", `rm -r ${tree}`],
        ["a live tree without a backup is deployed", `rm -r ${tree} /var/www/docs/.edox-ops-backups/hinted`],
        ["a stopped nginx is started", "systemctl stop nginx", "nginx:active"],
        [
          "a site that is not enabled is enabled",
          "rm /etc/nginx/sites-enabled/edox-ops-hinted; systemctl reload nginx",
        ],
        ["a site that nginx rejects is written again", `echo 'bogus;' >>${site}`, "nginx:config"],
        [
          "a file of edox-ops that nginx rejects is written again",
          "echo 'bogus;' >>/etc/nginx/conf.d/edox-ops-default.conf",
          "nginx:config",
        ],
        [
          "state that another user can write becomes root's",
          "chown 33:33 /etc/edox-ops/projects.json",
          "state:permissions",
        ],
        ["an orphan is removed", `ln -s ${site} /etc/nginx/sites-enabled/edox-ops-gone`, "nginx:orphan"],
        [
          "the line of a foreign file that nginx refuses is shown",
          "printf '# theirs\nbogus;\n' >/etc/nginx/conf.d/theirs.conf",
          "nginx:config",
          "bogus;\n",
        ],
        ["why nginx cannot read a page is shown", `chmod 0600 ${tree}/index.html`, undefined, "Permission denied"],
      ];
      for (const [name, spoil, finding = "project:hinted", shows] of rows) {
        test(name, () => {
          host.sh(`mkdir -p /srv/hinted; echo one >/srv/hinted/index.html
            edox-ops project publish hinted --domain hinted.test --source /srv/hinted
            echo two >/srv/hinted/index.html; edox-ops project deploy hinted --source /srv/hinted`);
          const first = (): string | undefined => {
            const line = new RegExp(`^\\[FAIL\\] ${finding}: .*\\(run: (.*)\\)$`, "m");
            return line.exec(host.run(["edox-ops", "doctor"]).stdout)?.[1];
          };
          expect([name, first()]).toEqual([name, undefined]);
          expect(host.sh(spoil).code).toBe(0);
          const hints: string[] = [];
          for (let hint = first(); hint !== undefined && hints.length < 3; hint = first()) {
            hints.push(hint);
            const { code, stdout } = host.sh(hint.replace("DIRECTORY", "/srv/hinted"));
            if (shows !== undefined) expect([hint, stdout]).toEqual([hint, expect.stringContaining(shows)]);
            else expect([hint, code]).toEqual([hint, 0]);
            if (shows !== undefined) break;
          }
          expect([name, hints.length > 0]).toEqual([name, true]);
          host.sh(`rm -f /etc/nginx/conf.d/theirs.conf; chmod 0644 ${tree}/index.html`);
          expect([name, hints, first()]).toEqual([name, hints, undefined]);
        });
      }
      afterAll(() => host.sh("edox-ops project remove hinted --delete-files --yes; rm -r /srv/hinted"));
    });

    describe("hint for a certificate, typed as printed:", () => {
      let authority: Pebble;
      beforeAll(() => {
        authority = startPebble(host, ["off.test", "on.test"]);
        host.sh("mkdir -p /srv/certified; echo certified >/srv/certified/index.html");
        // apt asks before it installs, and takes three times as long with the recommended packages.
        const answers = 'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n';
        writeFileSync(`${host.root}/etc/apt/apt.conf.d/91answers`, answers);
      });
      afterAll(() => {
        host.sh("for i in off on; do edox-ops project remove $i --delete-files --yes; done");
        host.sh("systemctl stop pebble-14000; rm -r /srv/certified /etc/apt/apt.conf.d/91answers");
      });

      const served = (domain: string): string => host.sh(`curl -sS https://${domain}/`).stdout;

      /** Replaces certbot's certificate by an earlier one of the same authority and key. */
      const outdate = (domain: string, fromDay: number, toDay: number): void => {
        const live = `/etc/letsencrypt/live/${domain}`;
        const pathOf = (name: string) => `${host.root}${host.sh(`readlink -f ${live}/${name}.pem`).stdout.trim()}`;
        const date = (day: number) => new Date(Date.now() + day * 86_400_000).toISOString().slice(0, 10);
        const [from, to] = [date(fromDay), date(toDay)];
        const { intermediate: by } = authority;
        const key = readFileSync(pathOf("privkey"), "utf8");
        const { certificate } = issue({ subject: domain, names: `DNS:${domain}`, from, to, by, key });
        writeFileSync(pathOf("cert"), certificate);
        writeFileSync(pathOf("fullchain"), certificate + by.certificate);
        host.sh("systemctl reload nginx; sleep 0.3");
      };

      on(
        "trixie",
        "for a site that is not enabled, certbot is installed, and nginx answers for it, also at each renewal",
        async () => {
          const prepare = `edox-ops project add off --domain off.test --tls && edox-ops project init off &&
          edox-ops project deploy off --source /srv/certified && systemctl stop nginx`;
          expect(host.sh(prepare)).toMatchObject({ code: 0, stderr: "" });
          expect(await hintsUntilFine(host, "edox-ops project enable off")).toEqual([
            "edox-ops project certs issue off --yes",
          ]);
          expect(served("off.test")).toBe("certified\n");
          // At any time of the day between 4.0 and 5.0 of 100 days.
          outdate("off.test", -95, 5);
          expect(project("validate off").stderr).toContain(": 4 % of its lifetime is left, so its renewal is overdue ");
          expect(await hintsUntilFine(host, "edox-ops project validate off")).toEqual(["edox-ops certs renew --yes"]);
          expect(served("off.test")).toBe("certified\n");
        },
      );

      on(
        "bookworm",
        "for an enabled site, nginx answers and stays active, also when the certificate has expired",
        async () => {
          expect(project("publish on --domain on.test --source /srv/certified")).toMatchObject({ code: 0, stderr: "" });
          const invocation = () => host.run(["systemctl", "show", "--property=InvocationID", "nginx"]).stdout;
          const before = invocation();
          expect(await hintsUntilFine(host, "edox-ops project update on --tls")).toEqual([
            "edox-ops project certs issue on --yes",
          ]);
          expect(served("on.test")).toBe("certified\n");
          expect(project("validate on")).toMatchObject({ code: 0, stderr: "" });
          outdate("on.test", -90, -1);
          expect(await hintsUntilFine(host, "edox-ops project validate on")).toEqual(["edox-ops certs renew --yes"]);
          expect([served("on.test"), invocation()]).toEqual(["certified\n", before]);
        },
      );
    });

    on(
      "trixie",
      "password: a site asks for it, except for ACME challenges, and no shared cache keeps a page",
      async () => {
        const canary = "Ünïcode canary: 1 # 2";
        const [path, vhost] = ["/etc/nginx/edox-ops-password-demo", "/etc/nginx/sites-available/edox-ops-demo"];
        host.sh(`printf '%s\\n' '${canary}' >/root/password; mkdir -p /srv/next; echo next >/srv/next/index.html`);
        const before = host.sh(`cat ${vhost}`).stdout;
        const set = project("update demo --password site --password-file /root/password --diff --verbose");
        expect(set.code).toBe(0);
        const log = host.sh("cat /var/log/edox-ops/*.log").stdout;
        expect(/canary|\$2b\$/.exec(`${set.stdout}${set.stderr}${log}`)).toBeNull();
        expect(host.sh(`stat -c '%a %U:%G' ${path}`).stdout).toBe("640 root:www-data\n");
        const signedIn = `-u 'reader:${canary}'`;
        expect([status("/"), status("/nothing"), status("/assets/app.4f283b18.js"), status("/guide")]).toEqual(
          Array(4).fill("401"),
        );
        for (const wrong of ["reader:", "reader:canary", `other:${canary}`])
          expect(status("/", `-u '${wrong}'`)).toBe("401");
        expect(get("/", signedIn)).toBe("home\n");
        expect(status("/nothing", signedIn)).toBe("404");
        expect(status("/.env", signedIn)).toBe("403");
        expect(get("/guide", `${signedIn} -o /dev/null -w '%{http_code} %header{location}'`)).toBe("301 /guide/");
        const cache = (of: string): string => get(of, `${signedIn} -o /dev/null -w '%header{cache-control}'`);
        expect([cache("/"), cache("/guide/"), cache("/assets/app.4f283b18.js")]).toEqual([
          "private, max-age=0, must-revalidate",
          "private, max-age=0, must-revalidate",
          "private, max-age=31536000, immutable",
        ]);
        const challenge = "/.well-known/acme-challenge/t1";
        expect([get(challenge), status(`${challenge}2`)]).toEqual(["ours\n", "401"]);
        expect(project("validate demo").stderr).toContain("sent unencrypted over HTTP");
        expect(project("deploy demo --source /srv/next")).toMatchObject({ code: 0 });
        expect([status("/"), get("/", signedIn)]).toEqual(["401", "next\n"]);
        // Another program on this host, such as a reverse proxy, needs the password as well.
        expect(status("/", "-H 'X-Forwarded-For: 198.51.100.1'")).toBe("401");
        host.sh(`sed -i '/auth_basic/d' ${vhost}; systemctl reload nginx; sleep 0.3`);
        host.sh("echo opened >/srv/next/index.html");
        const open = project("deploy demo --source /srv/next");
        expect([open.code, open.stderr]).toEqual([1, expect.stringContaining("without asking for its password")]);
        expect(get("/")).toBe("next\n");
        host.sh(`rm ${path}`);
        expect(await hintsUntilFine(host, "edox-ops project enable demo")).toEqual([
          "edox-ops project update demo --password site --new-password",
        ]);
        expect([status("/"), status("/", signedIn)]).toEqual(["401", "401"]);
        expect(project("update demo --password none --yes")).toMatchObject({ code: 0, stderr: "" });
        expect([get("/"), host.sh(`ls ${path}`).code]).toEqual(["next\n", 2]);
        expect(host.sh(`cat ${vhost}`).stdout).toBe(before);
        expect(project("rollback demo --yes").code).toBe(0);
      },
    );

    on("trixie", "previews: a wildcard certificate serves each of them over HTTPS, until there is none", () => {
      const lineage = "preview.demo.test";
      const text = renewalTextOf({ name: lineage, names: ["*.preview.demo.test"], authenticator: "dns-rfc2136" });
      const [live, archive] = ["live", "archive"].map((dir) => `/etc/letsencrypt/${dir}/${lineage}`);
      host.sh(`mkdir -p /etc/letsencrypt/renewal ${live} ${archive} /srv/seen; echo seen >/srv/seen/index.html`);
      writeFileSync(`${host.root}/etc/letsencrypt/renewal/${lineage}.conf`, text);
      const certify = `cd ${archive} && openssl req -x509 -nodes -newkey rsa:2048 -days 90 -subj /CN=any \
        -addext 'subjectAltName=DNS:*.preview.demo.test' -keyout privkey1.pem -out cert1.pem 2>/dev/null &&
        cp cert1.pem fullchain1.pem && : >chain1.pem &&
        for each in cert chain fullchain privkey; do ln -sf ../../archive/${lineage}/"$each"1.pem ${live}/$each.pem; done`;
      expect(host.sh(certify).code).toBe(0);
      expect(project("update demo --previews host").stdout).toContain(
        `over HTTPS, with the wildcard certificate ${lineage}.`,
      );
      const deployed = project("deploy demo /srv/seen --preview fix-7");
      expect([deployed.code, deployed.stderr]).toEqual([0, expect.not.stringContaining("plain HTTP")]);
      expect(deployed.stdout).toContain("https://fix-7.preview.demo.test/");
      const name = "fix-7.preview.demo.test";
      const format = "%{http_code} %{redirect_url}%header{strict-transport-security}%header{x-robots-tag}";
      const over = (scheme: string, port: number, flags = ""): string =>
        host.sh(
          `curl -skS -o /tmp/body -w '${format}' ${flags} --resolve ${name}:${port}:127.0.0.1 ${scheme}://${name}/ && cat /tmp/body`,
        ).stdout;
      expect(over("http", 80)).toStartWith(`308 https://${name}/`);
      expect(over("https", 443)).toBe("200 noindexseen\n");
      expect(host.run(["nginx", "-t"]).stderr).not.toContain("warn");
      // The site itself still has no certificate.
      expect(get("/")).toBe("home\n");
      const line = (check: string): string =>
        host
          .sh("edox-ops doctor --all")
          .stdout.split("\n")
          .find((each) => each.includes(` ${check}: `)) ?? "";
      expect(line("certs:previews")).toBe(`[OK] certs:previews: demo over HTTPS with ${lineage}`);
      expect(line("certs:served")).toStartWith("[OK]");
      expect(line("certs:lineages")).not.toContain(lineage);
      expect(project("update demo --password previews --password-file /root/password").code).toBe(0);
      expect(project("deploy demo /srv/seen --preview fix-7").code).toBe(0);
      expect([over("https", 443).slice(0, 3), get("/")]).toEqual(["401", "home\n"]);
      expect(over("https", 443, "-u 'reader:Ünïcode canary: 1 # 2'")).toBe("200 noindexseen\n");
      host.sh(`rm -r ${live} ${archive} /etc/letsencrypt/renewal/${lineage}.conf`);
      const fallen = project("deploy demo /srv/seen --preview fix-7");
      expect([fallen.code, fallen.stderr]).toEqual([
        0,
        expect.stringContaining("served over plain HTTP: no certificate"),
      ]);
      expect(over("http", 80, "-u 'reader:Ünïcode canary: 1 # 2'")).toBe("200 noindexseen\n");
      expect(project("previews remove demo fix-7 --yes").code).toBe(0);
      expect(project("update demo --previews off --password none --yes").code).toBe(0);
    });

    on(
      "bookworm",
      "versions: nginx serves trees, aliases and redirects without a reload, and no request fails while an alias moves",
      () => {
        expect(host.sh(versionedSite)).toMatchObject({ code: 0, stderr: expect.not.stringContaining("error") });
        expect(versionAnswers(host)).toEqual(versionRequests);
        const workers = () => host.sh("pgrep -P $(cat /run/nginx.pid) | xargs").stdout;
        expect(project("update versioned --no-noindex-old-versions").code).toBe(0);
        host.sh("sleep 0.5");
        const before = workers();
        const moves = `for i in $(seq 5); do for v in 1.4 1.5; do edox-ops project versions alias versioned latest $v -q; done; done`;
        const asks = `while kill -0 $! 2>/dev/null; do
        curl -sS -o /dev/null -w '%{http_code}\n' --resolve versioned.test:80:127.0.0.1 "http://versioned.test/latest/page?[1-20]"; done`;
        const { stdout } = host.sh(`(${moves}) & ${asks} | sort | uniq -c`);
        expect(stdout).toMatch(/^ *\d{2,} 200\n$/);
        expect(workers()).toBe(before);
        expect(project("versions remove versioned latest --yes").stderr).toContain("choose another one first");
        expect(project("versions default versioned 1.5").code).toBe(0);
        expect(project("versions remove versioned 1.4 --yes").code).toBe(0);
        expect(get("/1.4/page", "-o /dev/null -w '%{http_code}'", "versioned.test")).toBe("404");
        expect(project("validate versioned")).toMatchObject({ code: 0 });
        expect(project("remove versioned --delete-files --yes")).toMatchObject({ code: 0 });
        expect(host.sh("find /var/www/docs -name '*1.5*'").stdout).toBe("");
      },
    );

    on(
      "trixie",
      "disable: a site can be disabled while a foreign file is broken, and goes offline when that is fixed",
      () => {
        host.sh("echo nonsense >/etc/nginx/sites-enabled/theirs");
        const { code, stdout } = project("disable demo");
        expect(code).toBe(0);
        expect(stdout).toContain("warning: nginx keeps its loaded configuration");
        expect(get("/")).toBe("home\n");
        host.sh("rm /etc/nginx/sites-enabled/theirs; systemctl reload nginx; sleep 0.3");
        expect(host.sh("curl -sS --resolve demo.test:80:127.0.0.1 http://demo.test/").stderr).toContain("Empty reply");
        expect(project("remove demo").code).toBe(0);
        host.sh("mkdir -p /srv/site; echo two >/srv/site/index.html");
        expect(project("publish demo --domain demo.test --source /srv/site").code).toBe(0);
        expect(project("remove demo --delete-files").code).toBe(2);
        const deleting = "edox-ops project remove demo --delete-files --yes";
        const held = host.sh(`flock /run/edox-ops/project-demo.lock ${deleting}; echo $?`);
        expect([held.stdout, held.stderr]).toEqual(["75\n", expect.stringContaining(`hint: ${deleting}\n`)]);
        expect(project("list").stdout).toContain("demo\t");
        host.sh(
          "mkdir -p /var/www/docs/demo/a/b /srv/theirs; echo precious >/srv/theirs/file; mount --bind /srv/theirs /var/www/docs/demo/a/b",
        );
        const mounted = host.sh(`${deleting} || cat /srv/theirs/file`);
        expect([mounted.stdout, mounted.stderr]).toEqual([
          "precious\n",
          "error: /var/www/docs/demo/a/b is a mount point: nothing was deleted\nhint: umount /var/www/docs/demo/a/b\n",
        ]);
        expect(get("/")).toBe("two\n");
        host.sh("umount /var/www/docs/demo/a/b");
        const { code: gone, stdout: document } = host.sh(`${deleting} --json`);
        expect([gone, JSON.parse(document)]).toMatchObject([
          0,
          { trees: [{ path: "/var/www/docs/demo", files: 1 }, {}, {}] },
        ]);
        expect(host.sh("ls -A /var/www/docs /var/www/docs/.edox-ops-backups").stdout).not.toContain("demo");
        expect(host.sh("ls /srv/site/index.html /etc/nginx/sites-available").stdout).not.toContain("edox-ops-demo");
      },
    );
  });
}
