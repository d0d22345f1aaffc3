// Publishes the documentation site on a host that edox-ops set up, with the commands of its first page. Then types the
// guides on the same host.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { sitePath } from "../../build/site-address.ts";
import { blocksOf, textOf, top } from "../docs/markdown.ts";
import { launched } from "../site/browser.ts";
import { smoke } from "../site/smoke.ts";
import { attention } from "./findings.ts";
import { events, GitLabProject, tagged } from "./gitlab-project.ts";
import { sectionOf, type } from "./guides.ts";
import { type Pebble, startPebble } from "./pebble.ts";
import { soak } from "./rounds.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

/** If the limit of the test passed, Bun would end the host too, and the next command in it would be stopped with it. */
const readMs = 9 * 60_000;
const testMs = 15 * 60_000;

let host: TestHost;
let pebble: Pebble;
beforeAll(async () => {
  host = await TestHost.bare("bookworm");
});
afterAll(() => host?.down());

test("site: the commands of the first page work in their order on a bare host", () => {
  const blocks = blocksOf(textOf("docs/index.md"));
  for (const [i, { language, code }] of blocks.entries()) {
    if (language !== "sh") continue;
    // A bare Debian has no sudo, and root does not need it.
    const { code: exit, stdout, stderr } = host.sh(`cd /srv && sudo() { "$@"; } && set -e\n${code}`);
    expect([code, exit, stderr]).toEqual([code, 0, ""]);
    // The certificate authority of the test, which certbot uses without a flag.
    if (code.includes("edox-ops bootstrap")) pebble = startPebble(host, ["docs.example.org"]);
    const next = blocks[i + 1];
    if (next?.language === "") expect(stdout).toBe(next.code);
  }
  expect(host.sh("curl -sS https://docs.example.org/").stdout).toBe("<h1>It is served</h1>\n");
});

test(
  "site: it is built, published and readable on that host: every written page, and some of the source reference",
  async () => {
    // The reference has seventeen times as many pages as the rest, all with one layout.
    const flags = soak ? [] : ["--reference=engine"];
    must(["env", "-u", "DOCS_SITE_URL", process.execPath, `${top}/build/site.ts`, ...flags]);
    // A browser evaluates a function of VitePress's configuration from its text, which the policy of the site refuses.
    expect(readFileSync(`${sitePath}/index.html`, "utf8")).not.toContain("_vp-fn_");
    cpSync(sitePath, `${host.root}/srv/pages`, { recursive: true });
    const publish = ["project", "publish", "pages", "--domain", "pages.test", "--source", "/srv/pages"];
    expect(host.run(["edox-ops", ...publish])).toMatchObject({ code: 0, stderr: "" });
    const browser = await launched({
      executablePath: host.onItsNetwork("/usr/bin/chromium"),
      args: [`--host-resolver-rules=MAP *.test ${host.address}, MAP * ~NOTFOUND`, "--no-proxy-server"],
    });
    // The pages of the reference have one layout.
    const left = soak ? /^source\/(?!engine\/)./ : /^source\/(?!engine\/st)./;
    const passedOver = (path: string): boolean => left.test(path);
    const { pages, failures } = await smoke(browser, "http://pages.test/", passedOver, readMs).finally(() =>
      browser.close(),
    );
    expect(failures).toEqual([]);
    expect(pages).toContain("commands");
    expect(pages).toContain("source/engine/step");
  },
  testMs,
);

test("check-links: the published site has no broken link", () => {
  const check = host.run(["edox-ops", "project", "check-links", "pages"]);
  const all = soak ? /^No broken links: \d{5,} links/ : /^No broken links: \d{4,} links/;
  expect(check).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(all) });
});

