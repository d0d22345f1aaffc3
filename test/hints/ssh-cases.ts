// States of a host with an SSH server, each with the hint that it produces.

import { typed } from "../cli/typed.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addSsh, config, debianConfig, publicKey } from "../hardening/ssh-host.ts";
import type { Case } from "./cases.ts";

const harden = "host ssh-harden --yes";
const bad = (host: FakeHost): void => host.put("/etc/ssh/sshd_config.d/70-bad.conf", "Bogus yes\n");
const badOption = "Bad configuration option";

/** Adds an SSH server, and then brings the host into the state. */
const withSsh = (more: (host: FakeHost) => unknown) => async (host: FakeHost) => {
  addSsh(host);
  host.put("/srv/k.pub", publicKey);
  await more(host);
};

const hardened = (more: (host: FakeHost) => unknown) =>
  withSsh(async (host) => {
    const { exit, err } = await typed(harden, host);
    if (exit !== 0) throw new Error(err);
    await more(host);
  });

/** Lets a program rewrite the line of bob in a file. */
function rewrites(host: FakeHost, program: string, path: string, after: string): void {
  host.taught.unshift(([name]) => {
    if (name !== program) return undefined;
    host.put(path, (host.text(path) ?? "").replace(/^bob:.*$/m, after));
    return ok();
  });
}

const bob = "host admin bob --key /srv/k.pub --yes";

export const sshCases: Case[] = [
  {
    of: 'hardening/ssh/server.ts ["sudo", "apt-get", "install", "openssh-server"]',
    state: withSsh((host) => {
      host.remove("/usr/sbin/sshd");
      host.taught.unshift(([program, verb]) => {
        if (program !== "apt-get" || verb !== "install") return undefined;
        host.put("/usr/sbin/sshd", "");
        return ok();
      });
    }),
    from: harden,
  },
  {
    of: 'hardening/ssh/server.ts ["sudo", "systemctl", "start", unit]',
    state: withSsh((host) => host.remove("/run/systemd/units/invocation:ssh.service")),
    from: harden,
  },
  { of: 'hardening/ssh/server.ts ["sudo", "sshd", "-t"]', state: withSsh(bad), from: harden, shows: badOption },
  { of: 'hardening/ssh/recipe.ts ["sudo", "sshd", "-t"]', state: hardened(bad), from: harden, shows: badOption },
  {
    of: 'hardening/ssh/recipe.ts ["getent", "passwd"]',
    state: withSsh((host) => {
      const { taught } = host;
      taught.unshift((argv) => (argv.join(" ") === "getent passwd" ? ok(host.text("/etc/passwd") ?? "") : undefined));
    }),
    from: `${harden} --allow-password carol`,
    shows: "alice",
  },
  {
    of: 'hardening/ssh/effective.ts ["sudo", "sed", "-i", `{line}s/^/#/`, path]',
    state: withSsh((host) => host.put(config, `PasswordAuthentication yes\n${debianConfig}`)),
    from: harden,
  },
  {
    of: 'hardening/ssh/effective.ts ["sudo", "sed", "-i", add, sshdConfigPath]',
    state: withSsh((host) => host.put(config, debianConfig.replace(/^Include.*\n/m, ""))),
    from: harden,
  },
  {
    of: 'hardening/ssh/checks.ts ["sudo", "edox-ops", "host", "ssh-harden", "--yes"]',
    state: withSsh((host) => host.put("/etc/ssh/sshd_config.d/edox-ops.conf", "PasswordAuthentication no\n")),
    from: "host:ssh-harden",
  },
  {
    of: 'hardening/ssh/checks.ts ["sudo", ...settingsCommand("root")]',
    state: hardened(bad),
    from: "host:ssh-harden",
    shows: badOption,
  },
  {
    of: 'hardening/admin.ts ["id", name]',
    state: withSsh(({ taught }) => taught.unshift(([program]) => (program === "id" ? ok("uid=0(root)\n") : undefined))),
    from: "host admin root --key /srv/k.pub --yes",
    shows: "uid=0(root)",
  },
  {
    of: 'hardening/admin.ts ["ls", "-ld", home]',
    state: withSsh((host) => host.dir("/home/carol")),
    from: "host admin carol --key /srv/k.pub --yes",
    shows: "drwx",
  },
  {
    of: 'hardening/admin.ts ["ls", "-ld", path]',
    state: withSsh((host) => host.put("/home/bob/.ssh", "")),
    from: bob,
    shows: "-rw",
  },
  {
    of: 'hardening/admin.ts ["sudo", "chage", "--expiredate", "-1", name]',
    state: withSsh((host) => {
      host.put("/etc/shadow", "bob:*:1:::::1:\n");
      rewrites(host, "chage", "/etc/shadow", "bob:*:1::::::");
    }),
    from: bob,
  },
  {
    of: 'hardening/admin.ts ["sudo", "mkhomedir_helper", name]',
    state: withSsh((host) => host.remove("/home/bob")),
    from: bob,
  },
  {
    of: 'hardening/admin.ts ["sudo", "usermod", "--shell", shell, name]',
    state: withSsh((host) => {
      host.put("/etc/passwd", "bob:x:1001:1001::/home/bob:/usr/sbin/nologin\n");
      rewrites(host, "usermod", "/etc/passwd", "bob:x:1001:1001::/home/bob:/bin/bash");
    }),
    from: bob,
  },
];
