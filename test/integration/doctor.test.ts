// Tests doctor on real hosts: failed units, and keys that gpg created.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { TestHost } from "./test-host.ts";

for (const suite of suites) {
  describe(`doctor on ${suite}`, () => {
    let host: TestHost;
    beforeAll(async () => {
      host = await TestHost.bare(suite);
    });
    afterAll(() => host?.down());

    const line = (name: string): string =>
      host
        .run(["edox-ops", "doctor"])
        .stdout.split("\n")
        .find((each) => each.includes(` ${name}: `)) ?? "";

    /** Returns what the hint in a text prints when it is typed. */
    const typed = (text: string): string => {
      const hint = /^hint: (.*)$|\(run: (.*)\)$/m.exec(text) ?? [];
      const { stdout, stderr } = host.sh(hint[1] ?? hint[2] ?? "false");
      return stdout + stderr;
    };

    test("doctor: a unit that failed is named until it is reset, with and without the bus", () => {
      expect(line("host:units")).toBe("[OK] host:units: none has failed");
      host.sh("systemd-run --quiet --unit=broken --wait false");
      const told = "[WARN] host:units: failed: broken.service (run: systemctl status broken.service)";
      expect(line("host:units")).toBe(told);
      expect(typed(told)).toContain("Failed with result 'exit-code'");
      // No child inherits a bus address from the environment, or a program from PATH.
      const evil = "DBUS_SYSTEM_BUS_ADDRESS=unixexec:path=/usr/bin/touch,argv1=/run/evil";
      expect(host.run(["env", evil, "edox-ops", "doctor"]).stdout).toContain(told);
      expect(host.run(["test", "-e", "/run/evil"]).code).toBe(1);
      const bus = "/run/dbus/system_bus_socket";
      expect(host.sh(`mv ${bus} ${bus}.away; edox-ops doctor; mv ${bus}.away ${bus}`).stdout).toContain(told);
      host.sh("systemctl reset-failed");
      expect(line("host:units")).toBe("[OK] host:units: none has failed");
    });

    test("hint, typed as printed: a systemd that does not answer, and the limit of a unit, are shown", () => {
      // The bus is back before this command ends, because the test itself needs it for the next one.
      const { stdout: shown } = host.sh(`sockets="/run/dbus/system_bus_socket /run/systemd/private"
        for each in $sockets; do mv $each $each.away; done
        hint=$(edox-ops doctor | sed -n 's/.* host:units: .*(run: \\(.*\\))$/\\1/p'); echo "$hint"; $hint 2>&1
        for each in $sockets; do mv $each.away $each; done`);
      expect(shown).toMatch(/^systemctl is-system-running\n.*(offline|unknown|Failed to connect)/);
      const setting = "MemoryDenyWriteExecute=yes";
      const unit = `[Service]\\nType=oneshot\\nStandardError=file:/run/said\\nExecStart=/usr/local/bin/edox-ops bootstrap --yes\\n${setting}\\n`;
      host.sh(
        `printf '${unit}' >/etc/systemd/system/limited.service; systemctl daemon-reload; systemctl start limited`,
      );
      expect(typed(host.run(["cat", "/run/said"]).stdout)).toBe(`${setting}\n`);
      host.sh("rm /etc/systemd/system/limited.service; systemctl daemon-reload; systemctl reset-failed");
    });

    test("doctor: a pending reboot is reported", () => {
      host.sh("touch /run/reboot-required; echo libc6 >/run/reboot-required.pkgs");
      expect(line("host:reboot")).toContain("[WARN] host:reboot: asked for by libc6");
    });

    test("doctor: apt's file names for lists are recognized: nothing is missing after an update, and all are before", () => {
      expect(line("apt:sources")).toContain("[WARN] apt:sources: never fetched: ");
      host.sh("apt-get update -qq");
      expect(line("apt:sources")).toBe("[OK] apt:sources: each has been fetched");
      expect(line("apt:keys")).toContain("[OK] apt:keys: ");
    });

    test("doctor: a repository whose gpg key or subkey expires in 30 days causes a warning", () => {
      host.sh("apt-get install -y -qq --no-install-recommends gpg gpg-agent apt-utils >/dev/null");
      const made =
        host.sh(`set -e; export GNUPGHOME=/root/keys; mkdir -m 700 -p $GNUPGHOME /srv/repo /etc/apt/keyrings; cd /srv/repo
        g="gpg --batch --quiet --pinentry-mode loopback --passphrase ''"
        eval $g --quick-generate-key one@example.test rsa2048 sign 30d
        eval $g --quick-generate-key two@example.test ed25519 cert 0
        eval $g --quick-add-key $(gpg --list-keys --with-colons two@example.test | awk -F: '/^fpr/ {print $10; exit}') ed25519 sign 40d
        for name in one two; do
          mkdir -p $name; : >$name/Packages
          (cd $name; apt-ftparchive release . >../Release.$name; mv ../Release.$name Release)
          eval $g --local-user $name@example.test --clearsign --output $name/InRelease $name/Release
          echo "deb [signed-by=/etc/apt/keyrings/$name.asc] file:/srv/repo/$name ./" >/etc/apt/sources.list.d/$name.list
          gpg --armor --export $name@example.test >/etc/apt/keyrings/$name.asc
        done
        apt-get update -qq`);
      expect(made).toMatchObject({ code: 0 });
      const ends = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
      expect(line("apt:sources")).toBe("[OK] apt:sources: each has been fetched");
      expect(line("apt:keys")).toContain(
        `[WARN] apt:keys: the key of file:/srv/repo/one ./ expires on ${ends(30)}: get its successor`,
      );
      host.sh(
        "rm /etc/apt/sources.list.d/one.list; gpg --homedir /root/keys --export two@example.test >/etc/apt/keyrings/two.asc",
      );
      expect(line("apt:keys")).toContain(`[WARN] apt:keys: the key of file:/srv/repo/two ./ expires on ${ends(40)}`);
      host.sh("rm /etc/apt/keyrings/two.asc");
      expect(line("apt:sources")).toContain("[FAIL] apt:sources: /etc/apt/keyrings/two.asc is missing");
    });
  });
}
