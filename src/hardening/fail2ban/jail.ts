// The jail of SSH: the file that defines it, and what fail2ban has loaded.

import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { linesOf } from "../../text/lines.ts";
import { jailPath } from "../paths.ts";

const configDir = "/etc/fail2ban";
/**
 * Loopback, and the network from which edox-ops proves logins: it fails once for each user who may not log in, at each run.
 * RFC 2544 reserves it, so that no stranger has it.
 */
const never = ["127.0.0.1/8", "::1", "198.18.0.0/15"];

export interface Jail {
  ports: number[];
  /** The address of the admin, which is never banned. */
  ignored: string[];
}

/** Returns the jail that our file defines, or an empty one. */
export function readJail(reader: HostReader): Jail {
  const text = textOf(reader, jailPath) ?? "";
  const words = (key: string): string[] => new RegExp(`^${key} = (.*)$`, "m").exec(text)?.[1]?.split(/[\s,]+/) ?? [];
  return {
    ports: words("port").map(Number).filter(Number.isInteger),
    ignored: words("ignoreip").filter((word) => /^[0-9a-f.:]+$/i.test(word) && !never.includes(word)),
  };
}

/**
 * Returns the text of the jail. `mode` counts wrong keys too, which the default counts as none. sshd logs as
 * sshd-session since OpenSSH 9.8.
 */
export function jailText(reader: HostReader, { ports, ignored }: Jail): string {
  // A value of the admin for all jails would be lost, as each jail has one value.
  const known = isSet(reader, "ignoreip") ? ["%(known/ignoreip)s"] : [];
  // Debian 12 has a default that needs iptables, which a host may not have.
  const action = isSet(reader, "banaction") ? [] : ["banaction = nftables[type=multiport]"];
  return [
    "# Written by edox-ops.",
    "[sshd]",
    "enabled = true",
    `port = ${ports.join(",")}`,
    "backend = systemd",
    "journalmatch = _SYSTEMD_UNIT=ssh.service + _COMM=sshd + _COMM=sshd-session",
    "mode = aggressive",
    ...action,
    `ignoreip = ${[...known, ...never, ...ignored].join(" ")}`,
    "",
  ].join("\n");
}

/** Returns whether a file that fail2ban reads before ours sets this for all jails, or for SSH. */
function isSet(reader: HostReader, key: string): boolean {
  const dir = `${configDir}/jail.d`;
  const names = reader.list(dir) ?? [];
  const paths = (extension: string): string[] =>
    names.filter((name) => name.endsWith(extension)).map((name) => `${dir}/${name}`);
  const before = [...paths(".conf"), `${configDir}/jail.local`, ...paths(".local").filter((path) => path < jailPath)];
  return before.some((path) => sets(reader, path, key));
}

function sets(reader: HostReader, path: string, key: string): boolean {
  let section = "";
  for (const line of linesOf(textOf(reader, path) ?? "")) {
    section = /^\[(.*)\]/.exec(line)?.[1] ?? section;
    if (["DEFAULT", "sshd"].includes(section) && new RegExp(`^${key}\\s*[=:]`).test(line)) return true;
  }
  return false;
}

/** Returns why fail2ban does not watch SSH as the jail says, or null. Throws UnknownStateError without root. */
export async function jailFault(reader: HostReader): Promise<string | null> {
  const ask = (...words: string[]) => reader.probe(["fail2ban-client", ...words], { limitMs: 10_000 });
  const { code, stdout, stderr } = await ask("status", "sshd");
  if (code !== 0) {
    if (reader.uid !== 0) throw new UnknownStateError("only root may ask fail2ban");
    return /exist/i.test(stderr + stdout) ? "fail2ban has no jail for SSH" : "fail2ban does not answer";
  }
  if (!stdout.includes("Journal matches:")) return "the jail of SSH does not read the journal";
  const { ports, ignored } = readJail(reader);
  const action = linesOf((await ask("get", "sshd", "actions")).stdout).at(-1) ?? "";
  if (action.endsWith(":")) return "the jail of SSH has no action";
  const loaded = (await ask("get", "sshd", "action", action.split(/,\s*/)[0] ?? "", "port")).stdout.split(/[\s,]+/);
  const missing = ports.filter((port) => !loaded.includes(String(port)) && !(port === 22 && loaded.includes("ssh")));
  if (missing.length > 0) return `the jail of SSH does not cover port ${missing.join(", ")}`;
  const kept = (await ask("get", "sshd", "ignoreip")).stdout;
  const banned = ignored.filter((address) => !kept.includes(address));
  return banned.length === 0 ? null : `the jail of SSH may ban ${banned.join(", ")}`;
}
