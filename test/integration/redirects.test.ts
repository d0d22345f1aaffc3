// The rules of sites on a real host: nginx answers each documented case, a deploy loads rules before its tree is live, and
// a failure or a kill leaves both consistent.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { headerCase, ruleCases } from "../sites/rule-cases.ts";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { serveCombinations, wrongAnswers } from "./combinations.ts";
import { attention } from "./findings.ts";
import { testsOn } from "./rounds.ts";
import type { TestHost } from "./test-host.ts";

for (const suite of suites) {
  describe(`rules on ${suite}`, () => {
    const on = testsOn(suite);
    let host: TestHost;
    beforeAll(async () => {
      host = await bootstrapped(suite);
      source({ "index.html": "home" });
      expect(host.sh(publish)).toMatchObject({ code: 0 });
    });
    afterAll(() => host?.down());

    /** Replaces the source. */
    function source(files: Record<string, string>): void {
      rmSync(`${host.root}/srv/site`, { recursive: true, force: true });
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(`${host.root}/srv/site/${path}`), { recursive: true });
        writeFileSync(`${host.root}/srv/site/${path}`, text);
      }
    }

    const publish = "edox-ops project publish demo --domain demo.test --source /srv/site --quiet";
    const deploy = "edox-ops project deploy demo --source /srv/site --quiet";

    /** Returns the answers to requests, in the form of the cases: "301 /new", "200 text", or "404" for nginx's own page. */
    function answersTo(requests: readonly string[], name = "demo.test"): string[] {
      const quoted = (request: string): string => `'${request.replaceAll("'", "'\\''")}'`;
      const curl = "curl -q -sS -g --path-as-is -i --resolve NAME:80:127.0.0.1 http://NAME --request-target".replaceAll(
        "NAME",
        name,
      );
      const { stdout } = host.sh(requests.map((each) => `${curl} ${quoted(each)}; printf '\\0'`).join("\n"));
      return stdout
        .split("\0")
        .slice(0, -1)
        .map((answer) => {
          const [head = "", ...body] = answer.split("\r\n\r\n");
          const status = /^HTTP\/\S+ (\d{3})/.exec(head)?.[1] ?? "";
          const location = /^location: (.*?)\r?$/im.exec(head)?.[1];
          if (location !== undefined) return `${status} ${location}`;
          return body.join("").startsWith("<html>") ? status : `${status} ${body.join("")}`;
        });
    }

    for (const { title, redirects, files, answers } of ruleCases) {
      on("bookworm", `redirects: ${title}`, () => {
        source({ ...files, _redirects: redirects });
        const { code, stderr } = host.sh(publish);
        expect([code, stderr.replace(/^warning: _redirects:\d+: never applies.*\n/gm, "")]).toEqual([
          0,
          expect.not.stringContaining("error"),
        ]);
        expect(answersTo(answers.map(([request]) => request))).toEqual(answers.map(([, answer]) => answer));
      });
    }

    on("trixie", "headers: those of _headers take the place of ours, and no other header changes", () => {
      source({ ...headerCase.files, _headers: headerCase.headers });
      expect(host.sh(deploy)).toMatchObject({ code: 0, stderr: "" });
      for (const { request, sent, absent } of headerCase.answers) {
        const { stdout } = host.sh(`curl -sSI --resolve demo.test:80:127.0.0.1 http://demo.test${request}`);
        for (const line of sent) expect([request, stdout]).toEqual([request, expect.stringContaining(`${line}\r\n`)]);
        for (const name of absent)
          expect([request, stdout.toLowerCase()]).not.toEqual([request, expect.stringContaining(`${name}:`)]);
      }
    });

    on("trixie", "rules: a protected site asks for its password before any rule answers", () => {
      source({ "index.html": "home", _redirects: "/a /x\n/b /y 302!\n/ /z 302!\n" });
      expect(host.sh(`${deploy} && edox-ops project update demo --password site`)).toMatchObject({ code: 0 });
      expect(answersTo(["/a", "/b", "/", "/c"])).toEqual(["401", "401", "401", "401"]);
      expect(host.sh(`${deploy} && edox-ops project update demo --password none`)).toMatchObject({ code: 0 });
      expect(answersTo(["/a", "/b", "/", "/c"])).toEqual(["301 /x", "302 /y", "302 /z", "404"]);
      expect(host.sh("edox-ops project validate demo")).toMatchObject({ code: 0 });
    });

    on("trixie", "rules: 10,000 are checked, probed and loaded by a deploy, and doctor has no complaint", () => {
      const lines = Array.from({ length: 10_000 }, (_, i) => `/docs/v${i % 7}/page-${i} /guide/page-${i}\n`);
      source({ "index.html": "home", _redirects: lines.join("") });
      const { code, stdout } = host.sh(`${deploy.replace("--quiet", "--json")}`);
      expect([code, JSON.parse(stdout).deploy.rules]).toEqual([0, { redirects: 10_000, headers: 0 }]);
      expect(answersTo(["/docs/v1/page-1", "/docs/v3/page-9999"])).toEqual([
        "301 /guide/page-1",
        "301 /guide/page-9999",
      ]);
      expect(attention(host)).toEqual(["backup:repo"]);
      expect(host.sh("pgrep -f '[r]ules-demo'; ls /run/edox-ops").stdout).not.toContain("rules");
    });

    on("trixie", "rules: a deploy that is killed at any moment leaves tree and rules that the next one mends", () => {
      const [one, two] = ["/a /one\n", "/a /two\n"];
      const text = (rules: string, extra: object = {}) => source({ "index.html": "home", ...extra, _redirects: rules });
      text(one);
      expect(host.sh(deploy)).toMatchObject({ code: 0 });
      for (const [i, delay] of [0.1, 0.2, 0.3, 0.4, 0.5, 0.6].entries()) {
        text(i % 2 === 0 ? two : one, { "new.html": `${i}` });
        host.sh(`timeout -s KILL ${delay} ${deploy}`);
        expect(host.sh("nginx -t -q")).toMatchObject({ code: 0 });
        expect(host.sh("sleep 0.2; pgrep -f '[r]ules-demo'").stdout).toBe("");
        expect(host.sh(deploy)).toMatchObject({ code: 0 });
        expect(answersTo(["/a"])).toEqual([i % 2 === 0 ? "301 /two" : "301 /one"]);
        expect(host.sh("edox-ops project validate demo")).toMatchObject({ code: 0 });
      }
    });

    on("trixie", "rules: those of the site redirect what a removed version had and another one lacks", () => {
      source({ "index.html": "home", _redirects: "/1.2/* /1.4/:splat\n/1.4/old /1.4/new\n/1.4/here /elsewhere\n" });
      expect(host.sh(deploy)).toMatchObject({ code: 0 });
      source({ "index.html": "1.4", "new.html": "new", "here.html": "here" });
      for (const name of ["1.4", "1.2"]) expect(host.sh(`${deploy} --as ${name}`)).toMatchObject({ code: 0 });
      expect(host.sh("edox-ops project versions remove demo 1.2 --yes")).toMatchObject({ code: 0 });
      expect(answersTo(["/1.2/new", "/1.4/old", "/1.4/here"])).toEqual(["301 /1.4/new", "301 /1.4/new", "200 here"]);
      expect(host.sh("edox-ops project versions remove demo 1.4 --yes")).toMatchObject({ code: 0 });
    });

    on("trixie", "rules: no request is lost while a deploy moves a page and redirects its old address", () => {
      source({ "index.html": "home", "old.html": "old" });
      expect(host.sh(deploy)).toMatchObject({ code: 0 });
      source({ "index.html": "home", "new.html": "new", _redirects: "/old /new\n" });
      const ask = "curl -s -o /dev/null -w '%{http_code}\\n' --resolve demo.test:80:127.0.0.1 http://demo.test/old";
      const { stdout, code } =
        host.sh(`(while [ ! -e /srv/done ]; do ${ask}; done) >/srv/codes & ${deploy}; code=$?; touch /srv/done; wait; rm /srv/done
        sort /srv/codes | uniq -c | awk '{print $2}'; exit $code`);
      expect([code, stdout]).toEqual([0, "200\n301\n"]);
    });

    on("trixie", "rules: the files of a version and of a preview are not served, and have no effect", () => {
      source({ "index.html": "home", _redirects: "/old /\n" });
      expect(host.sh(deploy)).toMatchObject({ code: 0 });
      source({ "index.html": "other", _redirects: "/old /new\n", _headers: "/*\n  X-A: b\n" });
      for (const to of ["--as 1.4 --alias latest --default", "--preview fix-7"]) {
        expect(host.sh(`${deploy} ${to}`)).toMatchObject({
          code: 0,
          stderr: expect.stringContaining("no effect here"),
        });
      }
      const files = ["/_redirects", "/_headers"];
      const below = ["", "/1.4", "/latest", "/-/fix-7"].flatMap((dir) => files.map((file) => `${dir}${file}`));
      const asked = [...below, ...below.map((path) => `${path}/`), "/1.4/%5fredirects", "/1.4//_headers"];
      expect(answersTo(asked)).toEqual(asked.map(() => "404"));
      expect(answersTo(["/old", "/1.4/old", "/-/fix-7/old", "/latest/", "/-/fix-7/"])).toEqual([
        ...["301 /", "404", "404", "200 other", "200 other"],
      ]);
      expect(host.sh("edox-ops project update demo --previews host --yes")).toMatchObject({ code: 0 });
      const own = answersTo([...files, "/old", "/"], "fix-7.preview.demo.test");
      expect(own).toEqual(["404", "404", "404", "200 other"]);
      const versions = ["/1.4/a?b=c", "/latest/", "/1.4", "/1.5/", "/versions.json"];
      expect(answersTo(versions, "fix-7.preview.demo.test")).toEqual([
        ...["302 http://demo.test/1.4/a?b=c", "302 http://demo.test/latest/", "302 http://demo.test/1.4", "404"],
        answersTo(["/versions.json"])[0] as string,
      ]);
      expect(host.sh("edox-ops project validate demo")).toMatchObject({ code: 0 });
    });

    on(
      "bookworm",
      "rules: nginx starts without a warning with 200 sites that have some, and with the longest slug",
      () => {
        source({
          "index.html": "home",
          _redirects: "/old /\n/a/* /b/:splat\n/c /d 301!\n",
          _headers: "/*\n  X-A: b\n",
        });
        const slug = `${"a-".repeat(31)}aa`;
        const long = `edox-ops project publish ${slug} --domain long.test --source /srv/site --quiet`;
        expect(host.sh(`${deploy} && ${long}`)).toMatchObject({ code: 0 });
        expect(answersTo(["/old", "/c", "/a/1"], "long.test")).toEqual(["301 /", "301 /d", "301 /b/1"]);
        const copy = (path: string): string =>
          `sed "s/demo/many$i/g" ${path} >"$(echo ${path} | sed "s/demo/many$i/")"`;
        const files = ["edox-ops-rules/demo.maps", "edox-ops-rules/demo.server", "sites-available/edox-ops-demo"];
        const link = 'ln -s "../sites-available/edox-ops-many$i" sites-enabled/';
        const copies = `for i in $(seq 200); do ${[...files.map(copy), link].join("; ")}; done`;
        expect(host.sh(`cd /etc/nginx && ${copies}`).code).toBe(0);
        expect(host.sh("nginx -t -q")).toMatchObject({ code: 0, stdout: "", stderr: "" });
        const removal = "rm /etc/nginx/*/*many[0-9]* /var/log/nginx/*many[0-9]*";
        expect(host.sh(`${removal} && edox-ops project remove ${slug} --yes`)).toMatchObject({ code: 0 });
      },
    );

    // It is the last test, because these sites have no records.
    on("trixie", "nginx: rules, versions, previews, a password and TLS are served right in every combination", () => {
      expect(serveCombinations(host, suite === "bookworm")).not.toMatch(/emerg|error/);
      expect(wrongAnswers(host)).toEqual([]);
    });
  });
}
