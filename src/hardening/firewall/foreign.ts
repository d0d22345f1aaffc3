// Other firewalls of this host. Each of them would replace the rules of ufw, or filter beside it.

import { installedPackage } from "../../apt/dpkg.ts";
import type { HostReader } from "../../host/host.ts";
import type { Requirement, Unmet, Warn } from "../../problem/requirement.ts";
import { isActive } from "../../resources/service.ts";
import { isEnabled } from "../../resources/unit-file.ts";
import { few, linesOf } from "../../text/lines.ts";

/** Units that load rules of their own at boot. */
const units = ["firewalld", "nftables", "netfilter-persistent", "shorewall", "ferm"];
/** The packages with which that of ufw conflicts: apt would remove them, and their rules with the next boot. */
const conflicting = ["iptables-persistent", "netfilter-persistent"];
/** Chains of programs that only add to a firewall. */
const knownJump = /^-A INPUT .*-j (?:ufw6?-|f2b-|DOCKER|CNI-|KUBE-|LIBVIRT_)/;
/** Tables of ufw, Docker, fail2ban and edox-ops. */
const knownTable = /^table (?:(?:ip6?|bridge) (?:filter|nat|mangle|raw|security)|\S+ (?:f2b-|docker|edox)\S*)/;

/** Met if no other firewall is set up. Warns of rules that filter in addition to ufw. */
export const onlyFirewall: Requirement = {
  name: "firewall:foreign",
  title: "no other firewall is set up",
  isEarly: true,
  async check(reader, warn) {
    const found = managedElsewhere(reader);
    if (found === null) await warnOfRules(reader, warn);
    return found;
  },
};

function managedElsewhere(reader: HostReader): Unmet | null {
  const name = conflicting.find((each) => installedPackage(reader, each) !== null);
  if (name !== undefined) {
    const reason = `${name} is installed, which loads rules at boot and conflicts with the package of ufw`;
    return { reason, code: "conflict", hint: ["sudo", "apt-get", "remove", name] };
  }
  const unit = units.find((name) => isEnabled(reader, name) || isActive(reader, name));
  if (unit === undefined) return null;
  // A stop of nftables.service removes the rules of all programs.
  const now = unit === "nftables" ? [] : ["--now"];
  const reason = `${unit} manages the firewall of this host, and would replace or bypass the rules of ufw`;
  return { reason, code: "conflict", hint: ["sudo", "systemctl", "disable", ...now, unit] };
}

async function warnOfRules(reader: HostReader, warn: Warn): Promise<void> {
  for (const program of ["iptables", "ip6tables"]) {
    const { stdout } = await reader.probe([program, "-S", "INPUT"]);
    const rules = linesOf(stdout).filter((line) => line.startsWith("-A INPUT ") && !knownJump.test(line));
    if (rules.length > 0) warn(`${program} has rules that apply before those of ufw: ${few(rules)}`);
  }
  const { stdout } = await reader.probe(["nft", "list", "chains"]);
  const tables = stdout.split(/^(?=table )/m).filter((text) => /hook input /.test(text) && !knownTable.test(text));
  const names = tables.map((text) => /^table (\S+ \S+)/.exec(text)?.[1] ?? "");
  if (names.length > 0) warn(`tables of nftables filter in addition to ufw: ${few(names)}`);
}
