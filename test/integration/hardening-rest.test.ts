// Updates, fail2ban, log rotation and the restrictions of nginx, with the real packages and a client from outside.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { soak } from "./rounds.ts";
import { must, run } from "./run.ts";
import type { TestHost } from "./test-host.ts";
import { typedHint } from "./typed-hint.ts";

const site = (host: TestHost, name = "demo.test", path = "/"): string =>
  host.sh(`curl -sS -o /dev/null -w '%{http_code}' -H 'Host: ${name}' http://127.0.0.1${path}`).stdout;

/** A network namespace of this machine that reaches the host by an address of its own. */
class Outside implements Disposable {
  private readonly name: string;
  readonly address: string;

  constructor(private readonly host: TestHost) {
    const [, , index] = host.address.split(".");
    this.name = `out-${index}`;
    this.address = `10.232.${index}.2`;
    const near = `10.232.${index}.1`;
    // A run that was killed leaves it, and no other host has this number.
    run(["ip", "netns", "delete", this.name]);
    must(["ip", "netns", "add", this.name]);
    must(["ip", "link", "add", `vo-${index}`, "type", "veth", "peer", "name", "out0", "netns", this.name]);
    must(["ip", "addr", "add", `${near}/30`, "dev", `vo-${index}`]);
    must(["ip", "link", "set", `vo-${index}`, "up"]);
    for (const words of [`addr add ${this.address}/30 dev out0`, "link set out0 up", `route add default via ${near}`]) {
      must(["ip", "-n", this.name, ...words.split(" ")]);
    }
  }

  run(...argv: string[]) {
    return run(["ip", "netns", "exec", this.name, ...argv]);
  }

  /** Returns the command line of a login with a key. */
  login(key: string, user: string, command = "true"): string[] {
    const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=3"];
    const flags = ["-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"];
    const argv = ["ip", "netns", "exec", this.name, "ssh", ...flags, ...options.flatMap((each) => ["-o", each])];
    return [...argv, `${user}@${this.host.address}`, command];
  }

  [Symbol.dispose](): void {
    run(["ip", "netns", "delete", this.name]);
  }
}

