// What lynis and ssh-audit find before and after the hardening, and how long the hardening takes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { suites } from "../integration/base.ts";
import { bootstrapped } from "../integration/bootstrapped.ts";
import { figure } from "../integration/rounds.ts";
import type { TestHost } from "../integration/test-host.ts";

interface Score {
  /** The hardening index of lynis. */
  index: number;
  warnings: number;
  /** What ssh-audit says to remove, and what it warns of. */
  sshFailures: number;
  sshWarnings: number;
}

const packages = "openssh-server openssh-client ufw fail2ban unattended-upgrades logrotate lynis ssh-audit";

for (const suite of suites) {
  describe(`scores of the hardening on ${suite}`, () => {
    let host: TestHost;
    let before: Score;

    function sh(script: string): string {
      const { code, stdout, stderr } = host.sh(script);
      if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
      return stdout;
    }

    function score(when: string): Score {
      sh("lynis audit system --quick --quiet --no-colors");
      const report = readFileSync(`${host.root}/var/log/lynis-report.dat`, "utf8");
      // Its exit code is not 0 if it finds anything.
      const audit = host.sh("ssh-audit --no-colors --timeout=10 127.0.0.1").stdout;
      expect(audit).toContain("(gen) banner: SSH-2.0");
      const lines = (mark: string): number => audit.split("\n").filter((line) => line.includes(`[${mark}]`)).length;
      const found = {
        index: Number(/^hardening_index=(\d+)$/m.exec(report)?.[1]),
        warnings: (report.match(/^warning\[\]=/gm) ?? []).length,
        sshFailures: lines("fail"),
        sshWarnings: lines("warn"),
      };
      const { index, warnings, sshFailures, sshWarnings } = found;
      const ssh = `ssh-audit ${sshFailures} failures, ${sshWarnings} warnings`;
      figure(`scores ${when}`, suite, 0, `lynis ${index}, ${warnings} warnings, ${ssh}`);
      return found;
    }

    /** Applies a command, and then again, when it has nothing to do. */
    function timed(command: string): void {
      for (const run of ["first", "converged"]) {
        const start = performance.now();
        const { code, stderr } = host.raw(["edox-ops", ...command.split(" "), "--yes"]);
        expect([command, code, stderr]).toEqual([command, 0, ""]);
        const seconds = (performance.now() - start) / 1000;
        figure(`${command}, ${run} run`, suite, seconds, `${seconds.toFixed(2)} s`);
      }
    }

    function expectNoWorse(after: Score): void {
      expect(after.index).toBeGreaterThan(before.index);
      for (const name of ["warnings", "sshFailures", "sshWarnings"] as const) {
        expect([name, after[name] <= before[name]]).toEqual([name, true]);
      }
    }

    beforeAll(async () => {
      host = await bootstrapped(suite);
      const install =
        "apt-get update -q >&2; DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends";
      sh(`${install} ${packages} >&2`);
      // Each connection of ssh-audit ends before a login, for which OpenSSH 9.8 and newer ban its address.
      sh(`echo 'PerSourcePenaltyExemptList 127.0.0.1' >/etc/ssh/sshd_config.d/99-test.conf
        sshd -t 2>/dev/null || rm /etc/ssh/sshd_config.d/99-test.conf
        systemctl restart ssh
        ssh-keygen -q -t ed25519 -N '' -f /root/admin
        edox-ops host admin admin --key /root/admin.pub --yes`);
      before = score("before");
    });
    afterAll(() => host?.down());

    test("host harden --all: lynis and ssh-audit find less than before", () => {
      timed("host ssh-harden");
      timed("host firewall");
      sh("edox-ops host unharden --yes");
      timed("host harden --all");
      expectNoWorse(score("after host harden --all"));
    });

    test("host ssh-harden --modern: ssh-audit finds nothing to remove", () => {
      timed("host ssh-harden --modern");
      const after = score("after host ssh-harden --modern");
      expectNoWorse(after);
      expect(after.sshFailures).toBe(0);
    });
  });
}
