// Closes the ports that Docker publishes. Docker forwards their packets before the rules of ufw see them, so that a table
// of nftables filters forwarded packets. It does not depend on how Docker writes its own rules: with either variant of
// iptables, or with nftables. Docker never changes tables of others.

import { type Change, Text } from "../../engine/change.ts";
import type { Resource } from "../../engine/step.ts";
import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { file } from "../../resources/file.ts";
import { isEnabled } from "../../resources/unit-file.ts";
import { dockerRulesPath, dockerUnitPath } from "../paths.ts";
import type { Rule } from "./rules.ts";
import { type FirewallOptions, wantedRules } from "./wanted.ts";

type Command = Extract<Change, { kind: "command" }>;

export const dockerUnit = "edox-ops-docker-firewall.service";
const table = "inet edox_ops_docker";

/** Priority: before the chain of iptables. A packet that is accepted here still passes that chain. */
function rulesText(rules: readonly Rule[], foreignBridges: readonly string[]): string {
  const quoted = foreignBridges.map((name) => `"${name}"`).join(", ");
  const bridges = quoted === "" ? '"br-*"' : `!= { ${quoted} }`;
  const ofDocker = (name: "iifname" | "oifname", verdict: string): string[] => [
    `    ${name} { "docker0", "docker_gwbridge" } ${verdict}`,
    `    ${name} "br-*"${quoted === "" ? "" : ` ${name} ${bridges}`} ${verdict}`,
  ];
  const allowed = rules.map(({ port, protocol, from }) => {
    const family = from === null ? "" : `${from.includes(":") ? "ip6" : "ip"} saddr ${from} `;
    return `    ct status dnat meta l4proto ${protocol} ct original proto-dst ${port} ${family}accept`;
  });
  return `${[
    "# Written by edox-ops. Ports that Docker publishes are closed, except to the addresses that host firewall allows.",
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    "  chain forward {",
    "    type filter hook forward priority filter - 10; policy accept;",
    "    ct state established,related accept",
    "    # What containers send, also to published ports.",
    ...ofDocker("iifname", "accept"),
    "    # The published port is the destination before Docker translated it.",
    ...allowed,
    "    ct status dnat drop",
    "    # Addresses of containers, without a published port.",
    ...ofDocker("oifname", "drop"),
    "  }",
    "}",
  ].join("\n")}\n`;
}

/** The rules are loaded before Docker starts, and stay when ufw or Docker restart. */
const unitText = `# Written by edox-ops.
[Unit]
Description=Filter for the ports that Docker publishes
Documentation=man:edox-ops(1)
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target docker.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${dockerRulesPath}
ExecReload=/usr/sbin/nft -f ${dockerRulesPath}
ExecStop=-/usr/sbin/nft delete table ${table}

[Install]
WantedBy=multi-user.target
`;

/** Returns bridges of the admin whose names look like those of Docker, which end in twelve hexadecimal digits. */
function foreignBridges(reader: HostReader): string[] {
  const names = reader.list("/sys/class/net") ?? [];
  return names.filter((name) => /^br-[\w.-]+$/.test(name) && !/^br-[0-9a-f]{12}$/.test(name));
}

/** Returns whether the kernel has the table. Throws UnknownStateError without root. */
export async function isLoaded(reader: HostReader): Promise<boolean> {
  const { code, stderr } = await reader.probe(["nft", "list", "table", ...table.split(" ")]);
  if (code !== 0 && reader.uid !== 0) throw new UnknownStateError(`the rules for Docker are unknown: ${stderr.trim()}`);
  return code === 0;
}

/** Returns the resource of the filter, which exists where the options ask for it. */
export function dockerFilter(optionsOf: (reader: HostReader) => FirewallOptions): Resource {
  const rules = file({
    name: dockerRulesPath,
    title: "",
    path: dockerRulesPath,
    mode: 0o600,
    async text(reader, _ahead, warn) {
      const options = optionsOf(reader);
      if (!options.docker) return null;
      return Text.of(rulesText(await wantedRules(reader, options, warn), foreignBridges(reader)));
    },
  });
  const unitFile = file({
    name: dockerUnitPath,
    title: "",
    path: dockerUnitPath,
    mode: 0o644,
    text: (reader) => (optionsOf(reader).docker ? Text.of(unitText) : null),
  });
  return {
    name: "host:docker-firewall",
    title: "ports that Docker publishes are filtered",
    isInstalled: (reader) => reader.stat(dockerUnitPath) !== null || optionsOf(reader).docker,
    async check(reader, ahead, warn) {
      const changes = await rules.check(reader, ahead, () => undefined);
      changes.push(...(await unitFile.check(reader, [...ahead, ...changes], warn)));
      const isWanted = optionsOf(reader).docker;
      return isWanted ? [...changes, ...(await loading(reader, changes))] : await unloading(reader, changes);
    },
  };
}

function systemctl(reason: string, ...words: string[]): Command {
  return { kind: "command", argv: ["systemctl", ...words], reason };
}

function daemonReload(changes: readonly Change[]): Command[] {
  const isTouched = changes.some((change) => "path" in change && change.path === dockerUnitPath);
  return isTouched ? [{ ...systemctl(`systemd has not loaded ${dockerUnit}`, "daemon-reload"), again: true }] : [];
}

/** Returns the commands that load new rules: in place of others without a moment in between. */
async function loading(reader: HostReader, files: readonly Change[]): Promise<Command[]> {
  const wasLoaded = reader.stat(dockerUnitPath) !== null && (await isLoaded(reader));
  const commands = daemonReload(files);
  if (files.length > 0 || !wasLoaded) {
    const load = systemctl(
      "the filter for Docker is not loaded",
      wasLoaded ? "reload-or-restart" : "restart",
      dockerUnit,
    );
    commands.push({ ...load, ...(wasLoaded ? { again: true } : { undo: ["systemctl", "stop", dockerUnit] }) });
  }
  if (!isEnabled(reader, dockerUnit)) {
    const enable = systemctl(`${dockerUnit} is not enabled`, "enable", dockerUnit);
    commands.push({ ...enable, undo: ["systemctl", "disable", dockerUnit] });
  }
  return commands;
}

async function unloading(reader: HostReader, files: readonly Change[]): Promise<Change[]> {
  if (reader.stat(dockerUnitPath) === null) return [...files];
  const stop = systemctl(`${dockerUnit} is enabled`, "disable", "--now", dockerUnit);
  return [{ ...stop, undo: ["systemctl", "enable", "--now", dockerUnit] }, ...files, ...daemonReload(files)];
}
