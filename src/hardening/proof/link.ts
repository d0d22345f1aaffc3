// The link between a namespace and this host: addresses, routes, and the rule for replies to the operator.

import type { Host, Output } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { familyOf, isLocalAddress } from "../../ssh/address.ts";
import { tcpSockets } from "../../ssh/sockets.ts";
import type { Record } from "./journal.ts";
import { freePrefix, freeRange, namedNetworks } from "./ranges.ts";

/** The end of the link on the host. */
const link = "edox-probe";
const linkPath = `/sys/class/net/${link}`;
const removeLink = ["ip", "link", "delete", link];
/** The end in the namespace. */
const peer = "probe0";
const hostMac = "02:ed:0b:50:00:01";
const peerMac = "02:ed:0b:50:00:02";
/** The routing table of replies to the address of the operator, and the priority of its rule. */
const table = "4019";
const priority = "17";
/** Each login has a network of its own, because sshd may count failures by network (PerSourceNetBlockSize). */
export const mostSources = 250;
/** Ports of the probe for the address of the operator. Clients of other systems choose higher ones. */
const portCount = 64;
const firstPort = 20_000;
const lastPort = 29_000;
/** ip(8) finds the name tcp only in /etc/protocols, which is of the package netbase. */
const tcpProtocol = 6;
export const setupLimitMs = 10_000;

/** What the probe needs to know of this host. */
export interface Inside {
  /** The address of the operator's session, or null. */
  operator: string | null;
  /** The addresses of this host. */
  own: readonly string[];
  /** Takes what undoes a change before that is made. */
  record: Record;
}

type Wanted = Inside & { pid: number; enter: readonly string[] };

interface Network {
  /** The first two numbers of its IPv4 addresses. */
  range: string;
  /** The first three groups of its IPv6 addresses. */
  prefix: string;
  operator: string | null;
}

/** Links the namespace with the host. Returns null if this host does not allow that. */
export async function connect(
  host: Host,
  { pid, enter, operator: address, own, record }: Wanted,
): Promise<Network | null> {
  const isUsable = address !== null && !isLocalAddress(address) && !own.includes(address);
  const operator = isUsable ? address : null;
  const named = await namedNetworks(host);
  const range = await freeRange(host, [...named, ...own, ...(isUsable ? [address] : [])]);
  const prefix = freePrefix(named);
  const veth = ["address", hostMac, "type", "veth", "peer", "name", peer, "address", peerMac, "netns", String(pid)];
  // A connection that is still being closed keeps the namespace, and so the link, for minutes after a kill.
  record({ kind: "command", argv: removeLink, ifExists: linkPath });
  if ((await host.run(["ip", "link", "add", link, ...veth])).code !== 0) return null;
  const isLoose = await write(host, ["tee", `/proc/sys/net/ipv4/conf/${link}/rp_filter`], "2");
  if (!isLoose) return null;

  const families = own.some((each) => familyOf(each) === 6) ? ([4, 6] as const) : ([4] as const);
  for (const family of families) {
    const net = family === 4 ? `${range}.0.0/16` : `${prefix}::/48`;
    const [near, far] = family === 4 ? [`${range}.0.1`, `${range}.0.2`] : [`${prefix}::1`, `${prefix}::2`];
    const [bits, flags] = family === 4 ? ["/32", ""] : ["/128", " nodad"];
    const source = (i: number): string => (family === 4 ? `${range}.${i}.2` : `${prefix}:${i.toString(16)}::2`);
    const sources = Array.from({ length: mostSources }, (_, i) => source(i + 1));
    const isOperators = operator !== null && familyOf(operator) === family;
    const address = (each: string): string => `address add ${each}${bits} dev ${peer}${flags}`;
    await batch(
      host,
      ["ip", `-${family}`],
      [
        `address add ${near}${bits} dev ${link}${flags}`,
        `link set ${link} up`,
        `neigh replace ${far} lladdr ${peerMac} dev ${link} nud permanent`,
        `route add ${net} via ${far} dev ${link} onlink`,
      ],
    );
    await batch(
      host,
      [...enter, "ip", `-${family}`],
      [
        "link set lo up",
        `link set ${peer} up`,
        ...[...sources, ...(isOperators ? [operator] : [])].map(address),
        `neigh replace ${near} lladdr ${hostMac} dev ${peer} nud permanent`,
        `route add default via ${near} dev ${peer} onlink`,
      ],
    );
    if (!isOperators) continue;
    const first = freePort(host, operator);
    const last = first + portCount - 1;
    // A connection from another port would be answered to the operator.
    const isNarrow = await write(host, [...enter, "tee", "/proc/sys/net/ipv4/ip_local_port_range"], `${first} ${last}`);
    if (!isNarrow) return null;
    record({ kind: "command", argv: flushRules(family) });
    await batch(
      host,
      ["ip", `-${family}`],
      [
        `route replace default via ${far} dev ${link} onlink table ${table}`,
        `rule add priority ${priority} to ${operator}${bits} ipproto ${tcpProtocol} dport ${first}-${last} lookup ${table}`,
      ],
    );
  }
  return { range, prefix, operator };
}

/** Returns the first of {@link portCount} ports that no connection from this address uses. */
function freePort(host: Host, address: string): number {
  const used = tcpSockets(host)
    .filter(({ remote }) => remote.address === address)
    .map(({ remote }) => remote.port);
  for (let port = firstPort; port < lastPort; port += portCount) {
    if (!used.some((each) => each >= port && each < port + portCount)) return port;
  }
  throw new Problem("conflict", `${address} has connections from all ports that a proof from outside could use`);
}

function flushRules(family: number): string[] {
  return ["ip", `-${family}`, "rule", "flush", "table", table];
}

/** Removes the link with its routes, and the rules, also those of a run that was killed. */
export async function removeRemains(host: Host): Promise<void> {
  if (host.stat(linkPath) !== null) await host.run(removeLink);
  for (const family of [4, 6]) {
    const { stdout } = await host.probe(["ip", `-${family}`, "rule", "show", "table", table], {
      limitMs: setupLimitMs,
    });
    if (stdout.trim() !== "") await host.run(flushRules(family));
  }
}

async function batch(host: Host, argv: readonly string[], lines: readonly string[]): Promise<void> {
  const { code, stderr } = await fed(host, [...argv, "-batch", "-"], lines.join("\n"));
  if (code === 0) return;
  throw new Problem("command-failed", "the network of the proof from outside cannot be set up", {
    returncode: code,
    stderr,
  });
}

async function write(host: Host, argv: readonly string[], text: string): Promise<boolean> {
  return (await fed(host, argv, text)).code === 0;
}

function fed(host: Host, argv: readonly string[], text: string): Promise<Output> {
  async function* input(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(`${text}\n`);
  }
  return host.run(argv, { input: input(), limitMs: setupLimitMs });
}
