// host ssh-harden and host admin on hosts with a real sshd. This machine is outside, and logs in as the admin does.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { decidingLines, readSshdConfig } from "../../src/ssh/config.ts";
import { suites } from "./base.ts";
import { soak, testsOn } from "./rounds.ts";
import { type Ended, must, run } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { hintsUntilFine, typedHint } from "./typed-hint.ts";
import { withSsh } from "./with-ssh.ts";

const dropIn = "/etc/ssh/sshd_config.d/00-edox-ops.conf";
const done = `SSH hardened via ${dropIn} (password/root login disabled).\n`;

for (const suite of suites) {
  describe(`hardening of SSH on ${suite}:`, () => {
    const testOn = testsOn(suite);
    let host: TestHost;
    let dir: string;
    let publicKey: string;

    const sh = (script: string): string => {
      const { code, stdout, stderr } = host.sh(script);
      if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
      return stdout;
    };
    const harden = (flags = ""): Ended => host.sh(`edox-ops host ssh-harden --yes ${flags}`);

    /** Logs in from this machine. */
    function login(user: string, words: readonly string[] = ["true"], flags: readonly string[] = []): Ended {
      const options = ["BatchMode=yes", "LogLevel=ERROR", "ConnectTimeout=3", "StrictHostKeyChecking=no"];
      const all = [...options, "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"].flatMap((each) => ["-o", each]);
      const command = ["ssh", "-F", "none", "-n", "-i", `${dir}/key`, ...all, ...flags];
      // sshd closes its port for a moment while it loads its files.
      for (let tries = 1; ; tries++) {
        const ended = run([...command, `${user}@${host.address}`, ...words]);
        if (tries === 20 || !/Connection (refused|reset|closed)/.test(ended.stderr)) return ended;
        Bun.sleepSync(100);
      }
    }

    const logsIn = (user: string): boolean => login(user).code === 0;
    /** Returns the methods that sshd offers a user whose key it does not accept. */
    const offered = (user: string): string =>
      /Permission denied \((.*)\)/.exec(login(user, ["true"], ["-o", "PubkeyAuthentication=no"]).stderr)?.[1] ?? "";
    const state = (): string => host.listing("/etc", "/home", "/root/.ssh");

    /** Adds a user with the key of this machine. */
    function addUser(name: string): void {
      sh(`useradd -m -s /bin/bash ${name} && install -d -m 700 -o ${name} -g ${name} /home/${name}/.ssh &&
        echo '${publicKey}' >/home/${name}/.ssh/authorized_keys && chown ${name}: /home/${name}/.ssh/authorized_keys`);
    }

    /** Brings the host to its first state: only root has a key. */
    function reset(): void {
      sh(`rm -rf /etc/ssh/sshd_config.d/* /etc/edox-ops/host.json /etc/edox-ops/replaced /etc/sudoers.d/*
        cp /root/sshd_config /etc/ssh/sshd_config
        for name in admin guest; do id $name >/dev/null 2>&1 && { pkill -KILL -u $name; userdel -rf $name; }; done 2>/dev/null
        echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/99-test.conf
        sshd -t 2>/dev/null || rm /etc/ssh/sshd_config.d/99-test.conf
        systemctl stop ssh.socket; systemctl reset-failed; systemctl restart ssh`);
    }

    function withAdmin(): void {
      reset();
      addUser("admin");
      sh("echo 'admin ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin");
    }

    beforeAll(async () => {
      dir = mkdtempSync(`${tmpdir()}/edox-ssh-`);
      must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "outside", "-f", `${dir}/key`]);
      publicKey = readFileSync(`${dir}/key.pub`, "utf8").trim();
      host = await TestHost.bare(suite, undefined, undefined, await withSsh(suite));
      sh(`cp /etc/ssh/sshd_config /root; install -d -m 700 /root/.ssh; echo '${publicKey}' >/root/.ssh/authorized_keys
        echo '${publicKey}' >/root/key.pub`);
      reset();
    });
    afterAll(() => {
      host?.down();
      rmSync(dir, { recursive: true });
    });

    const refused: [state: string, arrange: string, says: RegExp][] = [
      ["only root has a key", "userdel -rf admin; rm /etc/sudoers.d/admin", /only root can log in and become root/],
      ["the sudo user has no password", "rm /etc/sudoers.d/admin; usermod -aG sudo admin", /only root can log in/],
      ["the account is expired", "chage --expiredate 1 admin", /only root can log in/],
      ["the shell is nologin", "usermod -s /usr/sbin/nologin admin", /only root can log in/],
      ["others may change the directory of the keys", "chmod 777 /home/admin/.ssh", /only root can log in/],
      [
        "AllowUsers names others",
        "echo 'AllowUsers root' >/etc/ssh/sshd_config.d/20-a.conf; systemctl reload ssh",
        /only root can log in/,
      ],
      ["the server is stopped", "systemctl stop ssh", /ssh\.service is not active/],
      [
        "a line is above Include",
        "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config",
        /sshd_config:1 sets PasswordAuthentication yes/,
      ],
      ["there is no Include line", "sed -i /^Include/d /etc/ssh/sshd_config", /no line that includes/],
      [
        "a Match block elsewhere lets root in",
        "printf 'Match Address 10.0.0.0/8\\nPermitRootLogin yes\\n' >>/etc/ssh/sshd_config",
        /sets PermitRootLogin yes in a Match block for root/,
      ],
      [
        "a Match block elsewhere accepts a password",
        "printf 'Match User admin\\nPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/60-x.conf",
        /60-x\.conf:2 sets PasswordAuthentication yes in a Match block for admin/,
      ],
    ];
    const some = suite === "bookworm" || soak ? refused : refused.slice(0, 1);
    test.each(some)("nothing is changed if %s", (_, arrange, says) => {
      withAdmin();
      sh(arrange);
      const before = state();
      const { code, stderr } = harden();
      expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
      expect(state()).toBe(before);
      expect(host.sh("ls /etc/systemd/system /var/lib/edox-ops/journal | grep edox-ops-recover").stdout).toBe("");
    });

    // With its own files, sshd would listen elsewhere, nowhere, or refuse everyone: a rollback cannot take that back.
    const pending: [what: string, line: string][] = [
      ["an address that the host does not have", "ListenAddress 192.0.2.1"],
      ["another port", "Port 2222"],
      ["a user who is refused", "DenyUsers admin"],
    ];
    test.each(pending)("nothing is changed while sshd has not loaded %s, and all can log in as before", (_, line) => {
      withAdmin();
      const path = "/etc/ssh/sshd_config.d/90-site.conf";
      sh(`sleep 0.1; echo '${line}' >${path}; sshd -t`);
      const before = state();
      const { code, stderr } = harden();
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${path} was changed after sshd was last loaded`)]);
      expect(stderr).toContain("hint: systemctl reload ssh\n");
      expect([state(), logsIn("admin"), logsIn("root")]).toEqual([before, true, true]);
      sh(`rm ${path}`);
      expect(harden().stderr).toContain("/etc/ssh/sshd_config.d was changed after sshd was last loaded");
      expect(logsIn("admin")).toBe(true);
      sh("systemctl reload ssh");
      expect(harden()).toMatchObject({ code: 0, stdout: expect.stringContaining(done) });
    });

    testOn("bookworm", "it does the same in an odd environment, and reports what it cannot print", () => {
      withAdmin();
      const odd = "umask 077; unset HOME; LC_ALL=tr_TR PATH=/bin /usr/local/bin/edox-ops host ssh-harden --yes <&-";
      expect(host.sh(odd)).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining(done) });
      const first = state();
      const ends: [redirection: string, code: number, stderr: string][] = [
        ["", 0, ""],
        ["<&-", 0, ""],
        [">&-", 0, ""],
        [">/dev/full", 1, "error: stdout cannot be written: no space left on device\n"],
      ];
      for (const [redirection, code, stderr] of ends) {
        const { stdout: _, ...ended } = harden(redirection);
        expect([redirection, ended]).toEqual([redirection, expect.objectContaining({ code, stderr })]);
      }
      const gone = host.sh("mkdir /root/gone; cd /root/gone; rmdir /root/gone; edox-ops host ssh-harden --yes");
      expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("current working directory was deleted")]);
      expect(state()).toBe(first);
    });

    testOn("bookworm", "the hints lead to a hardened host", async () => {
      withAdmin();
      sh("sed -i /^Include/d /etc/ssh/sshd_config; echo 'PermitRootLogin yes' >/etc/ssh/sshd_config.d/00-a.conf");
      sh("systemctl stop ssh");
      expect(await hintsUntilFine(host, "edox-ops host ssh-harden --yes")).toEqual([
        "systemctl start ssh",
        "sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config",
        "sed -i '1s/^/#/' /etc/ssh/sshd_config.d/00-a.conf",
        "systemctl reload ssh",
      ]);
      expect(harden()).toMatchObject({ code: 0, stderr: "" });
      expect([logsIn("admin"), logsIn("root"), offered("admin")]).toEqual([true, false, "publickey"]);
    });

    test("host admin adds a user, with whom host ssh-harden refuses root and passwords and ends no session", async () => {
      reset();
      sh("printf 'PasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/50-cloud-init.conf; systemctl reload ssh");
      expect(offered("root")).toBe("publickey,password");
      expect(harden().stderr).toContain("hint: edox-ops host admin NAME --key FILE");
      expect(host.sh("edox-ops host admin admin --key - --yes </root/key.pub")).toMatchObject({
        code: 0,
        stderr: "",
        stdout: expect.stringContaining("admin can log in over SSH and become root with sudo.\n"),
      });
      expect(
        sh("getent shadow admin; ls -ld /home/admin/.ssh; stat -c '%a %U' /home/admin/.ssh/authorized_keys"),
      ).toMatch(/^admin:\*:.*\ndrwx------ 2 admin admin .*\n600 admin\n$/);
      const session = Bun.spawn(
        [
          "ssh",
          "-F",
          "none",
          "-i",
          `${dir}/key`,
          "-o",
          "BatchMode=yes",
          "-o",
          "StrictHostKeyChecking=no",
          "-o",
          "UserKnownHostsFile=/dev/null",
          "-o",
          "LogLevel=ERROR",
          `admin@${host.address}`,
          "echo up; read line; echo $line",
        ],
        { stdin: "pipe", stdout: "pipe" },
      );
      const lines = session.stdout.getReader();
      expect(new TextDecoder().decode((await lines.read()).value)).toBe("up\n");
      expect(login("admin", ["sudo", "edox-ops", "host", "ssh-harden", "--yes"])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(done),
      });
      session.stdin.write("still there\n");
      session.stdin.end();
      expect(new TextDecoder().decode((await lines.read()).value)).toBe("still there\n");
      expect([logsIn("admin"), logsIn("root"), offered("admin")]).toEqual([true, false, "publickey"]);
      expect(login("admin", ["sudo", "-n", "id", "-u"]).stdout).toBe("0\n");
      const effective = sh("sshd -T | grep -E '^(passw|kbdi|permitr|x11f|maxauth|loging|loglevel|allowagent)'")
        .trim()
        .split("\n");
      expect(effective.sort()).toEqual([
        "allowagentforwarding no",
        "kbdinteractiveauthentication no",
        "logingracetime 30",
        "loglevel VERBOSE",
        "maxauthtries 4",
        "passwordauthentication no",
        "permitrootlogin no",
        "x11forwarding no",
      ]);
      // A second run has nothing to do.
      const before = state();
      expect(harden()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok .*\nok .*\n/) });
      expect(
        host.sh("edox-ops host ssh-harden --check; edox-ops host admin admin --key /root/key.pub --check").code,
      ).toBe(0);
      expect(state()).toBe(before);
      const findings = JSON.parse(host.sh("edox-ops doctor --json").stdout).findings as {
        name: string;
        status: string;
      }[];
      expect(findings.filter(({ name }) => name.startsWith("host:ssh-"))).toMatchObject([
        { status: "ok" },
        { status: "ok" },
      ]);
    });

    testOn(
      "bookworm",
      "the file of the Python version is replaced, and an account with a locked password gets in with its key",
      () => {
        withAdmin();
        sh(`usermod -L admin; printf 'PasswordAuthentication no\\nPermitRootLogin no\\n' >/etc/ssh/sshd_config.d/edox-ops.conf
        systemctl reload ssh`);
        expect(logsIn("admin")).toBe(true);
        expect(harden()).toMatchObject({ code: 0, stderr: "" });
        expect(sh("ls /etc/ssh/sshd_config.d; ls /etc/edox-ops/replaced")).toMatch(
          /^00-edox-ops\.conf\n(99-test\.conf\n)?edox-ops\.conf\.\w+\n$/,
        );
        expect(logsIn("admin")).toBe(true);
      },
    );

    test("a host that a socket starts sshd on is hardened", () => {
      withAdmin();
      sh("systemctl stop ssh; rm -rf /run/sshd; systemctl start ssh.socket");
      expect(harden()).toMatchObject({ code: 0, stderr: "" });
      expect([logsIn("admin"), logsIn("root"), offered("admin")]).toEqual([true, false, "publickey"]);
      // Until the next connection, sshd has no directory, and prints no settings.
      sh("systemctl stop ssh; rm -rf /run/sshd");
      const doctor = (): string => host.sh("edox-ops doctor | grep host:ssh-harden").stdout;
      expect(doctor()).toContain("[WARN] host:ssh-harden: sshd does not print its settings");
      typedHint(host, doctor());
      expect(doctor()).toStartWith("[OK] ");
    });

    testOn("bookworm", "host unharden ssh: where the admin lost the key, root gets in again", () => {
      withAdmin();
      expect(harden()).toMatchObject({ code: 0, stderr: "" });
      sh("rm /home/admin/.ssh/authorized_keys");
      expect([logsIn("admin"), logsIn("root")]).toEqual([false, false]);
      const { code, stdout } = host.sh("edox-ops host unharden ssh --yes");
      expect([code, stdout]).toEqual([0, expect.stringContaining("applied without a proof")]);
      expect(stdout).toContain(`proven: root logs in at ${host.address}:22 from `);
      expect(logsIn("root")).toBe(true);
    });

    test("--allow-password and --modern: who may use a password, and which algorithms", () => {
      withAdmin();
      addUser("guest");
      sh("echo guest:secret | chpasswd; echo root:secret | chpasswd");
      expect(harden("--allow-password guest --modern")).toMatchObject({ code: 0, stderr: "" });
      expect([offered("guest"), offered("admin")]).toEqual(["publickey,password", "publickey"]);
      expect([logsIn("admin"), logsIn("root")]).toEqual([true, false]);
      const old = ["HostKeyAlgorithms=ecdsa-sha2-nistp256", "MACs=hmac-sha1", "KexAlgorithms=ecdh-sha2-nistp256"];
      for (const each of old)
        expect([each, login("admin", ["true"], ["-o", each, "-o", "Ciphers=aes128-ctr"]).code]).toEqual([each, 255]);
      expect(sh("cat /etc/edox-ops/host.json")).toBe(
        `${JSON.stringify({ ssh: { password_users: ["guest"], modern: true } }, null, 2)}\n`,
      );
      const passwords = /host:ssh-passwords: .*$/m;
      expect(passwords.exec(host.sh("edox-ops doctor --all").stdout)?.[0]).toEndWith(
        "only guest may log in with a password",
      );
      expect(harden("--allow-password none --no-modern")).toMatchObject({ code: 0, stderr: "" });
      expect([offered("guest"), existsSync(`${host.root}/etc/edox-ops/host.json`)]).toEqual(["publickey", false]);
      sh(`passwd -d root >/dev/null; passwd -l root >/dev/null; rm ${dropIn}; systemctl reload ssh`);
      expect(host.sh("edox-ops host logrotate --yes; edox-ops doctor --all").stdout).toContain(
        "a password is enough to log in as guest",
      );
    });

    testOn("bookworm", "host admin: what cannot work is undone, and hostile names and keys are refused", () => {
      reset();
      const admin = (words: string): Ended => host.sh(`edox-ops host admin ${words} --yes`);
      sh("echo 'AllowUsers root' >/etc/ssh/sshd_config.d/20-a.conf; systemctl reload ssh");
      expect(admin("guest --key /root/key.pub")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("guest cannot log in from outside"),
      });
      expect(
        sh("ls /etc/sudoers.d; getent passwd guest; getent group guest; ls -d /home/guest 2>/dev/null || true"),
      ).toBe("");
      reset();
      const before = state();
      writeFileSync(`${host.root}/root/bad.pub`, `command="id" ${publicKey}\n`);
      writeFileSync(`${host.root}/root/two.pub`, `${publicKey}\n${publicKey}\n`);
      for (const words of [
        ...[
          "root --key /root/key.pub",
          "www-data --key /root/key.pub",
          "'a b' --key /root/key.pub",
          "../x --key /root/key.pub",
        ],
        ...[
          "'ALL' --key /root/key.pub",
          "'%x' --key /root/key.pub",
          "'x,ALL' --key /root/key.pub",
          "-- --key /root/key.pub",
        ],
        ...[
          "guest --key /root/bad.pub",
          "guest --key /root/two.pub",
          "guest --key /dev/null",
          "guest --key /etc/ssh/ssh_host_ed25519_key",
        ],
        ...["guest --key /none", "guest"],
      ]) {
        const { code, stdout } = admin(words);
        expect([words, code === 1 || code === 2, stdout]).toEqual([
          words,
          true,
          expect.not.stringContaining("changed"),
        ]);
      }
      expect(state()).toBe(before);
      // A link of the user leads nowhere else.
      sh(
        "useradd -m -s /bin/bash guest; mkdir -m 700 /home/guest/.ssh; ln -s /etc/shadow /home/guest/.ssh/authorized_keys; chown -hR guest: /home/guest/.ssh",
      );
      const shadow = sh("sha256sum /etc/shadow");
      expect(admin("guest --key /root/key.pub").code).toBe(1);
      expect([sh("sha256sum /etc/shadow"), sh("ls /etc/sudoers.d")]).toEqual([shadow, ""]);
      // An existing user keeps the keys, and the line without an end gets one.
      sh(
        "rm /home/guest/.ssh/authorized_keys; printf 'ssh-ed25519 AAAA other' >/home/guest/.ssh/authorized_keys; chown guest: /home/guest/.ssh/authorized_keys",
      );
      expect(admin("guest --key /root/key.pub")).toMatchObject({ code: 0, stderr: "" });
      expect(sh("cat /home/guest/.ssh/authorized_keys")).toMatch(
        /^ssh-ed25519 AAAA other\nssh-ed25519 \S+ edox-ops-admin$/,
      );
      expect(login("guest", ["sudo", "-n", "id", "-u"]).stdout).toBe("0\n");
    });

    testOn("bookworm", "the lines that decide are those by which sshd decides, for generated configurations", () => {
      reset();
      sh(
        "rm -f /etc/ssh/sshd_config.d/99-test.conf; id admin 2>/dev/null || useradd admin; id guest 2>/dev/null || useradd guest; usermod -aG games guest",
      );
      const users = { root: ["root"], admin: ["admin"], guest: ["guest", "games"] };
      let seed = suite === "bookworm" ? 1 : 2;
      const pick = <T>(of: readonly T[]): T => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return of[Math.floor(seed / 65_536) % of.length] as T;
      };
      const line = () =>
        `${pick(["PasswordAuthentication ", "passwordauthentication\t", "PasswordAuthentication=", "#PasswordAuthentication ", "X11Forwarding "])}${pick(["yes", "no", '"no"'])}${pick(["", " # x"])}`;
      const match = () =>
        `Match ${pick(["User admin", "User guest,admin", "User *,!admin", "Group games", "Group *,!games", "all", "User a?min Group *", "User root"])}`;
      const text = (more: string[] = []) =>
        [...Array.from({ length: pick([0, 1, 2, 4]) }, () => pick([line, line, match])()), ...more].join("\n");
      const wrong: unknown[] = [];
      for (let i = 0; i < 25; i++) {
        const files = {
          [dropIn]: text(),
          "/etc/ssh/sshd_config.d/50-x.conf": text(),
          "/etc/ssh/sshd_config": `${text()}\nInclude /etc/ssh/sshd_config.d/*.conf\n${text()}\n`,
        };
        for (const [path, content] of Object.entries(files)) writeFileSync(host.root + path, `${content}\n`);
        const asked = Object.keys(users).map(
          (user) => `sshd -T -C user=${user},host=h,addr=10.0.0.1,laddr=10.0.0.2,lport=22 | grep ^passwordauth`,
        );
        const values = sh(asked.join("\n"))
          .trim()
          .split("\n")
          .map((each) => each.split(" ")[1]);
        const lines = readSshdConfig(host.asHost());
        for (const [at, [user, groups]] of Object.entries(users).entries()) {
          const found = decidingLines(lines, "PasswordAuthentication", { user, groups }).map(({ words }) => words[0]);
          if ((found[0] ?? "yes") !== values[at] || found.length > 1)
            wrong.push({ files, user, found, value: values[at] });
        }
      }
      expect(wrong).toEqual([]);
      reset();
    });
  });
}
