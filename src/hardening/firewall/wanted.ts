// The rules that a host should have, from the flags or the record of the command.

import type { HostReader } from "../../host/host.ts";
import type { Warn } from "../../problem/requirement.ts";
import { type FirewallRecord, type HostRecord, readHostRecord } from "../record.ts";
import { type Allowed, readAllowed, spellAllowed } from "./allow.ts";
import { decisive, isNarrowed, type Rule, ufwTuples } from "./rules.ts";
import { serverPorts } from "./ssh-ports.ts";

export interface FirewallOptions {
  /** A port of SSH in addition to those of the server. */
  sshPort?: number | undefined;
  allow: readonly Allowed[];
  limitSsh: boolean;
  docker: boolean;
  /** The port of the SSH session of the admin who runs the command. */
  sessionPort?: number | undefined;
  /** Rules of earlier runs stay. Doctor does not know for which session they were added. */
  keepsOpened?: true;
}

const webPorts = [80, 443];
/** Scripts pass this value whether or not the server has this port. */
const customaryPort = 22;

/** Returns the options of the last run, which doctor compares with the host. */
export function recordedOptions(reader: HostReader): FirewallOptions {
  const { ssh_port, firewall } = readHostRecord(reader);
  const allow = (firewall?.allow ?? []).flatMap((text) => {
    const allowed = readAllowed(text);
    return "reason" in allowed ? [] : [allowed];
  });
  return {
    // Nothing follows from the customary port: it is opened where the server has it.
    sshPort: ssh_port === customaryPort ? undefined : ssh_port,
    allow,
    limitSsh: firewall?.limit_ssh === true,
    docker: firewall?.docker === true,
    keepsOpened: true,
  };
}

/** Returns the flags that have the effect of these options. */
export function flagsOf({ sshPort, allow, limitSsh, docker }: FirewallOptions): string[] {
  return [
    ...(sshPort === undefined ? [] : ["--ssh-port", String(sshPort)]),
    ...allow.flatMap((each) => ["--allow", spellAllowed(each)]),
    ...(limitSsh ? ["--limit-ssh"] : []),
    ...(docker ? ["--docker"] : []),
  ];
}

/** Returns the rules, those of SSH first. */
export async function wantedRules(reader: HostReader, options: FirewallOptions, warn: Warn): Promise<Rule[]> {
  const { allow, limitSsh } = options;
  const ports = await sshPortsOf(reader, options, warn);
  const isSsh = (each: Allowed): boolean => each.protocol === "tcp" && ports.includes(each.port);
  const action = limitSsh ? "limit" : "allow";
  const ssh = ports.flatMap((port): Rule[] => {
    // An admin who names addresses for the port of SSH, here or in ufw, wants no others to reach it.
    const named = allow.filter((each) => isSsh(each) && each.port === port);
    if (named.length > 0) return named.map((each) => ({ action, ...each }));
    const general: Rule = { action, port, protocol: "tcp", from: null };
    return isLimitedByAdmin(reader, general) ? [] : [general];
  });
  const web = webPorts.map((port): Rule => ({ action: "allow", port, protocol: "tcp", from: null }));
  const others = [...web, ...allow.filter((each) => !isSsh(each)).map((each): Rule => ({ action: "allow", ...each }))];
  return uniqueRules([...ssh, ...others]);
}

/** Returns the ports of SSH that stay reachable. */
async function sshPortsOf(reader: HostReader, options: FirewallOptions, warn: Warn): Promise<number[]> {
  const { sshPort, sessionPort, keepsOpened } = options;
  const ports = new Set(await serverPorts(reader));
  if (sessionPort !== undefined) ports.add(sessionPort);
  if (ports.size === 0 && !keepsOpened) warn("no SSH server listens on this host: no port is opened for it");
  if (sshPort === customaryPort && ports.size > 0 && !ports.has(sshPort)) {
    warn(`the SSH server does not listen on port ${sshPort}: it stays closed. --allow ${sshPort}/tcp opens it`);
  } else if (sshPort !== undefined) ports.add(sshPort);
  return [...ports].sort((a, b) => a - b);
}

/** Returns whether rules that edox-ops did not add let only some addresses reach the port. */
function isLimitedByAdmin(reader: HostReader, rule: Rule): boolean {
  const { ipv4, ipv6 } = ufwTuples(reader);
  const tuples = [...ipv4, ...ipv6];
  return isNarrowed(tuples, rule) && decisive(tuples, rule) === undefined && !isRecorded(reader, rule);
}

/** Returns whether an earlier run let only some addresses reach the port: its rules are no wish of the admin. */
function isRecorded(reader: HostReader, { port }: Rule): boolean {
  const { firewall } = readHostRecord(reader);
  return (firewall?.opened ?? []).some((text) => new RegExp(` port ${port} proto tcp$`).test(text));
}

function uniqueRules(rules: readonly Rule[]): Rule[] {
  const seen = new Set<string>();
  return rules.filter((each) => {
    const key = spellAllowed(each);
    return !seen.has(key) && seen.add(key);
  });
}

/** Returns the record after a run with these options, which has these rules and this state of ufw. */
export function recordOf(
  before: HostRecord,
  { sshPort, allow, limitSsh, docker }: FirewallOptions,
  { opened, enabled }: { opened: string[]; enabled: boolean },
): HostRecord {
  const firewall: FirewallRecord = {
    ...before.firewall,
    allow: [...new Set(allow.map(spellAllowed))],
    limit_ssh: limitSsh || undefined,
    docker: docker || undefined,
    opened,
    enabled: enabled || undefined,
  };
  return { ...before, ...(sshPort !== undefined && { ssh_port: sshPort }), firewall };
}
