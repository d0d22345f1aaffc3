// A Debian in memory with an SSH server. Its sshd prints the settings of its files.

import { decidingLines, readSshdConfig } from "../../src/ssh/config.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addOutside } from "./outside.ts";

export const dropIn = "/etc/ssh/sshd_config.d/00-edox-ops.conf";
export const config = "/etc/ssh/sshd_config";
/** The settings of Debian's file. */
export const debianConfig = `# This is the sshd server system-wide configuration file.
Include /etc/ssh/sshd_config.d/*.conf
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
`;

const defaults: Readonly<Record<string, string>> = {
  passwordauthentication: "yes",
  kbdinteractiveauthentication: "yes",
  permitrootlogin: "without-password",
  pubkeyauthentication: "yes",
  usepam: "no",
  x11forwarding: "no",
  maxauthtries: "6",
  logingracetime: "120",
  loglevel: "INFO",
  allowagentforwarding: "yes",
  authorizedkeysfile: ".ssh/authorized_keys",
  kexalgorithms: "curve25519-sha256,ecdh-sha2-nistp256",
  macs: "hmac-sha1",
  ciphers: "aes128-ctr",
  hostkeyalgorithms: "ssh-ed25519,ecdsa-sha2-nistp256",
  authenticationmethods: "any",
  allowusers: "",
};

/** The lists of an OpenSSH without mlkem, as in Debian 12. */
const lists: Readonly<Record<string, string>> = {
  kex: "diffie-hellman-group14-sha1\nsntrup761x25519-sha512\ncurve25519-sha256\necdh-sha2-nistp256\n",
  mac: "hmac-sha1\nhmac-sha2-512-etm@openssh.com\n",
  cipher: "3des-cbc\naes256-gcm@openssh.com\naes128-ctr\n",
  HostKeyAlgorithms: "ssh-ed25519\necdsa-sha2-nistp256\nrsa-sha2-512\n",
};

/** A user of {@link sshHost}, with a password and a shell. */
const account = (name: string, id: number): string => `${name}:x:${id}:${id}::/home/${name}:/bin/bash\n`;
export const hash = "$y$j9T$salt$hash";

/** A key of a person, as a public key file has it. */
export const publicKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)} a person\n`;

/**
 * Returns a host with root and alice, who have a key, and bob. alice and bob have a password, and alice may become root
 * with sudo.
 */
export function sshHost(options: Like = {}): FakeHost {
  const host = fakeDebian(options);
  addSsh(host);
  return host;
}

/** Adds the SSH server, its users and the outside to a host. */
export function addSsh(host: FakeHost): void {
  addOutside(host);
  const status = host.text("/var/lib/dpkg/status") ?? "";
  const names = ["openssh-server", "openssh-client", "iproute2", "sudo"];
  const packages = names.map((name) => `Package: ${name}\nStatus: install ok installed\nVersion: 1\n\n`);
  host.put("/var/lib/dpkg/status", status + packages.join(""));
  host.put("/usr/sbin/sshd", "");
  host.put(config, debianConfig);
  host.dir("/etc/ssh/sshd_config.d");
  host.dir("/run/sshd");
  host.dir("/home/alice", { mode: 0o700, uid: 1000, gid: 1000 });
  host.dir("/home/bob", { mode: 0o700, uid: 1001, gid: 1001 });
  host.dir("/root/.ssh", { mode: 0o700 });
  host.put("/root/.ssh/authorized_keys", publicKey, { mode: 0o600 });
  host.dir("/home/alice/.ssh", { mode: 0o700, uid: 1000, gid: 1000 });
  host.put("/home/alice/.ssh/authorized_keys", publicKey, { mode: 0o600, uid: 1000, gid: 1000 });
  host.dir("/etc/sudoers.d", { mode: 0o750 });
  host.put("/lib/systemd/system/ssh.service", "[Service]\n[Install]\nWantedBy=multi-user.target\n");
  host.link("/run/systemd/units/invocation:ssh.service", "0123456789abcdef");
  host.put("/etc/passwd", `root:x:0:0:root:/root:/bin/bash\n${account("alice", 1000)}${account("bob", 1001)}`);
  host.put("/etc/group", `${host.text("/etc/group")}alice:x:1000:\nbob:x:1001:\nsftp:x:900:bob\n`);
  host.put("/etc/shadow", `root:*:20000::::::\nalice:${hash}:20000::::::\nbob:${hash}:20000::::::\n`, { mode: 0o640 });
  host.taught.unshift(([program, ...words]) => {
    if (program === "ssh" && words[0] === "-Q") return ok(lists[words[1] ?? ""] ?? "");
    if (program !== "sshd") return undefined;
    if (host.stat("/run/sshd") === null) {
      return { code: 255, stdout: "", stderr: "Missing privilege separation directory: /run/sshd\n" };
    }
    const lines = readSshdConfig(host);
    const bogus = lines.find(({ keyword }) => keyword === "bogus");
    if (bogus) {
      const stderr = `${bogus.path}: line ${bogus.line}: Bad configuration option: Bogus\n`;
      return { code: 255, stdout: "", stderr };
    }
    if (words[0] === "-t") return ok();
    const user = /user=([^,]*)/.exec(words.at(-1) ?? "")?.[1] ?? "root";
    const groups = (host.text("/etc/group") ?? "")
      .split("\n")
      .filter((line) => line.startsWith(`${user}:`) || line.split(":")[3] === user)
      .map((line) => line.split(":")[0] ?? "");
    const values = Object.entries(defaults).map(([name, value]) => {
      const [line] = decidingLines(lines, name, { user, groups });
      return [name, line?.words.join(" ") ?? value];
    });
    return ok(values.flatMap(([name, value]) => (value === "" ? [] : [`${name} ${value}\n`])).join(""));
  });
  host.taught.unshift((argv) =>
    /^systemctl (try-restart|(try-)?reload-or-restart) ssh.service$/.test(argv.join(" ")) ? ok() : undefined,
  );
  host.taught.unshift(([program, ...words]) => {
    if (program !== "install" || words[0] !== "-d") return undefined;
    host.dir(words.at(-1) ?? "");
    return ok();
  });
}

/** Lets the journal name these users as logged in with a password. */
export function loggedInByPassword(host: FakeHost, ...names: string[]): void {
  const lines = names.map((name) => `Accepted password for ${name} from 203.0.113.9 port 40000 ssh2\n`);
  host.taught.unshift((argv) => {
    return argv[0] === "journalctl" && argv.join(" ").includes("Accepted (password") ? ok(lines.join("")) : undefined;
  });
}
