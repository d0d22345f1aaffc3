// States of the SSH server that `project ci` reports.

import { type FakeHost, ok } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const keyPath = "/etc/ssh/ssh_host_ed25519_key.pub";

/** Gives the host an SSH server, which apt installs and systemd starts. sshd fails until it was started once. */
function sshServer(host: FakeHost, { isInstalled }: { isInstalled: boolean }): void {
  const runDir = "/run/sshd";
  const install = () => host.put(keyPath, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGhvc3Q root@demo\n");
  if (isInstalled) install();
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    if (argv.at(-1) === "ssh.socket") return ok("ActiveState=inactive\n");
    if (argv[0] === "apt-get") install();
    if (argv[0] === "apt-get" || line === "systemctl reload-or-restart ssh") host.dir(runDir);
    else if (line !== "sshd -T") return undefined;
    else if (host.stat(runDir) === null) return { code: 255, stdout: "", stderr: `Missing ${runDir}\r\n` };
    return ok("port 22\n");
  });
}

export const ciCases: Case[] = [
  {
    of: 'ssh/server.ts ["sudo", "apt-get", "install", "openssh-server"]',
    state: (host) => sshServer(host, { isInstalled: false }),
    from: "project ci demo",
  },
  {
    of: 'ssh/server.ts ["sudo", "systemctl", "start", "ssh"]',
    state: (host) => sshServer(host, { isInstalled: true }),
    from: "project ci demo",
  },
];
