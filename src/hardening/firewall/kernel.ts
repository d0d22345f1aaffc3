// The rules of ufw in the kernel. Those of its files may be others, because somebody has edited them since the last
// reload, so that a rollback of the files alone could shut out everyone.

import { root, Text } from "../../engine/change.ts";
import type { StepRun } from "../../engine/step.ts";
import type { Host } from "../../host/host.ts";
import { kernelRules6Path, kernelRulesPath } from "./paths.ts";
import { isActive } from "./ufw.ts";

const ipv4 = { program: "iptables", chains: "ufw-", path: kernelRulesPath };
const ipv6 = { program: "ip6tables", chains: "ufw6-", path: kernelRules6Path };
const reload = { kind: "command" as const, argv: ["ufw", "reload"], mayFail: true as const };

/**
 * Records that a rollback restores the rules that the kernel has now in the chains of ufw. Those of Docker and fail2ban
 * may change meanwhile, and stay. A boot loads the files, so that a rollback after it reloads them. Without an active ufw,
 * it does nothing.
 */
export async function recordKernelRules(host: Host, { record }: StepRun): Promise<void> {
  if (!(await isActive(host))) return;
  for (const { path } of [ipv4, ipv6]) if (host.stat(path) !== null) host.remove(path);
  // The last one that is recorded is undone first.
  record({ ...reload, ifMissing: ipv4.path });
  for (const family of [ipv4, ipv6]) {
    const rules = await rulesOf(host, family);
    if (rules !== null) {
      host.writeFile(family.path, Text.of(rules).bytes, { mode: 0o600, ...root });
      record({
        kind: "command",
        argv: [`${family.program}-restore`, "--wait", "--noflush", family.path],
        ifExists: family.path,
      });
    } else if (family === ipv6) {
      // ufw may begin to filter IPv6, and ends it by a reload alone.
      record({ ...reload, ifExists: ipv4.path });
    }
  }
}

/**
 * Returns the rules of ufw and the policies as an input of iptables-restore(8), which replaces the rules of the named
 * chains. Returns null if ufw has none.
 */
async function rulesOf(host: Host, { program, chains }: typeof ipv4): Promise<string | null> {
  const { stdout } = await host.probe([`${program}-save`, "--table", "filter"]);
  if (!stdout.includes(`\n:${chains}`)) return null;
  const own = new RegExp(`^(?:\\*filter|COMMIT|:(?:INPUT|FORWARD|OUTPUT|${chains})|-A ${chains})`);
  const lines = stdout.split("\n").filter((line) => own.test(line));
  return `${lines.join("\n")}\n`;
}
