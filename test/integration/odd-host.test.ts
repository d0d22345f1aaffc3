// Tests unusual hosts.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { bootstrapped } from "./bootstrapped.ts";
import { TestHost } from "./test-host.ts";

let host: TestHost;
/** A host that several tests use. */
let shared: TestHost | undefined;
afterEach(() => {
  if (host !== shared) host?.down();
});

/** No address, and no socket for any service: the effect of `ipv6.disable=1` on the kernel's command line. */
const withoutIpv6 = `sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  mkdir -p /etc/systemd/system/service.d
  printf '[Service]\\nRestrictAddressFamilies=~AF_INET6\\n' >/etc/systemd/system/service.d/no-ipv6.conf
  systemctl daemon-reload`;

describe("kernel without IPv6", () => {
  test("bootstrap without IPv6: succeeds, although Debian's nginx does not start there by itself", async () => {
    host = await TestHost.bare();
    host.sh(withoutIpv6);
    expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
    expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
    expect(host.run(["edox-ops", "doctor"]).stdout).toEndWith("Doctor: host looks ready.\n");
    expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stderr).toContain("Empty reply from server");
  });

  test("bootstrap without IPv6: succeeds after a failed installation of nginx", async () => {
    host = await TestHost.bare();
    host.sh(withoutIpv6);
    const { stdout, stderr } = host.sh("apt-get update -qq; apt-get install -y nginx");
    const said = host.sh("journalctl --sync; journalctl --unit nginx --no-pager").stdout;
    expect(stdout + stderr + said).toContain("Address family not supported");
    expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
    expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
  });
});

test("bootstrap: packages that a full disk left half-unpacked are unpacked again", async () => {
  host = await TestHost.bare();
  // The state that dpkg leaves if it can neither continue nor roll back.
  host.sh(`cd /root; apt-get update -qq; apt-get download -qq less patch; dpkg --unpack less_*.deb patch_*.deb
    rm /usr/bin/less
    sed -i '/^Package: less$/,/^$/ s/^Status: .*/Status: install reinstreq unpacked/
      /^Package: patch$/,/^$/ s/^Status: .*/Status: install ok half-installed/' /var/lib/dpkg/status`);
  expect(host.run(["dpkg", "--configure", "-a"]).stderr).toContain("very bad inconsistent state");
  expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
  expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
  expect(host.run(["less", "--version"]).code).toBe(0);
});

test("nginx:unknown-names: an nginx that cannot reject handshakes refuses unknown names with a throwaway certificate", async () => {
  host = await bootstrapped();
  // Only the version is checked. The nginx that runs accepts the older form as well.
  host.sh("sed -i '/^Package: nginx$/,/^$/ s/^Version: .*/Version: 1.18.0-6ubuntu14/' /var/lib/dpkg/status");
  expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
  expect(host.sh("stat -c '%a %U' /etc/edox-ops/unknown-names.pem").stdout).toBe("600 root\n");
  expect(host.run(["curl", "-gsSk", "https://[::1]/"]).stderr).toContain("Empty reply from server");
  expect(host.sh("openssl s_client -connect 127.0.0.1:443 </dev/null 2>&1").stdout).toContain("subject=CN = unknown");
  expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
});

describe("nginx with a foreign site", () => {
  test("nginx: a foreign site that handles unknown names, in any form, keeps doing so, and nginx accepts ours beside it", async () => {
    host = await bootstrapped();
    const theirs = [
      "listen 80 default_server; listen [::]:80 default_server;",
      "listen 80; server_name _;",
      "listen 127.0.0.1:80; server_name a.test;",
      "listen [::]:80 ipv6only=off default_server;",
      "listen [::]:80 ipv6only=off; server_name a.test;",
      "",
    ];
    for (const listens of theirs) {
      const site = `server { ${listens} return 200 theirs; }`;
      host.sh(`rm -f /etc/nginx/conf.d/edox-ops-default.conf
        echo '${site}' >/etc/nginx/sites-enabled/theirs; systemctl reset-failed nginx; systemctl restart nginx`);
      expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stdout).toBe("theirs");
      expect([site, host.run(["edox-ops", "bootstrap", "--yes"])]).toMatchObject([site, { code: 0, stderr: "" }]);
      const answer = host.run(["curl", "-sS", "http://127.0.0.1/"]);
      if (site.includes("ipv6only=off;")) expect(answer.stderr).toContain("Empty reply from server");
      else expect([site, answer.stdout]).toEqual([site, "theirs"]);
      expect(host.run(["edox-ops", "bootstrap", "--check"]).code).toBe(0);
    }
  });
});