test("check-links: nginx answers exactly the addresses that are not reported", () => {
  const names = ["a", "b", "c", "c/x", "d", "e", "old.htm", "import.meta.env", "notes.bak", ".hidden/p", "Upper"];
  const odd = [".well-known/s.txt", "my%20file.pdf", "gr%C3%BC%C3%9Fe", "100%25", "latest", "f.html", "no", "g.tar.gz"];
  const forms = ["", "/", ".html", ".html/", "/index.html", "/index", "/.", "/..", "//", "/no", "?x=1"];
  const all = [...names, ...odd].flatMap((name) => forms.map((form) => `/${name}${form}`));
  all.push(
    "/",
    "//a",
    "/index.html",
    "/./a",
    "/A",
    "/b%2Findex.html",
    "/%61",
    "/%2e/a",
    "/%zz",
    "/%00",
    "/%ff",
    "/a%00",
  );
  const page = all.map((address) => `<a href="http://addr.test${address}">x</a>`).join("\n");
  mkdirSync(`${host.root}/srv/addr`);
  writeFileSync(`${host.root}/srv/addr/index.html`, page);
  writeFileSync(`${host.root}/srv/addresses`, all.map((address) => `http://addr.test${address}\n`).join(""));
  const { code, stderr, stdout } = host.sh(`set -e; cd /srv/addr; mkdir -p b c d e .hidden .well-known f.html
    for file in a c d old.htm import.meta.env Upper grüße 100% c/x .hidden/p b/index f.html/index; do echo x >$file.html; done
    mv old.htm.html old.htm; for file in notes.bak .well-known/s.txt "my file.pdf" e/x.png g.tar.gz; do echo x >"$file"; done
    ln -s b latest
    edox-ops project publish addr --domain addr.test --source /srv/addr >/srv/addr.out
    sed 's/.*/url="&"\\noutput="\\/dev\\/null"/' /srv/addresses | curl -gLs -K - -w '%{http_code}\\n' --path-as-is \\
      --resolve addr.test:80:127.0.0.1`);
  expect([code, stderr.replace(/^warning: nginx will not serve.*\n/, "")]).toEqual([0, ""]);
  const codes = stdout.trim().split("\n");
  expect(codes.length).toBe(all.length);
  const { links } = JSON.parse(host.sh("edox-ops project check-links addr --json").stdout);
  const broken = new Set(links.list.map(({ link }: { link: string }) => link));
  const answered = all.filter((_, i) => codes[i] === "200");
  expect(answered).toEqual(all.filter((address) => !broken.has(`http://addr.test${address}`)));
  expect([answered.length > 60, broken.size > 60]).toEqual([true, true]);
});