// On bookworm, fail2ban does not start without a package that it only recommends.
for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`hardening on ${suite}`, () => {
    let host: TestHost;
    const ops = (line: string) => host.sh(`edox-ops ${line}`);
    const key = (name: string): string => `${host.root}/root/${name}`;
    const named = (): string => host.sh("grep -rl edox-ops /etc | sort").stdout;
    const findings = (): Record<string, string> =>
      Object.fromEntries(
        JSON.parse(ops("doctor --json").stdout).findings.map((each: { name: string; status: string }) => [
          each.name,
          each.status,
        ]),
      );
    /** Everything in /etc that a run may change, apart from the kept copies. */
    const etc = (): string =>
      host.sh(
        "find /etc -not -path '/etc/edox-ops/replaced*' -printf '%p %y %m %U:%G %l\\n' | sort; cat /etc/apt/apt.conf.d/20auto-upgrades",
      ).stdout;

    beforeAll(async () => {
      host = await bootstrapped(suite);
      const install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server";
      expect(host.sh(`apt-get update -q && ${install}`).code).toBe(0);
      // sshd drops an address after a few failed logins, before fail2ban counts them.
      host.sh(
        "echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/test.conf; sshd -t || rm /etc/ssh/sshd_config.d/test.conf; systemctl restart ssh",
      );
      host.sh("mkdir -p /srv/site && echo home >/srv/site/index.html");
      expect(ops("project publish demo --domain demo.test --source /srv/site").code).toBe(0);
      for (const name of ["good", "wrong"]) must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key(name)]);
      host.sh(
        "useradd -m -s /bin/bash admin; install -d -m 700 -o admin -g admin /home/admin/.ssh; install -m 600 -o admin -g admin /root/good.pub /home/admin/.ssh/authorized_keys; echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin",
      );
    });
    afterAll(() => host?.down());

    test("host harden --all: succeeds in its first run, and has nothing to do in the second", () => {
      // A script of a user of sudo.
      expect(host.sh("SUDO_UID=1000 edox-ops host harden --all").stderr).toEndWith(
        "\nhint: sudo edox-ops host harden --all --yes\n",
      );
      const before = named();
      const first = ops("host harden --all --yes");
      expect([first.code, first.stderr]).toEqual([0, ""]);
      const second = ops("host harden --all --check");
      expect([second.code, second.stdout]).toEqual([0, expect.not.stringContaining("would")]);
      const found = findings();
      const names = ["security-updates", "security-updates-run", "fail2ban", "logrotate", "nginx"];
      expect(names.map((name) => [name, found[`host:${name}`]])).toEqual(names.map((name) => [name, "ok"]));
      expect(named()).not.toBe(before);
      const status = ops("host status").stdout.split("\n").filter(Boolean);
      expect(status.map((line) => line.replace(/ since.*/, ""))).toEqual(
        ["security-updates", "firewall", "fail2ban", "ssh", "logrotate", "nginx"].map((part) => `${part}: ok;`),
      );
    });

    test("security updates: unattended-upgrade runs, and a later file that turns it off is named", () => {
      expect(host.sh("unattended-upgrade --dry-run --debug").code).toBe(0);
      expect(host.sh("apt-config dump APT::Periodic::Unattended-Upgrade").stdout).toContain('"1"');
      host.sh(`echo 'APT::Periodic::Unattended-Upgrade "0";' >/etc/apt/apt.conf.d/99off`);
      expect(findings()["host:security-updates"]).toBe("error");
      const part = ops("host harden --yes");
      expect([part.code, part.stderr]).toEqual([1, expect.stringContaining("/etc/apt/apt.conf.d/99off")]);
      host.sh("rm /etc/apt/apt.conf.d/99off");
      expect(ops("host security-updates --reboot 03:30 --yes").code).toBe(0);
      expect(host.sh("apt-config dump Unattended-Upgrade::Automatic-Reboot-Time").stdout).toContain('"03:30"');
    });

    test("fail2ban: bans an address after wrong keys for an existing user, while others get in", async () => {
      using outside = new Outside(host);
      // The admin's session is of this machine, whose address is then never banned.
      const admin = ["ssh", "-F", "none", "-i", key("good"), "-o", "StrictHostKeyChecking=no"];
      const login = [...admin, "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", `admin@${host.address}`];
      const set = run([...login, "sudo edox-ops host fail2ban --yes"]);
      expect([set.code, set.stderr]).toEqual([0, ""]);
      expect(host.sh("fail2ban-client get sshd ignoreip").stdout).toContain(host.gateway);
      expect(run(outside.login(key("good"), "admin")).code).toBe(0);
      const banned = (): boolean => host.sh("fail2ban-client status sshd").stdout.includes(outside.address);
      for (let tries = 0; tries < 8 && !banned(); tries++) {
        const login = Bun.spawn(outside.login(key("wrong"), "admin"), { stdin: "ignore", stderr: "ignore" });
        // A ban also drops the packets of a login that has begun, which its client would wait for.
        while (login.exitCode === null && !banned()) await Bun.sleep(100);
        login.kill();
      }
      for (let polls = 0; polls < 30 && !banned(); polls++) await Bun.sleep(100);
      expect(banned()).toBe(true);
      const refused = run(outside.login(key("good"), "admin"));
      expect([refused.code, refused.stderr]).toEqual([255, expect.stringContaining("refused")]);
      const page = `curl -sS -o /dev/null -w %{http_code} -H Host:demo.test http://${host.address}/`;
      expect(outside.run(...page.split(" ")).stdout).toBe("200");
      expect(run([...login, "true"]).code).toBe(0);
      // A ban outlives a restart of fail2ban, which each change of the jail needs.
      expect(ops("host fail2ban --ssh-port 2200 --yes").code).toBe(0);
      expect(banned()).toBe(true);
      expect(host.sh("fail2ban-client unban --all").code).toBe(0);
    });

    test("fail2ban: failed proofs ban neither the operator nor the probe, and are ignored for their duration alone", () => {
      const ignored = (): string => host.sh("fail2ban-client get sshd ignoreip").stdout;
      host.sh(`fail2ban-client set sshd delignoreip ${host.gateway}`);
      const before = ignored();
      expect(before).not.toContain(host.gateway);
      // The operator is denied after the login, so that each proof fails from the own address.
      const denied = "/etc/ssh/sshd_config.d/20-denied.conf";
      const rounds = `for i in 1 2 3; do edox-ops host firewall --limit-ssh --yes; done`;
      const script = `echo DenyUsers admin >${denied}; systemctl reload ssh; ${rounds}; rm ${denied}; systemctl reload ssh`;
      const ssh = ["ssh", "-F", "none", "-i", key("good"), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes"];
      const login = [...ssh, "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", `admin@${host.address}`];
      const { stderr } = run(["timeout", "120", ...login, `sudo sh -c '${script}'`]);
      expect(stderr.match(new RegExp(`from ${host.gateway}: admin@.* Permission denied`, "g"))).toHaveLength(3);
      expect(host.sh("fail2ban-client status sshd").stdout).toMatch(/Banned IP list:\s*$/m);
      expect([ignored(), run([...login, "true"]).code]).toEqual([before, 0]);
    }, 120_000);

    // OpenSSH has its own penalties since 9.8.
    if (suite !== "bookworm") {
      test("fail2ban: beside sshd's own penalties, an address is refused after a few tries, and others get in", () => {
        const penalties = "/etc/ssh/sshd_config.d/test.conf";
        host.sh(`mv ${penalties} /root/test.conf; systemctl restart ssh`);
        using outside = new Outside(host);
        const said = Array.from({ length: 6 }, () => run(outside.login(key("wrong"), "stranger")).stderr);
        expect(said[0]).toContain("Permission denied");
        expect(said[5]).not.toContain("Permission denied");
        expect(run(outside.login(key("good"), "admin")).code).toBe(255);
        expect(run(["ssh", ...outside.login(key("good"), "admin").slice(5)]).code).toBe(0);
        host.sh(`mv /root/test.conf ${penalties}; systemctl restart ssh; fail2ban-client unban --all`);
      });
    }

    test("logrotate: rotates the logs, also after the mode of their directory was repaired", () => {
      const rotate = () => host.sh("logrotate -f /etc/logrotate.d/edox-ops");
      expect(rotate().code).toBe(0);
      expect(host.sh("ls /var/log/edox-ops/*.log.1").code).toBe(0);
      host.sh("chgrp adm /var/log/edox-ops; chmod 0775 /var/log/edox-ops");
      expect([rotate().code, rotate().stderr]).toEqual([1, expect.stringContaining("insecure permissions")]);
      expect(ops("host logrotate --yes").code).toBe(0);
      expect([rotate().code, rotate().stderr]).toEqual([0, ""]);
    });

    test("nginx: scores below 3.0, reloads, rotates, serves challenges, a deploy and a new site", () => {
      const score = /Overall exposure level for nginx.service: ([\d.]+)/.exec(
        host.sh("systemd-analyze security nginx --no-pager").stdout,
      )?.[1];
      expect(Number(score)).toBeLessThanOrEqual(3);
      expect(site(host)).toBe("200");
      expect(host.sh("nginx -t -q && systemctl reload nginx").code).toBe(0);
      host.sh(
        "mkdir -p /var/lib/edox-ops/acme/.well-known/acme-challenge; echo t >/var/lib/edox-ops/acme/.well-known/acme-challenge/t",
      );
      expect(site(host, "demo.test", "/.well-known/acme-challenge/t")).toBe("200");
      expect(ops("project publish more --domain more.test --source /srv/site").code).toBe(0);
      expect(ops("project deploy demo --source /srv/site").code).toBe(0);
      expect(site(host, "more.test")).toBe("200");
      expect(host.sh("logrotate -f /etc/logrotate.d/nginx").code).toBe(0);
      expect(site(host)).toBe("200");
      expect(host.sh("sleep 0.5; wc -l </var/log/nginx/edox-ops-demo.access.log").stdout.trim()).toBe("1");
      expect(host.sh("systemctl restart nginx").code).toBe(0);
    });

    test("nginx: a site that the restrictions would break keeps them from being applied", () => {
      const server = (name: string, root: string) => `server { listen 80; server_name ${name}; ${root} }`;
      host.sh("systemctl reset-failed nginx; edox-ops host unharden nginx --yes");
      expect(host.sh("ls /etc/systemd/system/nginx.service.d").code).not.toBe(0);
      host.sh(`mkdir -p /tmp/site /home/site /srv/logs; echo x >/tmp/site/index.html; echo x >/home/site/index.html
        echo '${server("tmp.test", "root /tmp/site;")}' >/etc/nginx/conf.d/foreign.conf; systemctl reload nginx; sleep 0.5`);
      expect(site(host, "tmp.test")).toBe("200");
      const refused = ops("host harden --all --only host.nginx.restrict --yes");
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("http://tmp.test:80/")]);
      // nginx did not find the page.
      expect(typedHint(host, refused.stderr)).toContain("/tmp/site/");
      expect([site(host, "tmp.test"), site(host)]).toEqual(["200", "200"]);
      host.sh("systemctl reset-failed nginx");
      // A home is read-only, and a log elsewhere may be written.
      const root = "root /home/site; access_log /srv/logs/home.log;";
      host.sh(`echo '${server("home.test", root)}' >/etc/nginx/conf.d/foreign.conf; systemctl reload nginx; sleep 0.5`);
      const applied = ops("host harden --all --only host.nginx.restrict --yes");
      expect([applied.code, applied.stderr]).toEqual([0, ""]);
      expect([site(host, "home.test"), host.sh("wc -l </srv/logs/home.log").stdout.trim()]).toEqual([
        "200",
        expect.stringMatching(/[1-9]/),
      ]);
      host.sh("rm /etc/nginx/conf.d/foreign.conf; systemctl reload nginx");
    });

    test("host unharden: leaves /etc as it was, with the packages, also after a run that was confirmed once", () => {
      const removed = ops("host unharden --yes");
      expect([removed.code, removed.stderr]).toEqual([0, ""]);
      expect(removed.stdout).toContain("These packages stay: fail2ban,");
      expect(host.sh("systemctl is-active fail2ban; systemctl is-enabled fail2ban").stdout).toBe(
        "inactive\ndisabled\n",
      );
      const before = etc();
      expect(before).not.toMatch(/edox-ops-sshd|52edox-ops|logrotate.d\/edox-ops|host\.json|nginx\.service\.d/);
      host.sh("systemctl reset-failed nginx");
      // One confirmation is enough for SSH and the firewall.
      const confirm = "until edox-ops host confirm --any-login; do sleep 0.2; done";
      const confirmed = host.sh(`edox-ops host harden --all --yes --confirm-within 2m & ${confirm}; wait $!`);
      expect([confirmed.code, confirmed.stdout.match(/The change is kept/g)]).toEqual([0, ["The change is kept"]]);
      expect(etc()).not.toBe(before);
      host.sh("systemctl reset-failed nginx");
      expect(ops("host unharden --yes").code).toBe(0);
      expect(etc()).toBe(before);
      expect(ops("host unharden --check").code).toBe(0);
      expect(site(host)).toBe("200");
    });
  });
}
