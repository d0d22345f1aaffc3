// States of a host in memory that apt, systemd, snapd, etckeeper and the program itself mend.

import { type FakeHost, ok } from "../fake-host.ts";
import { mirrors } from "../runner/prepared-runner.ts";
import { type Case, removeNginx } from "./cases.ts";

const program = "/usr/local/bin/edox-ops";
const lists = "/var/lib/apt/lists/deb.test_debian_dists_bookworm_InRelease";
const synchronized = "/run/systemd/timesync/synchronized";

/** Lets a host accept this command, with what it does. */
function teach(host: FakeHost, line: string, act: () => void): void {
  host.taught.unshift((argv) => {
    if (argv.join(" ") !== line) return undefined;
    act();
    return ok();
  });
}

/** A program with an earlier version beside it, to which it can roll back. */
function rollsBack(host: FakeHost, attributes: { mode: number; uid: number }): void {
  host.put(program, "this one", attributes);
  host.put("/usr/local/bin/.edox-ops.previous", "the one before", { mode: 0o755 });
  host.taught.unshift(([name]) => (name === "/usr/local/bin/.edox-ops.previous" ? ok("0.1.9\n") : undefined));
}

export const upkeepCases: Case[] = [
  {
    of: 'hardening/updates-checks.ts ["sudo", "unattended-upgrade", "--verbose"]',
    async state(host) {
      host.put("/etc/apt/apt.conf.d/20auto-upgrades", 'APT::Periodic::Unattended-Upgrade "1";\n');
      await host.sleep(5 * 86_400_000);
      teach(host, "unattended-upgrade --verbose", () =>
        host.put("/var/lib/apt/periodic/unattended-upgrades-stamp", ""),
      );
    },
    from: "host:security-updates-run",
  },
  {
    of: 'problem/roots-alone.ts ["sudo", "chmod", "go-w", part]',
    state: (host) => rollsBack(host, { mode: 0o777, uid: 0 }),
    from: "self-update --rollback --dry-run",
  },
  {
    of: 'problem/roots-alone.ts ["sudo", "chmod", "go-w", part]',
    state(host) {
      rollsBack(host, { mode: 0o755, uid: 0 });
      host.dir("/usr/local/bin", { mode: 0o777 });
    },
    from: "self-update --rollback --dry-run",
  },
  {
    of: 'problem/roots-alone.ts ["sudo", "chown", "root:root", part]',
    state: (host) => rollsBack(host, { mode: 0o755, uid: 1000 }),
    from: "self-update --rollback --dry-run",
  },
  {
    of: 'doctor/apt.ts ["sudo", "apt-get", "update"]',
    state(host) {
      host.remove(lists);
      teach(host, "apt-get update", () => host.put(lists, ""));
    },
    from: "apt:sources",
  },
  {
    of: 'doctor/upkeep.ts ["sudo", "systemctl", "reboot"]',
    state(host) {
      host.put("/run/reboot-required", "");
      host.put("/run/reboot-required.pkgs", "libc6\n");
      // /run is empty after a boot.
      teach(host, "systemctl reboot", () => host.remove("/run/reboot-required"));
    },
    from: "host:reboot",
  },
  {
    of: 'doctor/upkeep.ts ["timedatectl", "set-ntp", "true"]',
    state(host) {
      host.remove(synchronized);
      host.put("/usr/lib/systemd/systemd-timesyncd", "");
      teach(host, "timedatectl set-ntp true", () => host.put(synchronized, ""));
    },
    from: "host:time",
  },
  {
    of: 'resources/ready.ts ["sudo", "timedatectl", "set-ntp", "true"]',
    state(host) {
      removeNginx(host);
      const { now } = host;
      host.now = () => now() - 1.7e12;
      teach(host, "timedatectl set-ntp true", () => {
        host.now = now;
      });
    },
    from: "bootstrap --yes",
  },
  {
    of: 'resources/etckeeper.ts ["sudo", "etckeeper", "commit", "before edox-ops"]',
    state(host) {
      removeNginx(host);
      host.put("/usr/bin/etckeeper", "");
      host.put("/etc/etckeeper/etckeeper.conf", "AVOID_COMMIT_BEFORE_INSTALL=1\n");
      let isClean = false;
      host.taught.unshift(([name, verb]) => {
        if (name !== "etckeeper") return undefined;
        if (verb === "commit") isClean = true;
        return { code: verb === "unclean" && isClean ? 1 : 0, stdout: "", stderr: "" };
      });
    },
    from: "bootstrap --yes",
  },
  {
    of: 'docker/recipe.ts ["sudo", "snap", "start", "docker"]',
    state(host) {
      host.link("/snap/docker/current", "2893");
      // The engine of the snap listens at the same socket as that of the package.
      teach(host, "snap start docker", () => host.put("/run/docker.sock", ""));
    },
    from: `gitlab-runner prepare-ci-host --yes --only docker.install ${mirrors.join(" ")}`,
  },
];
