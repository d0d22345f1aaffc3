// The outside of a Debian in memory: the network of the proof, and its sshd, which lets in who has the throwaway key.

import { decidingLines, readSshdConfig } from "../../src/ssh/config.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const refusal = { code: 255, stdout: "", stderr: "Permission denied (publickey).\n" };

/** Returns whether sshd lets the user in with a key: root only without PermitRootLogin no. */
function letsIn(host: FakeHost, user: string): boolean {
  const uid = new RegExp(`^${user}:[^:]*:(\\d+):`, "m").exec(host.text("/etc/passwd") ?? "")?.[1];
  const [line] = decidingLines(readSshdConfig(host), "PermitRootLogin", { user, groups: [] });
  const home = user === "root" ? "/root" : `/home/${user}`;
  const hasKey = host.text(`${home}/.ssh/authorized_keys`)?.includes("edox-ops-probe") === true;
  return hasKey && (uid !== "0" || line?.words[0] !== "no");
}

/** Adds the outside to a host. `letsInUser`: what decides whether a user gets in. */
export function addOutside(host: FakeHost, letsInUser = (user: string): boolean => letsIn(host, user)): void {
  const { probe } = host;
  host.probe = async (argv, options) => {
    if (argv[0] !== "unshare") return probe(argv, options);
    options?.onOutput?.("42 (cat) S 1 ");
    for await (const _ of options?.input ?? []) break;
    return ok();
  };
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  host.dir("/proc/77");
  host.taught.unshift((argv) => {
    const [program, ...words] = argv;
    const line = argv.join(" ");
    if (line === "ip -j address show up scope global") {
      return ok(JSON.stringify([{ ifname: "eth0", addr_info: [{ local: "192.0.2.1" }] }]));
    }
    if (line === "ip -j -4 route show default") return ok(JSON.stringify([{ dev: "eth0" }]));
    if (/^(?:ip|tee|ip6?tables-save|nft)$/.test(program ?? "")) return ok();
    if (program === "ss") return ok('LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=77,fd=3))\n');
    if (line === "systemctl show --property=ActiveState,Listen ssh.socket") return ok("ActiveState=inactive\n");
    if (program === "date") return ok("20270401000000\n");
    if (program === "ssh-keygen") {
      const path = words.at(-1) ?? "";
      host.put(path, "private", { mode: 0o600 });
      host.put(`${path}.pub`, `ssh-ed25519 AAAAC3Nz ${words[words.indexOf("-C") + 1]}\n`);
      return ok();
    }
    if (program === "sudo" && words[0] === "-l") {
      const name = words.at(-1);
      const isAdmin = name === "alice" || host.stat(`/etc/sudoers.d/edox-ops-admin-${name}`) !== null;
      return isAdmin ? ok("    (ALL : ALL) NOPASSWD: ALL\n") : { code: 1, stdout: "", stderr: "" };
    }
    if (program !== "nsenter") return undefined;
    if (!words.includes("ssh")) return ok();
    const user = words[words.indexOf("-l") + 1] ?? "";
    if (user === "probe") return { code: 255, stdout: "", stderr: "ssh: connect to host 192.0.2.1: refused\n" };
    return letsInUser(user) ? ok() : refusal;
  });
}