/** Debian's nginx with the files, folders and user of the nginx.org package, which no registry available here has. */
const asFromNginxOrg = `apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx >/dev/null
  cd /etc/nginx && rm -r sites-available sites-enabled && useradd --system --shell /usr/sbin/nologin nginx
  cat >nginx.conf <<'END'
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    #tcp_nopush     on;

    keepalive_timeout  65;

    #gzip  on;

    include /etc/nginx/conf.d/*.conf;
}
END
  cat >conf.d/default.conf <<'END'
server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
END
  systemctl restart nginx`;

test("nginx laid out as by nginx.org: bootstrap, publish and doctor agree, and its own site stays", async () => {
  host = await TestHost.bare();
  expect(host.sh(asFromNginxOrg).code).toBe(0);
  expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
  host.sh("mkdir -p /srv/site && echo published >/srv/site/index.html && echo 127.0.0.1 a.test >>/etc/hosts");
  const publish = ["edox-ops", "project", "publish", "a", "--domain", "a.test", "--source", "/srv/site"];
  expect(host.run(publish)).toMatchObject({ code: 0, stderr: "" });
  expect(host.run(["curl", "-sS", "http://a.test/"]).stdout).toBe("published\n");
  expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stderr).toContain("Empty reply from server");
  expect(host.run(["curl", "-sS", "http://localhost/"]).stdout).toContain("Welcome to nginx!");
  expect(host.run(["edox-ops", "doctor"]).stdout).toEndWith("Doctor: host looks ready.\n");
  expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
});

describe("apt hooks", () => {
  /** Like apt-listbugs, it refuses if it cannot ask, and is silent if that one is. */
  const listbugs = `printf '#!/bin/sh\n[ "$APT_LISTBUGS_FRONTEND" = none ] || { echo "E: Exiting with error" >&2; exit 10; }\n' >/usr/local/sbin/listbugs
    chmod 755 /usr/local/sbin/listbugs
    echo 'DPkg::Pre-Install-Pkgs {"/usr/local/sbin/listbugs apt";};' >/etc/apt/apt.conf.d/10listbugs`;
  const hook = (setting: string) =>
    host.sh(`echo '${setting} { "test x$NONE = xset"; };' >/etc/apt/apt.conf.d/99theirs`);

  test("apt hooks: a manual etckeeper is supported, bugs are not asked about, and a failing hook is reported", async () => {
    host = await TestHost.bare("trixie");
    const { code } =
      host.sh(`apt-get update -qq && apt-get install -y -qq --no-install-recommends git etckeeper >/dev/null
      sed -i 's/^#AVOID_COMMIT_BEFORE_INSTALL/AVOID_COMMIT_BEFORE_INSTALL/' /etc/etckeeper/etckeeper.conf; ${listbugs}`);
    expect(code).toBe(0);
    const bootstrap = () => host.run(["edox-ops", "bootstrap", "--yes"]);
    expect(bootstrap()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\/etc has uncommitted changes.+\nhint: etckeeper commit 'before edox-ops'\n/),
    });
    expect(host.run(["test", "-e", "/etc/edox-ops"]).code).toBe(1);

    const file = "/etc/apt/apt.conf.d/99theirs";
    hook("DPkg::Pre-Invoke");
    host.sh("etckeeper commit theirs");
    const refused = bootstrap();
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`: apt's hook DPkg::Pre-Invoke 'test x$NONE = xset' in ${file} failed\n`),
    ]);
    expect(refused.stderr).toContain(`\nhint: cat ${file}\n`);

    hook("DPkg::Post-Invoke");
    host.sh("etckeeper commit theirs");
    const { code: ended, stdout, stderr } = bootstrap();
    expect([ended, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`warning: apt's hook DPkg::Post-Invoke 'test x$NONE = xset' in ${file} failed`);
    expect(bootstrap()).toMatchObject({ code: 0, stderr: "" });
  });
});

