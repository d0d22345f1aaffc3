// The firewall on real hosts, seen from outside: what is open is exactly what was reported.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { suites } from "./base.ts";
import { openOn, SshClient, type Way } from "./outside.ts";
import { testsOn } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { typedHint } from "./typed-hint.ts";
import { withSsh } from "./with-ssh.ts";

/** Addresses of documentation, RFC 5737 and RFC 3849. */
const [client4, client6] = ["198.51.100.7", "2001:db8:5::7"];
const ports = [22, 25, 80, 443, 2022, 2200, 2222, 5432, 8080, 9000, 60_000];
const files = ["/etc/ufw/user.rules", "/etc/ufw/user6.rules", "/etc/ufw/ufw.conf", "/etc/default/ufw"];

for (const suite of suites) {
  describe(`firewall on ${suite}`, () => {
    const testOn = testsOn(suite);
    let host: TestHost;
    let ssh: SshClient;
    let ways: Record<"any4" | "any6" | "client4" | "client6", Way>;

    const firewall = (...flags: string[]) => host.run(["edox-ops", "host", "firewall", "--yes", ...flags]);
    const contents = () => files.map((path) => readFileSync(`${host.root}${path}`, "utf8"));
    const record = () => JSON.parse(readFileSync(`${host.root}/etc/edox-ops/host.json`, "utf8"));
    const doctor = (name: string) => {
      const { stdout } = host.run(["edox-ops", "doctor", "--json"]);
      return JSON.parse(stdout).findings.find((each: { name: string }) => each.name === name);
    };

    /** Expects exactly these ports to be open, and of the others those to a client. */
    async function expectOpen(any: number[], only: { client4?: number[]; client6?: number[] } = {}) {
      const sorted = (more: number[] = []) => [...any, ...more].sort((a, b) => a - b);
      expect(await openOn(ways, ports)).toEqual({
        any4: sorted(),
        any6: sorted(),
        client4: sorted(only.client4),
        client6: sorted(only.client6),
      });
    }

    /** Has sshd listen on these ports. */
    function listenOn(...numbers: number[]): void {
      const path = `${host.root}/etc/ssh/sshd_config.d/10-ports.conf`;
      writeFileSync(path, numbers.map((port) => `Port ${port}\n`).join(""));
      expect(host.sh("systemctl restart ssh")).toMatchObject({ code: 0 });
    }

    beforeAll(async () => {
      host = await TestHost.bare(suite, undefined, undefined, await withSsh(suite));
      host.addIpv6(client4, client6);
      ssh = new SshClient(host);
      // OpenSSH 9.8 and newer ban clients that connect often without a login.
      if (suite !== "bookworm") {
        writeFileSync(`${host.root}/etc/ssh/sshd_config.d/20-penalties.conf`, "PerSourcePenalties no\n");
      }
      expect(host.sh("install -d -m 0700 /root/.ssh").code).toBe(0);
      writeFileSync(`${host.root}/root/.ssh/authorized_keys`, ssh.publicKey, { mode: 0o600 });
      listenOn(22);
      const to = host.address;
      ways = {
        any4: { to, from: host.gateway },
        any6: { to: host.ipv6.host, from: host.ipv6.gateway },
        client4: { to, from: client4 },
        client6: { to: host.ipv6.host, from: client6 },
      };
    });
    afterAll(() => {
      host?.down();
      ssh?.[Symbol.dispose]();
    });

    test("host firewall: exactly the reported ports are open over IPv4 and IPv6, also after a reboot", async () => {
      await expectOpen(ports);
      const flags = ["--allow", "8080", "--allow", `5432@198.51.100.0/24`, "--allow", "9000/tcp@2001:db8:5::/64"];
      expect(firewall(...flags)).toMatchObject({ code: 0, stderr: "" });
      expect(record().firewall.opened).toEqual([
        ...["allow 22/tcp", "allow 80/tcp", "allow 443/tcp", "allow 8080/tcp"],
        "allow from 198.51.100.0/24 to any port 5432 proto tcp",
        "allow from 2001:db8:5::/64 to any port 9000 proto tcp",
      ]);
      const open = [22, 80, 443, 8080];
      await expectOpen(open, { client4: [5432], client6: [9000] });
      const before = contents();
      const again = firewall(...flags);
      expect([again.code, again.stdout.match(/^\w+/gm)]).toEqual([0, ["ok", "ok", "UFW"]]);
      expect(contents()).toEqual(before);
      expect(doctor("host:firewall")).toMatchObject({ status: "ok" });
      await host.reboot();
      await expectOpen(open, { client4: [5432], client6: [9000] });
      expect(ssh.login(22, host.gateway)).toMatchObject({ code: 0 });
      expect(host.run(["edox-ops", "host", "firewall", "--check", ...flags]).code).toBe(0);
    });

    testOn(
      "bookworm",
      "host firewall: a change that would lock the admins out is rolled back to the same bytes",
      async () => {
        const before = [...contents(), readFileSync(`${host.root}/etc/edox-ops/host.json`, "utf8")];
        const session = Bun.spawn(ssh.argv(22, host.gateway, ["cat"]), { stdin: "pipe", stdout: "pipe" });
        const { code, stderr } = firewall("--allow", "22@192.0.2.1");
        expect([code, stderr]).toEqual([1, expect.stringMatching(/logs in from outside.*rolled back/)]);
        expect([...contents(), readFileSync(`${host.root}/etc/edox-ops/host.json`, "utf8")]).toEqual(before);
        await expectOpen([22, 80, 443, 8080], { client4: [5432], client6: [9000] });
        expect(ssh.login(22, host.gateway)).toMatchObject({ code: 0 });
        // A session that was open before lives on, which proves nothing about new ones.
        session.stdin.write("still here\n");
        await session.stdin.end();
        expect(await session.stdout.text()).toBe("still here\n");
        expect(host.sh("ip netns list; ls /etc/systemd/system | grep recover").stdout).toBe("");
      },
    );

    testOn(
      "bookworm",
      "host firewall: the ports of sshd are open, not the one of the flag, and the former ones are closed",
      async () => {
        listenOn(2222);
        const { code, stderr, stdout } = firewall("--ssh-port", "22");
        expect([code, stdout + stderr]).toEqual([0, expect.stringContaining("does not listen on port 22")]);
        await expectOpen([80, 443, 2222]);
        expect(ssh.login(2222, host.gateway)).toMatchObject({ code: 0 });
        expect(firewall("--ssh-port", "2022")).toMatchObject({ code: 0, stderr: "" });
        await expectOpen([80, 443, 2022, 2222]);
        expect(host.sh("ufw allow 25/tcp").code).toBe(0);
        expect(firewall("--ssh-port", "2200")).toMatchObject({ code: 0, stderr: "" });
        await expectOpen([25, 80, 443, 2200, 2222]);
        expect(record().firewall.opened).not.toContain("allow 25/tcp");
      },
    );

    testOn(
      "bookworm",
      "host firewall: rules that name addresses are proven from the address of the admin's own session",
      async () => {
        const { code, stdout, stderr } = ssh.login(
          2222,
          client4,
          "edox-ops host firewall --yes --allow 2222/tcp@198.51.100.0/24 --ssh-port 2200",
        );
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toContain(`proven: root logs in at ${host.address}:2222 from ${client4}\n`);
        await expectOpen([25, 80, 443, 2200], { client4: [2222] });
        expect(ssh.login(2222, client4)).toMatchObject({ code: 0 });
      },
    );

    testOn("bookworm", "doctor: host:firewall is an error while ufw is disabled or SSH is not allowed", async () => {
      expect(host.sh("ufw delete allow from 198.51.100.0/24 to any port 2222 proto tcp").code).toBe(0);
      expect(doctor("host:firewall")).toMatchObject({ status: "error", detail: expect.stringContaining("2222") });
      // Here is no session whose address the rule allows.
      expect(typedHint(host, host.sh("edox-ops doctor | grep host:firewall:").stdout)).toContain(
        `proven: root logs in at ${host.address}:2222 from 198.51.100.1\n`,
      );
      expect(doctor("host:firewall")).toMatchObject({ status: "ok" });
      expect(host.sh("ufw disable").code).toBe(0);
      expect(doctor("host:firewall")).toMatchObject({ status: "error", detail: expect.stringContaining("not active") });
    });

    testOn("bookworm", "host firewall: where ufw was inactive, a failed proof disables it again", async () => {
      const path = `${host.root}/etc/ufw/before.rules`;
      const text = readFileSync(path, "utf8");
      const drop = "-A ufw-before-input -p tcp --dport 2222 -m conntrack --ctstate NEW -j DROP\n";
      writeFileSync(path, text.replace("# allow all on loopback\n", `${drop}$&`));
      appendFileSync(`${host.root}/etc/default/ufw`, "# A comment of the admin\nIPV6=no\n");
      const before = contents();
      const { code, stderr } = firewall();
      expect([code, stderr]).toEqual([1, expect.stringMatching(/login from outside.*rolled back/)]);
      expect(contents()).toEqual(before);
      expect(host.sh("ufw status").stdout).toBe("Status: inactive\n");
      expect(ssh.login(2222, host.gateway)).toMatchObject({ code: 0 });
      writeFileSync(path, text);
      expect(firewall("--limit-ssh")).toMatchObject({ code: 0, stderr: "" });
      await expectOpen([25, 80, 443, 2200, 2222]);
      expect(host.sh("grep IPV6 /etc/default/ufw; ufw status | grep LIMIT").stdout).toContain("IPV6=yes\n2200/tcp");
    });

    testOn("bookworm", "host unharden firewall: where ufw shuts out everyone, it is the repair", () => {
      expect(host.sh("ufw delete limit 2222/tcp").code).toBe(0);
      expect(ssh.login(2222, host.gateway).code).not.toBe(0);
      const { code, stdout } = host.run(["edox-ops", "host", "unharden", "firewall", "--yes"]);
      expect([code, stdout]).toEqual([0, expect.stringContaining("applied without a proof")]);
      expect(stdout).toContain(`proven: root logs in at ${host.address}:2222 from `);
      expect(ssh.login(2222, host.gateway)).toMatchObject({ code: 0 });
    });

    /** Adds a line to the rules of the admin, which ufw loads at its next reload. Returns what removes it. */
    function edit(line: string): () => void {
      const path = `${host.root}/etc/ufw/before.rules`;
      const text = readFileSync(path, "utf8");
      writeFileSync(path, text.replace("# allow all on loopback\n", `${line}\n$&`));
      return () => writeFileSync(path, text);
    }

    /** The rules in the kernel, without the counters of the chains. */
    const kernel = () =>
      host.sh("iptables-save -t filter; ip6tables-save -t filter").stdout.replace(/^#.*$|\[\d+:\d+\]/gm, "");

    const drop = "-A ufw-before-input -p tcp -m multiport --dports 22,2222 -j DROP";
    const edits: [what: string, line: string, says: RegExp, hint: string][] = [
      ["deny SSH", drop, /login from outside is no longer possible.*rolled back/, ""],
      ["are not valid", "-A ufw-before-input -j MISSING", /ufw reload failed.*rolled back/, "/etc/ufw/before.rules\n"],
    ];
    for (const [what, line, says, hint] of edits) {
      testOn("trixie", `host firewall: rules that ufw has not loaded and that ${what} shut out nobody`, () => {
        // ufw that the admin has enabled is not disabled by `host unharden`.
        host.sh(
          "ufw --force reset; rm -f /etc/edox-ops/host.json; ufw allow 2222/tcp; ufw allow 22/tcp; ufw --force enable",
        );
        expect(firewall("--allow", "25")).toMatchObject({ code: 0, stderr: "" });
        const [files, loaded] = [contents(), kernel()];
        const undo = edit(line);
        for (const command of ["firewall --allow 9000", "unharden firewall"]) {
          const { code, stderr } = host.sh(`edox-ops host ${command} --yes`);
          expect([command, code, stderr]).toEqual([command, 1, expect.stringMatching(says)]);
          expect(stderr).toContain(hint);
          expect([contents(), kernel()]).toEqual([files, loaded]);
        }
        undo();
        expect(firewall()).toMatchObject({ code: 0, stderr: "" });
      });
    }
  });
}
