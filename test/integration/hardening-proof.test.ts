// Proofs of logins on real hosts: who gets in from outside, compared with real sessions from this machine.

import { beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { aroundEach, ProofHost } from "./proof-host.ts";
import { soak } from "./rounds.ts";
import { must } from "./run.ts";
import { typedHint } from "./typed-hint.ts";

const dropIn = "/etc/ssh/sshd_config.d/test.conf";

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`proof on ${suite}`, () => {
    let on: ProofHost;

    const sshd = (text: string): void => {
      on.must(`printf '${text}' >${dropIn}; sshd -t && systemctl restart ssh`);
    };

    beforeAll(async () => {
      on = await ProofHost.up(suite);
    });
    aroundEach(() => on);

    test("proof: the operator logs in from the address of the own session, which goes on meanwhile", async () => {
      const ticks = Bun.spawn(on.session(["while sleep 0.05; do date +%s%N; done"]), { stdout: "pipe" });
      await Bun.sleep(500);
      const proof = on.prove();
      await Bun.sleep(300);
      ticks.kill();
      expect(proof).toMatchObject({ isOutside: true, reasons: [] });
      expect(proof.logins).toMatchObject([
        { user: { name: "admin", becomesRoot: "sudo", isOperator: true }, source: on.host.gateway },
      ]);
      const times = (await ticks.stdout.text())
        .trim()
        .split("\n")
        .map((each) => Number(each) / 1e6);
      const gaps = times.slice(1).map((each, i) => each - (times[i] as number));
      expect(times.length).toBeGreaterThan(10);
      expect(Math.max(...gaps)).toBeLessThan(1000);
      const { client, server, user, key } = on.sshSession() ?? {};
      expect([client?.address, server, user, key?.type]).toEqual([
        on.host.gateway,
        { address: on.host.address, port: 22 },
        "admin",
        "ED25519",
      ]);
      expect(on.onConsole<null>("session")).toBe(null);
    });

    test("proof: finds who logs in and becomes root, as real sessions do, whatever users have in their homes", () => {
      const states: Record<string, string> = {
        open: "chmod 777 /home/open/.ssh",
        expired: "usermod -e 1 expired",
        nologin: "usermod -s /usr/sbin/nologin nologin",
        locked: "passwd -l locked",
        nopass: "usermod -aG sudo nopass",
        pass: "usermod -aG sudo pass && echo pass:secret | chpasswd",
        denied: "true",
        matched: "true",
        forced: "true",
        fifo: "cd /home/fifo/.ssh && rm authorized_keys && mkfifo authorized_keys && chown fifo: authorized_keys",
        linked:
          "cd /home/linked/.ssh && mv authorized_keys a && ln -s a authorized_keys && chown -h linked: authorized_keys",
        dirlink: "cd /home/dirlink && mv .ssh s && ln -s /root/.ssh .ssh && chown -h dirlink: .ssh",
        hard: "cd /home/hard/.ssh && ln authorized_keys second",
        huge: "cd /home/huge/.ssh && yes '# comment' | head -c 2000000 >>authorized_keys",
        binary: "cd /home/binary/.ssh && printf '\\377\\376 \\000 no end' >>authorized_keys",
      };
      for (const [name, script] of Object.entries(states)) {
        on.addUser(name, ["locked", "expired", "binary"].includes(name) ? "sudo" : undefined);
        on.must(script);
      }
      on.addUser("command", undefined, 'command="/usr/bin/true"');
      on.addUser("late", undefined, 'expiry-time="20200101"');
      on.addUser("far", undefined, 'from="192.0.2.0/24,!10.0.0.0/8"');
      on.addUser("near", undefined, 'from="10.231.*",no-pty');
      on.must(`install -d -m 700 /root/.ssh; echo '${on.publicKey}' >/root/.ssh/authorized_keys`);
      sshd(
        "DenyUsers denied\\nPermitRootLogin forced-commands-only\\nMatch User matched\\nPubkeyAuthentication no\\nMatch User forced LocalPort 22\\nForceCommand /usr/bin/true\\n",
      );
      on.rememberKeys();
      const proof = on.prove();
      expect(on.remembered).toBe(on.keys());
      const becoming = Object.fromEntries(proof.logins.map(({ user }) => [user.name, user.becomesRoot]));
      expect(becoming).toEqual({
        admin: "sudo",
        binary: "sudo",
        locked: "sudo",
        near: null,
        nopass: null,
        pass: "password",
      });
      expect([...proof.reasons].sort()).toEqual([
        "command: has no key that opens a shell from here",
        expect.stringMatching(/^denied: .*Permission denied/),
        expect.stringMatching(/^dirlink: .* is a link of user /),
        "expired: its account has expired",
        "far: has no key that opens a shell from here",
        "fifo: /home/fifo/.ssh/authorized_keys is not a regular file",
        "forced: sshd has a ForceCommand for it",
        expect.stringMatching(/^hard: .*hard link/),
        "huge: /home/huge/.ssh/authorized_keys is larger than 1 MiB",
        "late: has no key that opens a shell from here",
        "linked: /home/linked/.ssh/authorized_keys is not a regular file",
        expect.stringMatching(/^matched: .*Permission denied/),
        expect.stringMatching(/^open: .*Permission denied/),
        "root: sshd has PermitRootLogin forced-commands-only",
      ]);
      // What sshd lets in although it is not proven: a link, two names, a large file, and a command in place of a shell.
      const unproven = ["command", "forced", "hard", "huge", "linked"];
      for (const user of [...Object.keys(states), "late", "far", "near", "root"]) {
        if (user === "nologin" || unproven.includes(user)) continue;
        expect([user, on.logsIn({ user })]).toEqual([user, on.names(proof).includes(user)]);
      }
    }, 60_000);

    if (soak) {
      test("proof: logins that never end, or print without an end, are named, and end", () => {
        for (const [name, script] of [
          ["slow", "sleep 600"],
          ["loud", "yes endless; yes endless >&2"],
          ["liar", "yes endless | head -c 60000000; echo 'Permission denied (publickey).' >&2; exit 255"],
        ]) {
          on.addUser(`${name}`);
          on.must(`echo "${script}" >/home/${name}/.bashrc`);
        }
        on.must("yes banner | head -c 50000000 >/etc/motd; cp /etc/motd /etc/issue.net");
        sshd("Banner /etc/issue.net\\nLoginGraceTime 0\\n");
        on.rememberKeys();
        const began = performance.now();
        const proof = on.prove();
        expect(performance.now() - began).toBeLessThan(60_000);
        expect(on.names(proof)).toEqual(["admin"]);
        expect([...proof.reasons].sort()).toEqual([
          expect.stringMatching(/^liar: .*: logged in, but: Permission denied/),
          expect.stringMatching(/^loud: .*: logged in, but: it did not end within 10 s$/),
          expect.stringMatching(/^slow: .*: logged in, but: it did not end within 10 s$/),
        ]);
        on.must(
          "cp /etc/pam.d/sshd /root/pam; sed -i '1i account required pam_exec.so /usr/bin/sleep 600' /etc/pam.d/sshd",
        );
        const { logins, reasons } = on.onConsole<ReturnType<ProofHost["prove"]>>("prove");
        on.host.raw(["pkill", "-KILL", "-f", "sleep 600"]);
        on.must("mv /root/pam /etc/pam.d/sshd; rm /etc/motd /etc/issue.net");
        expect([logins, reasons]).toEqual([
          [],
          expect.arrayContaining([expect.stringMatching(/^admin: .*: it did not end within 10 s$/)]),
        ]);
      }, 180_000);
    }

    test("proof: each port of sshd is tried, at the address that it listens on", () => {
      sshd("Port 22\\nPort 2222\\n");
      expect(on.prove({ port: 2222 }).logins.map(({ endpoint }) => endpoint.port)).toEqual([2222, 22]);
      sshd(`ListenAddress ${on.host.address}:2222\\nListenAddress 127.0.0.1:22\\n`);
      expect(on.prove({ port: 2222 }).logins).toMatchObject([
        { endpoint: { address: on.host.address, port: 2222 }, source: on.host.gateway },
      ]);
      sshd("ListenAddress 127.0.0.1\\n");
      const { code, hint } = on.onConsole<{ code: string; hint: string[] }>("prove");
      expect(code).toBe("precondition-failed");
      expect(typedHint(on.host, `hint: ${hint.join(" ")}`)).toContain("127.0.0.1:22");
    });

    test("proof: an ssh.socket is found, also if sshd was never used", () => {
      on.must("systemctl disable --now ssh.service && systemctl enable --now ssh.socket && rm -rf /run/sshd");
      expect(on.onConsole<object>("prove")).toMatchObject({
        logins: [{ user: { name: "admin", becomesRoot: "sudo", isOperator: false } }],
      });
      expect(on.prove().logins).toMatchObject([{ source: on.host.gateway, user: { isOperator: true } }]);
      on.must("systemctl disable --now ssh.socket && systemctl enable --now ssh.service");
    });

    test("proof: a rule of ufw that names addresses is proven with the operator's own", () => {
      on.addUser("other");
      on.rememberKeys();
      on.must(`ufw allow from ${on.host.gateway} to any port 22 proto tcp && ufw --force enable`);
      const proof = on.prove();
      expect([on.names(proof), proof.logins[0]?.source]).toEqual([["admin"], on.host.gateway]);
      expect(proof.reasons[0]).toMatch(/^other: .*timed out/);
      on.must("ufw --force reset");
    });

    test("proof: a session over IPv6 is proven from its own address", () => {
      const [ours, theirs] = ["fd4d:edd0:7::1", "fd4d:edd0:7::2"];
      const link = must(["ip", "-o", "route", "get", on.host.address]).match(/ dev (\S+)/)?.[1] as string;
      must(["ip", "-6", "address", "add", `${ours}/64`, "dev", link, "nodad"]);
      on.must(`ip -6 address add ${theirs}/64 dev host0 nodad`);
      const { logins } = on.prove({ address: theirs });
      expect(logins.map(({ endpoint, source }) => [endpoint.address, source])).toEqual([
        [theirs, ours],
        [on.host.address, expect.stringMatching(/^198\.18\./)],
      ]);
      on.must(`ip -6 address delete ${theirs}/64 dev host0`);
    });
  });
}
