// States of a host with a firewall, each with the hint that it produces.

import { typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { addUfw } from "../hardening/fake-ufw.ts";
import type { Case } from "./cases.ts";

const wants = "/etc/systemd/system/multi-user.target.wants";

/** Sets up the firewall of a host without an SSH server, and then brings it into the state. */
const withFirewall = (more: (host: FakeHost) => unknown) => async (host: FakeHost) => {
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  Object.assign(addUfw(host), { listening: [], configured: [] });
  const { exit, err } = await typed("host firewall --yes", host);
  if (exit !== 0) throw new Error(err);
  await more(host);
};

export const firewallCases: Case[] = [
  {
    of: 'hardening/firewall/ufw.ts ["sudo", "edox-ops", "host", "firewall", ...flagsOf(optionsOf(reader)), "--yes"]',
    state: withFirewall((host) => host.run(["ufw", "disable"])),
    from: "host:firewall",
  },
  {
    of: 'hardening/firewall/ufw.ts ["sudo", "ufw", "delete", ...text.split(" ")]',
    state: withFirewall((host) => host.run(["ufw", "deny", "8080"])),
    from: "host firewall --allow 8080 --yes",
  },
  {
    of: 'hardening/firewall/ufw.ts ["sudo", "ufw", "status", "numbered"]',
    state: withFirewall((host) => {
      const rules = host.text("/etc/ufw/user.rules") ?? "";
      const tuple = "### tuple ### deny tcp 8080 0.0.0.0/0 any 0.0.0.0/0 Dashboard - in\n";
      host.put("/etc/ufw/user.rules", rules.replace("### END", `${tuple}### END`), { mode: 0o640 });
    }),
    from: "host firewall --allow 8080 --yes",
    shows: "Status: active",
  },
  {
    of: 'hardening/firewall/foreign.ts ["sudo", "apt-get", "remove", name]',
    state: withFirewall((host) => host.run(["apt-get", "install", "iptables-persistent"])),
    from: "host firewall --allow 8080 --yes",
  },
  {
    of: 'hardening/firewall/foreign.ts ["sudo", "systemctl", "disable", ...now, unit]',
    state: withFirewall((host) => host.link(`${wants}/nftables.service`, "/lib/systemd/system/nftables.service")),
    from: "host firewall --allow 8080 --yes",
  },
  {
    of: 'hardening/firewall/docker-ports.ts ["sudo", "edox-ops", "host", "firewall", ...flagsOf({ ...options, docker: true }), "--yes"]',
    state: withFirewall((host) => {
      host.put("/run/docker.sock", "");
      const ports = [{ IP: "0.0.0.0", PublicPort: 8081, Type: "tcp" }];
      const body = new TextEncoder().encode(JSON.stringify([{ Id: "0123456789ab", Names: ["/web"], Ports: ports }]));
      host.served.unshift((_method, url) => (url.endsWith("/containers/json") ? { status: 200, body } : undefined));
    }),
    from: "host:docker-ports",
  },
];
