// A ufw, an SSH server and an nftables in memory. Their state is in files, so that a dry run and a rollback can be compared.

import type { FakeHost } from "../fake-host.ts";
import { ok } from "../fake-host.ts";

export interface FakeUfw {
  /** The ports on which sshd of root listens. */
  listening: number[];
  /** The ports of its configuration. */
  configured: number[];
  /** The output of ss for further listeners. */
  others: string[];
  /** The rules of iptables in INPUT that are not of ufw. */
  input: string[];
  /** The chains that nft lists. */
  chains: string;
  /** Returns the result of a command that fails. */
  broken: (line: string) => string | undefined;
}

const files = { ipv4: "/etc/ufw/user.rules", ipv6: "/etc/ufw/user6.rules" };
const activePath = "/run/fake-ufw";
const unitPath = "/lib/systemd/system/ufw.service";
export const dockerUnitPath = "/etc/systemd/system/edox-ops-docker-firewall.service";
const tablePath = "/run/fake-nft-table";
const wants = "/etc/systemd/system/multi-user.target.wants";

/** Adds the programs. ufw comes with its package. */
export function addUfw(host: FakeHost): FakeUfw {
  const fake: FakeUfw = {
    ...{ listening: [22], configured: [22], others: [], input: [], chains: "", broken: () => undefined },
  };
  host.dir("/proc/858");
  const install = (): void => {
    if (host.stat("/usr/sbin/ufw") !== null) return;
    host.dir("/etc/ufw");
    host.put("/usr/sbin/ufw", "", { mode: 0o755 });
    host.put(unitPath, "[Service]\n[Install]\nWantedBy=multi-user.target\n");
    host.link(`${wants}/ufw.service`, unitPath);
    host.put("/etc/default/ufw", 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_OUTPUT_POLICY="ACCEPT"\n');
    host.put("/etc/ufw/ufw.conf", "ENABLED=no\n");
    for (const path of Object.values(files)) host.put(path, "### RULES ###\n### END RULES ###\n", { mode: 0o640 });
  };
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    const failure = fake.broken(line);
    if (failure !== undefined) return { code: 1, stdout: "", stderr: failure };
    const [program, ...rest] = argv;
    if (program === "apt-get" && rest.includes("install") && !rest.includes("--simulate") && rest.includes("ufw")) {
      install();
      return undefined;
    }
    if (program === "ufw") return ufw(host, rest);
    if (program === "apt-get" && rest[0] === "remove") {
      const all = (host.text("/var/lib/dpkg/status") ?? "").split("\n\n");
      host.put("/var/lib/dpkg/status", all.filter((each) => !each.startsWith(`Package: ${rest[1]}\n`)).join("\n\n"));
      return ok();
    }
    if (program === "systemctl" && rest[0] === "disable" && !line.includes("edox-ops")) {
      host.nodes.delete(`${wants}/${rest.at(-1)}.service`);
      return ok();
    }
    if (program === "ss") return ok([...fake.listening.map(sshdSocket), ...fake.others].join("\n"));
    if (line === "sshd -T") return ok(fake.configured.map((port) => `port ${port}\n`).join(""));
    if (line.startsWith("systemctl show --property=ActiveState,Listen ssh.socket")) return ok("ActiveState=inactive\n");
    if (line.endsWith("tables -S INPUT")) return ok(["-P INPUT DROP", ...fake.input].join("\n"));
    if (line === "nft list chains") return ok(fake.chains);
    if (line === "nft list table inet edox_ops_docker") {
      return host.stat(tablePath) === null ? { code: 1, stdout: "", stderr: "No such file or directory\n" } : ok();
    }
    if (program === "systemctl" && rest.at(-1) === "edox-ops-docker-firewall.service") return dockerUnit(host, rest);
    if (program === "journalctl") return ok();
    return undefined;
  });
  return fake;
}

/** Returns a line of ss for a listener of sshd. */
export function sshdSocket(port: number): string {
  return `LISTEN 0 128 0.0.0.0:${port} 0.0.0.0:* users:(("sshd",pid=858,fd=3))`;
}