/** The last of them succeeds on the host on which the others failed. */
describe("a bare host on which bootstrap cannot succeed", () => {
  beforeAll(async () => {
    shared = await TestHost.bare();
    host = shared;
  });
  afterAll(() => shared?.down());

  const unreachable = "echo 'deb [trusted=yes] http://127.0.0.1:9/ x main' >/etc/apt/sources.list.d/theirs.list";
  const failed = "Failed to fetch http://127.0.0.1:9/dists/x/InRelease";

  test("bootstrap: a server on port 80 is reported, and nothing is changed", () => {
    host.sh("apt-get update -qq; apt-get install -y -qq --no-install-recommends busybox >/dev/null");
    host.sh("systemd-run --quiet --unit=other busybox httpd -f -p 80");
    const before = host.listing("/etc", "/var/lib/dpkg");
    const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: port 80 is taken by busybox \(pid \d+\), which nginx needs\nhint: ss -ltnp /);
    expect(host.listing("/etc", "/var/lib/dpkg")).toBe(before);
    expect(host.run(["test", "-e", "/var/log/edox-ops"]).code).toBe(1);
    host.sh("systemctl stop other");
  });

  test("apt: no package is removed to make room", () => {
    const build = `mkdir -p theirs/DEBIAN && printf 'Package: theirs\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nConflicts: rsync\nDescription: x\n' >theirs/DEBIAN/control && dpkg-deb -b theirs && dpkg -i theirs.deb`;
    expect(host.sh(build).code).toBe(0);
    const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Packages need to be removed but remove is disabled")]);
    expect(host.run(["dpkg", "-s", "theirs"]).code).toBe(0);
    host.sh("dpkg --purge theirs");
  });

  test("apt: a failed source is reported as the cause if a package is missing", () => {
    host.sh(`${unreachable}; mv /etc/apt/sources.list /root/`);
    const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `apt-get could not install nginx, git, curl, rsync, ca-certificates; these sources failed: ${failed}`,
    );
    expect(stderr).toContain("  E: Unable to locate package nginx\n");
    host.sh("mv /root/sources.list /etc/apt/");
  });

  test("apt: a held lock is waited for with its holder, and a failed source is a warning if the others have everything", () => {
    const lock = `perl -e 'use Fcntl; open(my $f, "+>>", "/var/lib/apt/lists/lock"); my $l = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die; sleep 3' &`;
    const { code, stdout, stderr } = host.sh(`${unreachable}; ${lock} sleep 0.5; edox-ops bootstrap --yes`);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^waiting at most 10 min until .+: \/var\/lib\/apt\/lists\/lock is held by perl .+ \(pid \d+\)\n$/,
    );
    expect(stdout).toContain(`warning: ${failed}`);
  });
});

