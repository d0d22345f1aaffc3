// A Debian in memory with what the host commands talk to: apt's settings, fail2ban, and an nginx that systemd restricts.

import type { Step } from "../../src/engine/step.ts";
import type { Like } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addUfw } from "./fake-ufw.ts";
import { sshHost } from "./ssh-host.ts";

const jail = "/etc/fail2ban/jail.d/edox-ops-sshd.local";
const dropIn = "/etc/systemd/system/nginx.service.d/edox-ops.conf";
const timers = ["apt-daily.timer", "apt-daily-upgrade.timer"];
const failed = (stderr: string) => ({ code: 1, stdout: "", stderr });

/** Returns a host with apt's timers and an SSH server, on which fail2ban reads its jail when it starts. */
export function hardenableHost(options: Like = {}): FakeHost {
  const host = sshHost(options);
  addUfw(host);
  host.dir("/etc/apt/apt.conf.d");
  for (const timer of timers) {
    host.put(`/lib/systemd/system/${timer}`, "[Install]\nWantedBy=timers.target\n");
    host.link(`/etc/systemd/system/timers.target.wants/${timer}`, `/lib/systemd/system/${timer}`);
  }
  /** What fail2ban has read. null: it does not run. */
  let loaded: string | null = null;
  const value = (key: string): string => new RegExp(`^${key} = (.*)$`, "m").exec(loaded ?? "")?.[1] ?? "";
  host.taught.unshift((argv) => {
    const [program, ...rest] = argv;
    const line = argv.join(" ");
    if (program === "apt-get" && rest.includes("install") && !rest.includes("--simulate")) {
      if (rest.includes("unattended-upgrades") && host.stat("/etc/apt/apt.conf.d/20auto-upgrades") === null) {
        const text = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n';
        host.put("/etc/apt/apt.conf.d/20auto-upgrades", text);
      }
      if (rest.includes("fail2ban") && loaded === null) {
        host.dir("/etc/fail2ban/jail.d");
        host.put("/lib/systemd/system/fail2ban.service", "[Install]\nWantedBy=multi-user.target\n");
        host.link(
          "/etc/systemd/system/multi-user.target.wants/fail2ban.service",
          "/lib/systemd/system/fail2ban.service",
        );
      }
      return undefined;
    }
    if (line === "apt-config dump APT::Periodic") {
      const names = host.list("/etc/apt/apt.conf.d") ?? [];
      return ok(names.map((name) => host.text(`/etc/apt/apt.conf.d/${name}`)).join(""));
    }
    if (line === `systemctl show --property=ActiveState -- ${timers.join(" ")}`) {
      return ok("ActiveState=active\nActiveState=active\n");
    }
    if (line === "fail2ban-client --test") return ok();
    if (line === "systemctl restart fail2ban.service") {
      loaded = host.text(jail) ?? "";
      host.link("/run/systemd/units/invocation:fail2ban.service", "0123456789abcdef");
      return ok();
    }
    if (program === "systemctl" && rest.at(-1) === "fail2ban.service") {
      if (rest[0] === "show") return ok(`ActiveState=${loaded === null ? "failed" : "active"}\n`);
      if (rest[0] === "stop") {
        loaded = null;
        host.nodes.delete("/run/systemd/units/invocation:fail2ban.service");
      } else host.nodes.delete("/etc/systemd/system/multi-user.target.wants/fail2ban.service");
      return ok();
    }
    if (program === "fail2ban-client") {
      if (loaded === null) return { code: 255, stdout: "", stderr: "Is fail2ban running?\n" };
      if (!loaded.includes("[sshd]")) return failed("Sorry but the jail 'sshd' does not exist\n");
      if (rest[0] === "status") return ok("Status for the jail: sshd\n   Journal matches: _SYSTEMD_UNIT=ssh.service\n");
      if (rest[2] === "actions") return ok("The jail sshd has the following actions:\nnftables\n");
      if (rest[2] === "action") return ok(`${value("port")}\n`);
      return ok(`${value("ignoreip").split(" ").join("\n|- ")}\n`);
    }
    if (line === "systemctl restart nginx") {
      const isRestricted = host.stat(dropIn) !== null;
      host.put("/proc/99/status", `Name:\tnginx\nNoNewPrivs:\t${isRestricted ? 1 : 0}\n`);
      host.link("/run/systemd/units/invocation:nginx.service", "fedcba9876543210");
      return ok();
    }
    if (program === "curl") return ok("200");
    if (program === "rmdir") {
      host.remove(`${rest[0]}`);
      return ok();
    }
    return undefined;
  });
  return host;
}

/** Returns the steps without the proof from outside, which a host in memory does not have. */
export function unguarded(steps: readonly Step[]): Step[] {
  return steps.map((step) => {
    const { armed, before, verify, journal, ...plain } = step;
    return armed === undefined ? step : plain;
  });
}