function dockerUnit(host: FakeHost, words: readonly string[]) {
  const link = `${wants}/edox-ops-docker-firewall.service`;
  if (words[0] === "restart" || words[0] === "reload-or-restart") host.put(tablePath, "");
  if (words[0] === "stop" || words.includes("--now")) host.nodes.delete(tablePath);
  if (words[0] === "enable") host.link(link, dockerUnitPath);
  if (words[0] === "disable") host.nodes.delete(link);
  return ok();
}

function ufw(host: FakeHost, words: readonly string[]) {
  const [verb = ""] = words;
  const setConf = (path: string, from: RegExp, to: string) => host.put(path, host.text(path)?.replace(from, to) ?? "");
  if (verb === "status") return ok(`Status: ${host.stat(activePath) === null ? "inactive" : "active"}\n`);
  if (words.join(" ") === "--force enable") {
    host.put(activePath, "");
    setConf("/etc/ufw/ufw.conf", /ENABLED=no/, "ENABLED=yes");
  } else if (verb === "disable") {
    host.nodes.delete(activePath);
    setConf("/etc/ufw/ufw.conf", /ENABLED=yes/, "ENABLED=no");
  } else if (verb === "default") {
    const policy = words[1] === "deny" ? "DROP" : "ACCEPT";
    const name = words[2] === "incoming" ? "INPUT" : "OUTPUT";
    setConf("/etc/default/ufw", new RegExp(`(DEFAULT_${name}_POLICY)=.*`), `$1="${policy}"`);
  } else if (verb === "allow" || verb === "limit" || verb === "deny") setRule(host, words, verb);
  else if (verb === "delete") setRule(host, words.slice(1), null);
  else if (verb !== "reload") return { code: 1, stdout: "", stderr: "ERROR: Invalid syntax\n" };
  return ok();
}

/** Adds the rule in place of one that differs in its action, or removes it. */
function setRule(host: FakeHost, words: readonly string[], action: string | null): void {
  const line = words.slice(1).join(" ");
  const [, from, narrowPort, narrowProtocol] = /^from (\S+) to any port (\S+) proto (\S+)$/.exec(line) ?? [];
  const [port, protocol = "any"] = from === undefined ? line.split("/") : [narrowPort, narrowProtocol];
  for (const [family, path] of Object.entries(files)) {
    const any = family === "ipv4" ? "0.0.0.0/0" : "::/0";
    if (from !== undefined && from.includes(":") !== (family === "ipv6")) continue;
    const rest = `${protocol} ${port} ${any} any ${from ?? any} in`;
    const rows = (host.text(path) ?? "").split("\n");
    const at = rows.findIndex((row) => row.startsWith("### tuple ###") && row.endsWith(` ${rest}`));
    if (at >= 0) rows.splice(at, 1, ...(action === null ? [] : [`### tuple ### ${action} ${rest}`]));
    else if (action !== null) rows.splice(rows.indexOf("### END RULES ###"), 0, `### tuple ### ${action} ${rest}`);
    host.put(path, rows.join("\n"), { mode: 0o640 });
  }
}

/** Returns the rules for IPv4 and IPv6, without the words that are always the same. */
export function rulesOf(host: FakeHost): { ipv4: string[]; ipv6: string[] } {
  const rows = (path: string) =>
    [...(host.text(path) ?? "").matchAll(/^### tuple ### (\S+) (\S+) (\S+) \S+ any (\S+) in/gm)].map(
      ([, action, protocol, port, from = ""]) => {
        return `${action} ${port}/${protocol}${["0.0.0.0/0", "::/0"].includes(from) ? "" : `@${from}`}`;
      },
    );
  return { ipv4: rows(files.ipv4), ipv6: rows(files.ipv6) };
}

export const isUfwActive = (host: FakeHost): boolean => host.stat(activePath) !== null;
export const isFilterLoaded = (host: FakeHost): boolean => host.stat(tablePath) !== null;