describe("terminal", () => {
  /** Each write of the progress line, and the final content below it. */
  const progress = (command: string, input = "sleep 1"): { drawn: string[]; rest: string; code: string } => {
    const shell = `stty cols 60; trap : INT; ${command}; echo "exit $?"`;
    const { stdout } = host.sh(`(${input}; while pgrep -x edox-ops >/dev/null; do sleep 0.1; done) |
      script -qec '${shell}' /dev/null`);
    const [, ...parts] = stdout.split("\r\u001B[K");
    const last = parts.at(-1) ?? "";
    return { drawn: parts.slice(0, -1), rest: last, code: /exit (\d+)/.exec(stdout)?.[1] ?? "" };
  };

  /** Presses a key as soon as the command asks, or none if it does not, and returns what the terminal showed. */
  const answered = (key: string, command = "bootstrap"): string => {
    const until = (what: string): string => `until grep -qE '${what}' /srv/shown; do sleep 0.05; done`;
    const typed = `${until("y/N|exit [0-9]")}; sleep 0.2; printf '${key}'; ${until("exit [0-9]")}`;
    return host.sh(`: >/srv/shown; (${typed}) |
      script -qefc 'trap : INT; edox-ops ${command}; echo "exit $?"' /dev/null | tee /srv/shown`).stdout;
  };

  describe("a first run and its plan", () => {
    beforeAll(async () => {
      shared = await TestHost.bare();
      host = shared;
    });
    afterAll(() => shared?.down());

    test("terminal: the plan requires confirmation: Enter and Ctrl-D decline, Ctrl-C ends the run, and nothing is changed", () => {
      for (const key of ["\\r", "\\004"]) {
        const declined = answered(key);
        expect(declined).toContain("install nginx");
        expect(declined).toMatch(/Apply these changes\? \[y\/N\] .*\r\nNothing was changed\.\r\nexit 1\r\n$/);
      }
      expect(answered("\\003")).toEndWith("exit 130\r\n");
      expect(host.run(["test", "-e", "/var/log/edox-ops"]).code).toBe(1);
    });

    test("terminal: a long step shows its progress on one line, and leaves a clean screen", () => {
      const { drawn, rest, code } = progress("edox-ops bootstrap --yes");
      expect(code).toBe("0");
      const install = drawn.filter((line) =>
        /^\[1\/3\] Installing packages [━╺─]{7} \d+ % · unp.+ · \d+ s$/.test(line),
      );
      expect(install.length).toBeGreaterThan(5);
      const percentages = drawn.flatMap((line) => /^\[1\/3\] .* (\d+) % /.exec(line)?.[1] ?? []).map(Number);
      expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
      expect(percentages.some((each) => each > 0 && each < 50)).toBe(true);
      expect(drawn.every((line) => Bun.stringWidth(line.split("\r\n").at(-1) ?? "") < 60)).toBe(true);
      expect(Bun.stripANSI(rest)).toMatch(
        /^✔ Host ready in [\d.]+ s \(3 changed\)\r\nNext: edox-ops .*\r\nexit 0\r\n$/m,
      );
      const log = host.sh("tail -1 /var/log/edox-ops/bootstrap.log").stdout;
      expect(log).toEndWith("Z] DONE Bootstrap installation phase completed successfully.\n");

      host.sh("mkdir /srv/large && cd /srv/large && seq 2000 | split -l 1 -a 4 - page- && seq 99999 >index.html");
      const deploy = progress("edox-ops project publish large --domain large.test --source /srv/large");
      expect(deploy.code).toBe("0");
      const staged = deploy.drawn.filter((line) => /^Deploying large [━╺─]{7} \d+ % · \d+ of 2001 .* s$/.test(line));
      expect(staged.length).toBeGreaterThan(3);
    });

    test("terminal: y accepts the plan, a converged host is not asked, and a site is taken offline only after y", () => {
      const limits = "/etc/nginx/conf.d/edox-ops-limits.conf";
      expect(host.run(["rm", limits]).code).toBe(0);
      const accepted = answered("y\\r");
      expect(accepted).toContain(limits);
      expect(accepted).toEndWith("exit 0\r\n");
      expect(host.run(["test", "-s", limits]).code).toBe(0);
      expect(answered("")).not.toContain("[y/N]");
      host.sh("mkdir /srv/asked && echo page > /srv/asked/index.html");
      expect(host.sh("edox-ops project publish asked --domain asked.test --source /srv/asked").code).toBe(0);
      const link = ["test", "-L", "/etc/nginx/sites-enabled/edox-ops-asked"];
      const declined = answered("n\\r", "project disable asked");
      expect(declined).toMatch(/^Take asked\.test offline\? \[y\/N\] n?\r\nNothing was changed\.\r\nexit 1\r\n$/);
      expect(host.run(link).code).toBe(0);
      expect(answered("\\003", "project disable asked")).toEndWith("exit 130\r\n");
      expect(host.run(link).code).toBe(0);
      expect(answered("y\\r", "project disable asked")).toEndWith("exit 0\r\n");
      expect(host.run(link).code).toBe(1);
    });
  });

  test("terminal: Ctrl-C stops a run gracefully, its progress stays on one line when the terminal becomes narrower, and the last line is the command to continue", async () => {
    host = await TestHost.bare();
    // A run that fails before dpkg starts never reaches this.
    const inDpkg = `timeout 120 sh -c 'until ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1; do :; done'`;
    const listed = "$(ls /var/lib/dpkg/info/*.list | wc -l)";
    const resize = `before=${listed}; until [ ${listed} -gt $((before + 10)) ]; do sleep 0.05; done; stty cols 30 </dev/tty`;
    const run = `(${resize}) & edox-ops bootstrap --yes`;
    const { drawn, rest, code } = progress(run, `${inDpkg}; printf "\\003"`);
    expect(code).toBe("130");
    expect(drawn.filter((line) => line === "Stopping after apt finishes (safe)…\r\n")).toHaveLength(1);
    expect(Bun.stripANSI(rest)).toEndWith(
      "▲ Stopped in step 1 of 3.\r\n  Continue with: edox-ops bootstrap --yes\r\nexit 130\r\n",
    );
    expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
    const widths = drawn.map((line) => Bun.stringWidth(line.split("\r\n").at(-1) ?? ""));
    const narrow = widths.findLastIndex((width) => width >= 30) + 1;
    expect(narrow).toBeGreaterThan(0);
    expect(widths.length - narrow).toBeGreaterThan(5);
  });
});
