// Tests doctor on real hosts: failed units, limits, the clock, and keys that gpg created.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import { snapshot } from "../../src/engine/snapshot.ts";
import { units } from "../../src/resources/unit.ts";
import { suites } from "./base.ts";
import { atTerminal } from "./terminal.ts";
import { TestHost } from "./test-host.ts";
import { typedHint } from "./typed-hint.ts";

const unitFiles = `cd /etc/systemd/system
  printf '[Timer]\\nOnCalendar=yearly\\n[Install]\\nWantedBy=timers.target\\n' >u.timer
  printf '[Service]\\nType=oneshot\\nExecStart=true\\n' | tee u.service >/usr/lib/systemd/system/u-masked.service
  printf '[Socket]\\nListenStream=/run/u.sock\\nService=u.service\\n' >u.socket
  mkdir u.socket.d; printf '[Install]\\nWantedBy=sockets.target\\n' >u.socket.d/install.conf
  printf '[Service]\\nExecStart=sleep inf\\n[Install]\\nWantedBy=multi-user.target\\n' | tee u@.service >off.service
  printf '[Install]\\nDefaultInstance=default\\n' | cat u@.service - >u-template@.service
  printf '[Service]\\nExecStart=sleep inf\\n[Install]\\nRequiredBy=rescue.target\\nAlias=u-alias.service\\n' >other.service
  printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=true\\n[Install]\\nWantedBy=u.timer\\n' >u-oneshot.service
  systemctl daemon-reload; systemctl enable --now off`;

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

    test("doctor: a unit that failed is named until it is reset, with and without the bus", () => {
      expect(line("host:units")).toBe("[OK] host:units: no unit has failed");
      host.sh("systemd-run --quiet --unit=broken --wait false");
      const finding = "[WARN] host:units: failed: broken.service (run: systemctl status broken.service)";
      expect(line("host:units")).toBe(finding);
      expect(typedHint(host, finding)).toContain("Failed with result 'exit-code'");
      // No child inherits a bus address from the environment, or a program from PATH.
      const evil = "DBUS_SYSTEM_BUS_ADDRESS=unixexec:path=/usr/bin/touch,argv1=/run/evil";
      expect(host.run(["env", evil, "edox-ops", "doctor"]).stdout).toContain(finding);
      expect(host.run(["test", "-e", "/run/evil"]).code).toBe(1);
      const bus = "/run/dbus/system_bus_socket";
      expect(host.sh(`mv ${bus} ${bus}.away; edox-ops doctor; mv ${bus}.away ${bus}`).stdout).toContain(finding);
      host.sh("systemctl reset-failed");
      expect(line("host:units")).toBe("[OK] host:units: no unit has failed");
    });

    test("hint, typed as printed: a systemd that does not answer, and the limit of a unit, are shown", () => {
      // The bus is back before this command ends, because the test itself needs it for the next one.
      const { stdout: shown } = host.sh(`sockets="/run/dbus/system_bus_socket /run/systemd/private"
        for each in $sockets; do mv $each $each.away; done
        hint=$(edox-ops doctor | sed -n 's/.* host:units: .*(run: \\(.*\\))$/\\1/p'); echo "$hint"; $hint 2>&1
        for each in $sockets; do mv $each.away $each; done`);
      expect(shown).toMatch(/^systemctl is-system-running\n.*(offline|unknown|Failed to connect)/);
      const unit = "/etc/systemd/system/limited.service";
      const group = "/sys/fs/cgroup/system.slice/limited.service";
      // The newer hierarchy of a kernel with both may have no controller for processes: then the unit writes the file.
      const limited = `test -e ${group}/pids.max || { mount -t tmpfs none /sys/fs/cgroup; mkdir -p ${group}; echo 20 >${group}/pids.max; }`;
      for (const [setting, before] of [
        ["MemoryDenyWriteExecute=yes", "true"],
        ["TasksMax=20", limited],
      ] as const) {
        host.sh(`cat >${unit} <<'end'
[Service]
Type=oneshot
PrivateMounts=yes
StandardError=file:/run/said
ExecStart=/bin/sh -c '${before}; exec edox-ops bootstrap --yes'
${setting}
end
          rm -f /run/said; systemctl daemon-reload; systemctl start limited`);
        expect(typedHint(host, host.run(["cat", "/run/said"]).stdout)).toBe(`${setting}\n`);
      }
      host.sh(`rm ${unit}; systemctl daemon-reload; systemctl reset-failed`);
    });

    test("unit: timers, sockets, instances and services reach every state, agree with systemctl, and drift is repaired", async () => {
      host.sh(unitFiles);
      const declared = units([
        { unit: "u.timer", state: "enabled", active: true },
        { unit: "u.socket", state: "enabled", active: true },
        { unit: "u@one.service", state: "enabled", active: true },
        { unit: "other.service", state: "enabled" },
        { unit: "off.service", state: "disabled", active: false },
        { unit: "u-masked.service", state: "masked", active: false },
        { unit: "u-oneshot.service", state: "enabled", active: true },
        { unit: "u-template@.service", state: "enabled" },
      ]);
      const outcome = async (): Promise<string> => {
        const machine = host.asHost();
        const [result] = await converge([{ id: "units", title: "", resources: declared }], snapshot(machine), {
          act: machine,
        });
        return `${result?.outcome} ${result?.problem?.message ?? ""}`;
      };
      const states = (): string =>
        host.sh(`systemctl is-enabled u.timer u.socket u@one other off u-masked u-oneshot u-template@default
          systemctl is-active u.timer u.socket u@one off u-masked u-oneshot`).stdout;
      const wanted = [
        ...["enabled", "enabled", "enabled", "enabled", "disabled", "masked", "enabled", "enabled"],
        ...["active", "active", "active", "inactive", "inactive", "active", ""],
      ].join("\n");
      expect([await outcome(), await outcome(), states()]).toEqual(["changed ", "ok ", wanted]);
      expect(host.sh("ls /etc/systemd/system/*.target.wants /etc/systemd/system/*.target.requires").stdout).toMatch(
        /rescue\.target\.requires:\nother\.service/,
      );
      host.sh(`systemctl disable --now u.timer; systemctl stop u.socket u@one u-oneshot; systemctl mask --runtime u@one
        rm /etc/systemd/system/rescue.target.requires/other.service; systemctl enable --runtime --now off
        systemctl unmask u-masked; systemctl mask u-oneshot; systemctl disable u-template@default`);
      expect(states()).not.toBe(wanted);
      expect([await outcome(), await outcome(), states()]).toEqual(["changed ", "ok ", wanted]);
      host.sh("systemctl unmask u-masked; systemctl disable --now u.timer u.socket u@one other u-oneshot");
    });

    test("hint, typed as printed: a runner that was installed by hand, and failed, is shown", () => {
      // A fake: a program that fails, at the path of a manual installation.
      host.sh(`install -m 755 /dev/stdin /usr/local/bin/gitlab-runner <<'end'
#!/bin/sh
exit 7
end
        printf '[Service]\\nExecStart=/usr/local/bin/gitlab-runner run\\n' >/etc/systemd/system/gitlab-runner.service
        systemctl daemon-reload; systemctl start gitlab-runner`);
      expect(typedHint(host, line("runner:service"))).toContain("code=exited, status=7");
      host.sh(`rm /usr/local/bin/gitlab-runner /etc/systemd/system/gitlab-runner.service
        systemctl daemon-reload; systemctl reset-failed`);
    });

    test("doctor: a pending reboot is reported", () => {
      host.sh("touch /run/reboot-required; echo libc6 >/run/reboot-required.pkgs");
      expect(line("host:reboot")).toContain("[WARN] host:reboot: required by libc6");
    });

    test("doctor: apt's file names for lists are recognized: nothing is missing after an update, and all are before", () => {
      expect(line("apt:sources")).toContain("[WARN] apt:sources: the lists of these sources were never fetched: ");
      host.sh("apt-get update -qq");
      expect(line("apt:sources")).toBe("[OK] apt:sources: the lists of all sources have been fetched");
      expect(line("apt:keys")).toContain("[OK] apt:keys: ");
    });

    test("hint, typed as printed: the time server that has not answered is shown", () => {
      // It runs in no container by itself. The clock is that of this machine, and may not be set from here.
      const dropIn = `[Unit]
ConditionVirtualization=
ConditionCapability=
[Service]
AmbientCapabilities=
CapabilityBoundingSet=
SystemCallFilter=~@clock
`;
      const server = "[Time]\nNTP=127.0.0.1\n";
      const { code } = host.sh(`set -e; apt-get install -y -qq systemd-timesyncd >/dev/null
        cd /etc/systemd; mkdir -p system/systemd-timesyncd.service.d timesyncd.conf.d
        printf '${dropIn}' >system/systemd-timesyncd.service.d/powerless.conf
        printf '${server}' >timesyncd.conf.d/silent.conf
        systemctl daemon-reload; systemctl start systemd-timesyncd`);
      expect(code).toBe(0);
      const finding = line("host:time");
      expect(finding).toContain("[WARN] host:time: no time server has answered systemd-timesyncd since it was started");
      expect(typedHint(host, finding)).toMatch(/Server: 127\.0\.0\.1 [\s\S]*Packet count: 0\n/);
      host.sh("systemctl stop systemd-timesyncd");
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
      expect(line("apt:sources")).toBe("[OK] apt:sources: the lists of all sources have been fetched");
      expect(line("apt:keys")).toContain(
        `[WARN] apt:keys: the key of file:/srv/repo/one ./ expires on ${ends(30)}: install its successor`,
      );
      host.sh(
        "rm /etc/apt/sources.list.d/one.list; gpg --homedir /root/keys --export two@example.test >/etc/apt/keyrings/two.asc",
      );
      expect(line("apt:keys")).toContain(`[WARN] apt:keys: the key of file:/srv/repo/two ./ expires on ${ends(40)}`);
      host.sh("rm /etc/apt/keyrings/two.asc");
      expect(line("apt:sources")).toContain("[FAIL] apt:sources: the key of file:/srv/repo/two ./ is missing");
    });

    // These install packages, which takes most of their time.
    if (suite === "trixie") {
      test("doctor at a terminal: its commands alone set up a host, and recover one whose nginx is broken", () => {
        /** Types the first command of doctor until it prints none, and returns the commands. */
        const recover = (columns: number): string[] => {
          const typed: string[] = [];
          for (;;) {
            const shown = atTerminal(host, "edox-ops doctor --quiet", columns);
            const [, command] = /^ *→ (.*)$/m.exec(shown) ?? [];
            if (command === undefined) return typed;
            if (typed.length > 5) throw new Error(`${typed.join("\n")}\nstill fails:\n${shown}`);
            typed.push(command);
            host.sh(`${command} ${command.endsWith("bootstrap") ? "--yes" : ""}`);
          }
        };
        host.sh("rm -f /etc/apt/sources.list.d/two.list");
        expect(atTerminal(host, "edox-ops doctor", 80)).toBe("This host is not set up yet.\n→ edox-ops bootstrap\n");
        expect(recover(80)).toEqual(["edox-ops bootstrap"]);
        const publish = (slug: string) => `edox-ops project publish ${slug} --domain ${slug}.test --source /srv/pages`;
        const site = "/etc/nginx/sites-available/edox-ops-docs";
        expect(
          host.sh(`set -e; mkdir /srv/pages; echo home >/srv/pages/index.html
          ${["docs", "handbook", "manual"].map(publish).join("; ")}`).code,
        ).toBe(0);
        host.sh(`echo 'server { bogus; }' >${site}; systemctl restart nginx`);
        const shown = atTerminal(host, "edox-ops doctor", 80);
        expect(shown).toStartWith(
          `✖ nginx:config: unknown directive "bogus" in\n  /etc/nginx/sites-enabled/edox-ops-docs:1\n`,
        );
        expect(shown).toContain("\n  also failing because of it: nginx:active, host:units, project:docs,\n  project:");
        expect(shown).toContain("\n  affects: all 3 sites: docs, handbook, manual (offline)\n  → edox-ops ");
        expect(recover(80)).toEqual(["edox-ops project render-nginx docs", "edox-ops bootstrap --yes"]);
        expect(host.run(["curl", "-sS", "-H", "Host: docs.test", "http://127.0.0.1/"]).stdout).toBe("home\n");
        // A purge removes /etc/nginx, with the sites of edox-ops in it.
        host.sh("apt-get purge -y -qq nginx nginx-common >/dev/null");
        const purged = atTerminal(host, "edox-ops doctor", 80);
        expect(purged).toMatch(/^✖ package:nginx: nginx not installed\n {2}also failing because of it: nginx:sites, /);
        expect(purged).toMatch(/^✖ project:docs: [\s\S]*?\n {2}affects: http:\/\/docs\.test\/\n/m);
        const enable = ["docs", "handbook", "manual"].map((slug) => `edox-ops project enable ${slug}`);
        expect(recover(40)).toEqual(["edox-ops bootstrap --yes", ...enable]);
        expect(host.run(["curl", "-sS", "-H", "Host: docs.test", "http://127.0.0.1/"]).stdout).toBe("home\n");
      });

      test("hint, typed as printed: a cloud-init that has not ended, and a clock before that of a source, are shown", () => {
        /** Runs bootstrap with a clock that is 600 times as fast, so that ten minutes pass in a second. */
        const waited = (): string =>
          host.sh(`export LD_PRELOAD=$(dpkg -L libfaketime | grep '/libfaketime\\.so')
          FAKETIME="+0 x600" FAKETIME_DONT_FAKE_MONOTONIC=1 edox-ops bootstrap --yes`).stderr;
        const seed = "/var/lib/cloud/seed/nocloud";
        const installed = host.sh(`set -e; rm -f /etc/apt/sources.list.d/*.list; mkdir -p ${seed}; cd ${seed}
          echo 'instance-id: first' >meta-data; : >user-data
          apt-get install -y -qq --no-install-recommends cloud-init faketime >/dev/null
          # Only a bootstrap that has something to install waits.
          apt-get remove -y -qq rsync >/dev/null`);
        expect(installed.code).toBe(0);
        const early = waited();
        expect(early).toContain("error: packages.install: cloud-init is still running, and was so for 10 min\n");
        expect(typedHint(host, early)).toMatch(/^status: not started\n[\s\S]*enabled-by-generator/);

        const { stdout } =
          host.sh(`rm -r /run/cloud-init; rm -r /etc/apt/sources.list* /var/lib/apt/lists; mkdir /srv/newer; cd /srv/newer; : >Packages
          sum=$(sha256sum <Packages | cut -d ' ' -f 1); LC_ALL=C date -u -d '+2 days' '+%a, %d %b %Y %T UTC' | tee date
          printf 'Date: %s\\nSHA256:\\n %s 0 Packages\\n' "$(cat date)" $sum >Release
          echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list`);
        const late = waited();
        expect(late).toMatch(/these sources failed: .*\/srv\/newer\/\.\/\S* is not valid yet/);
        const day = /Universal time: \w+ (\S+) /.exec(typedHint(host, late))?.[1] ?? "";
        expect(Date.parse(day)).toBeLessThan(Date.parse(stdout));
      });
    }
  });
}