describe("guides:", () => {
  const guide = (name: string): string => `docs/guides/${name}.md`;
  const logPath = "/var/log/nginx/edox-ops-demo.access.log";
  const curl = (words: string): string => host.sh(`curl -sS ${words}`).stdout;

  beforeAll(() => {
    for (const name of ["new.example.org", "www.example.org", "docs.example.net"]) {
      pebble.dns.set(name, { a: [host.address] });
    }
    pebble.dns.set("handbook.example.org", { a: ["10.0.0.5"] });
    const publish = "edox-ops project publish demo --domain docs.example.org --source site --tls";
    const { code, stderr } = host.sh(`set -e; ip addr add 203.0.113.10/32 dev lo; cd /srv; mkdir -p site/guide
      echo home >site/index.html; echo page >site/guide/index.html; seq 2000 >site/big.json; ${publish}`);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("several names: an alias is served with a certificate for it, and unknown names by the default site", () => {
    type(host, textOf(guide("several-names")));
    expect(host.sh("edox-ops project show demo").stdout).not.toContain("aliases");
  });

  test("change the domain: both names are served, the old one can redirect, and doctor has no complaint until the way back", () => {
    const page = guide("change-domain");
    type(host, sectionOf(page, "# Change", "## Undo"));
    expect(curl("-o /dev/null -w '%{http_code}' https://new.example.org/guide/")).toBe("200");
    expect(attention(host)).toEqual(["backup:repo"]);
    expect(host.sh("edox-ops certs renew --force --yes")).toMatchObject({ code: 0 });
    type(host, sectionOf(page, "## Undo"));
    expect(curl("-o /dev/null -w '%{http_code}' https://docs.example.org/guide/")).toBe("200");
    expect(attention(host)).toEqual(["backup:repo"]);
  });

  test("access logs: GoAccess reads the log of a site, logrotate rotates it, and no other user can read it", () => {
    expect(host.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y -qq logrotate")).toMatchObject({ code: 0 });
    const page = guide("access-logs");
    type(host, sectionOf(page, "# See", "## How long"));
    const dashboard = host.sh(
      `TERM=xterm script -qec 'goaccess ${logPath} --log-format=COMBINED' /dev/null <<<q`,
    ).stdout;
    expect(dashboard).toContain("Unique visitors per day");
    const report = host.sh("cat /srv/report.html").stdout;
    expect(Number(/"total_requests": ?(\d+)/.exec(report)?.[1])).toBeGreaterThan(0);
    expect(report).not.toContain(host.address);
    const modes = (): string => host.sh(`stat -c '%a %G' ${logPath}*`).stdout;
    expect(modes()).toBe("640 adm\n");
    expect(host.sh("logrotate --force /etc/logrotate.d/nginx")).toMatchObject({ code: 0 });
    curl("https://docs.example.org/after-rotation");
    expect(host.sh(`cat ${logPath}`).stdout).toContain("GET /after-rotation ");
    expect(modes()).toBe("640 adm\n640 adm\n");
    type(host, sectionOf(page, "## How long"));
    expect(host.sh(`cat ${logPath}`).stdout).toBe("");
  });

  test("reverse proxy: the log has the reader's address, redirects keep HTTPS, text is compressed, and limits count readers", () => {
    const page = guide("reverse-proxy");
    type(host, sectionOf(page, "# Run", "## Limit"), { put: (_, text) => startProxy(host, text + encrypted(page)) });
    const site = "https://handbook.example.org";
    expect(host.sh("cut -d' ' -f1 /var/log/nginx/edox-ops-handbook.access.log | sort -u").stdout).toBe(
      "10.0.0.10\n127.0.0.1\n",
    );
    expect(curl(`-o /dev/null -w '%{http_code} %header{location}' ${site}/guide`)).toBe("301 /guide/");
    expect(curl(`-o /dev/null -w '%header{content-encoding}' --compressed ${site}/big.json`)).toBe("gzip");
    const onHttps = "-k --resolve docs.example.org:443:10.0.0.5 https://docs.example.org/";
    expect(curl(onHttps)).toBe("home\n");
    type(host, sectionOf(page, "## Limit", "## Undo"));
    const flood = (from: string): string =>
      host.sh(`seq 400 | sed 's,.*,url = ${site}/\\noutput = /dev/null,' | \
        curl -sS --interface ${from} -K - -w '%{http_code}\\n' | sort | uniq -c`).stdout;
    expect(flood("10.0.0.10")).toContain(" 429\n");
    expect(flood("10.0.0.11")).toContain(" 200\n");
    expect(attention(host)).toEqual(["backup:repo"]);
    type(host, sectionOf(page, "## Undo"));
    host.sh("systemctl stop proxy; ip netns del proxy; edox-ops project remove handbook --delete-files --yes");
  });

  describe("deploy from GitLab CI:", () => {
    let gitlab: GitLabProject;
    /** The private keys that the commands of the page print. */
    let keys: string[];
    const live = "/var/www/docs/demo";
    const site = "https://docs.example.org";
    const listing = (): string => host.sh(`cd ${live} && find . -type f -exec sha256sum {} + | sort -k2`).stdout;
    const deployed = (): string => curl(`${site}/version.txt`);
    /** Prints the jobs for a project without a generator, whose jobs reach the host by its address. */
    const pipeline = (): string => host.sh(`edox-ops project ci demo --host ${host.address}`).stdout;

    beforeAll(() => {
      const prelude = 'edox-ops() { command edox-ops "$@" | tee -a /srv/printed; }';
      type(host, textOf(guide("deploy-from-ci")), { prelude });
      const printed = host.sh("cat /srv/printed").stdout;
      keys = printed.match(/^-----BEGIN OPENSSH PRIVATE KEY-----$[\s\S]*?^-----END OPENSSH PRIVATE KEY-----$/gm) ?? [];
      expect(keys).toHaveLength(2);
      gitlab = new GitLabProject({ ".gitlab-ci.yml": host.sh("cat /srv/gitlab-ci.yml").stdout });
      gitlab.set({ DEPLOY_KEY: keys[0] ?? "", PREVIEW_KEY: keys[1] ?? "" });
    });
    afterAll(() => {
      gitlab?.[Symbol.dispose]();
      host.sh("edox-ops project deploy demo --source /srv/site --no-backup; rm /srv/printed /srv/gitlab-ci.yml");
      for (const name of ["deploy", "previews"]) host.sh(`edox-ops project key remove demo ${name}`);
    });

    test("GitLab's schema accepts the printed file, and a pipeline without keys has no deploy job", () => {
      expect(gitlab.jobs(events.merge)).toEqual(["build", "preview", "stop-preview"]);
      gitlab.set({});
      expect(gitlab.jobs(events.merge)).toEqual(["build"]);
    });

    test("the printed jobs deploy this website, and a later change of it", () => {
      // A key that was pasted without its last line break, by a browser on Windows.
      gitlab.set({ DEPLOY_KEY: (keys[0] ?? "").replaceAll("\n", "\r\n"), PREVIEW_KEY: keys[1] ?? "" });
      // Without the reference of the source, nine tenths of its bytes.
      const filter = (path: string): boolean => path !== `${sitePath}/source`;
      cpSync(sitePath, `${gitlab.dir}/public`, { recursive: true, filter });
      gitlab.commit({ ".gitlab-ci.yml": pipeline(), "public/version.txt": "one\n" });
      const { code, log } = gitlab.run("deploy", events.default);
      expect([code, code === 0 ? "" : log]).toEqual([0, ""]);
      expect(deployed()).toBe("one\n");
      const own = must(["sh", "-c", `cd ${gitlab.dir}/public && find . -type f -exec sha256sum {} + | sort -k2`]);
      expect(listing()).toBe(own);
      const last = gitlab.artifact("deploy", ".edox-ops/events.jsonl").trim().split("\n").at(-1) ?? "";
      expect(JSON.parse(last)).toMatchObject({ event: "summary", outcome: "changed", exit: 0 });
      gitlab.commit({ "public/version.txt": "two\n" });
      expect(gitlab.run("deploy", events.default).code).toBe(0);
      expect(deployed()).toBe("two\n");
    });

    test("a merge request has a preview at the address in its report, until stop-preview removes it", () => {
      gitlab.git("switch", "--quiet", "--create", "fix/#7");
      gitlab.commit({ "public/version.txt": "three\n" });
      const { code, log } = gitlab.run("preview", events.merge);
      expect([code, code === 0 ? "" : log]).toEqual([0, ""]);
      const url = /^EDOX_OPS_PREVIEW_URL=(\S+)\n$/.exec(gitlab.dotenv("preview", ".edox-ops/preview.env"))?.[1];
      expect(url).toContain("fix-7");
      expect([curl(`${url}version.txt`), deployed()]).toEqual(["three\n", "two\n"]);
      expect(host.sh("edox-ops project previews list demo").stdout).toContain("fix-7");
      // The second time it is gone already, as after its expiry.
      for (const _ of [1, 2]) {
        const stopped = gitlab.run("stop-preview", events.merge);
        expect([stopped.code, stopped.code === 0 ? "" : stopped.log]).toEqual([0, ""]);
        expect(curl(`-o /dev/null -w '%{http_code}' ${url}version.txt`)).toBe("404");
      }
      gitlab.git("switch", "--quiet", "main");
    });

    test("the key of previews cannot deploy the site, and a host with another key is refused before it gets anything", () => {
      gitlab.commit({ "public/version.txt": "four\n" });
      gitlab.set({ DEPLOY_KEY: keys[1] ?? "" });
      expect(gitlab.run("deploy", events.default)).toMatchObject({ code: 2 });
      gitlab.set({ DEPLOY_KEY: keys[0] ?? "" });
      const other = "AAAAC3NzaC1lZDI1NTE5AAAAIGhvc3RrZXlob3N0a2V5aG9zdGtleWhvc3RrZXlob3N0";
      gitlab.commit({ ".gitlab-ci.yml": pipeline().replace(/ssh-ed25519 [^"]+/, `ssh-ed25519 ${other}`) });
      const { code, log } = gitlab.run("deploy", events.default);
      expect([code, log]).toEqual([255, expect.stringContaining("Host key verification failed")]);
      expect(deployed()).toBe("two\n");
    });

    test("a host that is busy ends the job with exit code 75, which GitLab retries, and the next run deploys", () => {
      const { stdout } = host.sh("edox-ops project key add demo --generate --name slow --rate 1/h");
      gitlab.set({ DEPLOY_KEY: /-----BEGIN[\s\S]*-----END .*-----/.exec(stdout)?.[0] ?? "" });
      gitlab.commit({ ".gitlab-ci.yml": pipeline() });
      expect(gitlab.run("deploy", events.default).code).toBe(0);
      expect(gitlab.run("deploy", events.default).code).toBe(75);
      expect(host.sh("edox-ops project key remove demo slow").code).toBe(0);
      expect(deployed()).toBe("four\n");
    });

    test("a tag becomes a version, with its alias, beside the live site", () => {
      gitlab.set({ DEPLOY_KEY: keys[0] ?? "" });
      gitlab.git("tag", "1.4");
      const { code, log } = gitlab.run("version", tagged("1.4"));
      expect([code, code === 0 ? "" : log]).toEqual([0, ""]);
      expect([curl(`${site}/1.4/version.txt`), curl(`${site}/latest/version.txt`)]).toEqual(["four\n", "four\n"]);
      const remove = "edox-ops project versions default demo none && edox-ops project versions remove demo 1.4 --yes";
      expect(host.sh(remove)).toMatchObject({ code: 0 });
    });
  });

  test("move a site: what the old host sends makes the new one serve the site over HTTPS, and renew its certificate", () => {
    const page = guide("move-a-site");
    // The commands for the new host wait until the old one has forgotten the site: it is the same host here.
    const prelude = 'ssh() { shift; printf "%s\\n" "$*" >>/srv/commands; cat >"/srv/sent-$(wc -l </srv/commands)"; }';
    type(host, sectionOf(page, "# Move", "## 5."), { prelude });
    type(host, sectionOf(page, "## 7."));
    expect(host.sh("rm -r /etc/letsencrypt /var/lib/edox-ops/renewals; ls /var/www/docs").stdout).not.toContain("demo");
    const replay = `set -e; sudo() { "$@"; }; n=0
      while read -r line; do n=$((n + 1)); eval "$line" <"/srv/sent-$n"; done </srv/commands; echo "$n"`;
    expect(host.sh(replay)).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n2\n$/) });
    type(host, sectionOf(page, "## 5.", "## 7."));
    expect(curl("https://docs.example.org/")).toBe("home\n");
    expect(attention(host)).toEqual(["backup:repo"]);
  });

  test("remove everything: no file of edox-ops is left", () => {
    host.sh("edox-ops project remove pages --delete-files --yes; rm -r /srv/pages");
    const withRules = "echo '/old /' >/srv/site/_redirects; edox-ops project deploy demo --source /srv/site";
    expect(host.sh(`${withRules} && ls /etc/nginx/edox-ops-rules`)).toMatchObject({ code: 0 });
    type(host, sectionOf(guide("remove-everything"), "# Remove", "## Undo"));
    const paths = ["/etc/nginx", "/etc/letsencrypt", "/var/www/docs", "/var/log/nginx", "/usr/sbin/nginx"];
    expect(host.sh(`ls -d ${paths.join(" ")} 2>/dev/null; find / -xdev -name '*edox-ops*'`).stdout).toBe("");
  });
});

/** Returns a server of the proxy that connects to the host over HTTPS, with the directives of the page. */
function encrypted(page: string): string {
  const directives = [...sectionOf(page, "## HTTPS to the host").matchAll(/`(proxy_\w+ \S+;)`/g)].map(
    ([, each]) => each,
  );
  expect(directives).toHaveLength(3);
  return `server {
    listen 443 ssl;
    server_name docs.example.org;
    ssl_certificate /etc/ssl/handbook.pem;
    ssl_certificate_key /etc/ssl/handbook.key;
    proxy_set_header Host $host;
    location / { ${directives.join(" ")} }
  }`;
}

/** Runs nginx with this configuration on another machine, 10.0.0.5. */
function startProxy(host: TestHost, text: string): void {
  writeFileSync(`${host.root}/srv/proxy.conf`, `pid /run/proxy.pid;\nevents {}\nhttp {\naccess_log off;\n${text}}\n`);
  const certificate = "-keyout /etc/ssl/handbook.key -out /etc/ssl/handbook.pem -subj /CN=proxy";
  const { code, stderr } = host.sh(`set -e
    ip netns add proxy; ip link add proxy type veth peer name eth0 netns proxy; ip link set proxy up
    ip addr add 10.0.0.10/24 dev proxy; ip addr add 10.0.0.11/24 dev proxy
    ip -n proxy link set lo up; ip -n proxy link set eth0 up; ip -n proxy addr add 10.0.0.5/24 dev eth0
    openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 90 ${certificate} \
      -addext subjectAltName=DNS:handbook.example.org 2>/dev/null
    cp /etc/ssl/handbook.pem /usr/local/share/ca-certificates/handbook.crt; update-ca-certificates >/dev/null 2>&1
    systemd-run --quiet --unit=proxy ip netns exec proxy nginx -c /srv/proxy.conf -g 'daemon off;'
    for i in $(seq 50); do curl -sSo /dev/null http://10.0.0.5/ 2>/dev/null && break; sleep 0.1; done`);
  expect([code, stderr]).toEqual([0, ""]);
}
