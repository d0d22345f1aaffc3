// Where this host is reached from outside: its addresses, and the ports of sshd.

import * as v from "valibot";
import type { HostReader } from "../../host/host.ts";
import { familyOf, isLocalAddress } from "../../ssh/address.ts";
import { sshListeners } from "../../ssh/server.ts";
import type { SshSession } from "../../ssh/session.ts";
import { type Endpoint, endpointText } from "../../ssh/sockets.ts";
import { parseJson } from "../../text/json.ts";
import { isDeniedOn, ufwTuples } from "../firewall/rules.ts";

const mostEndpoints = 8;

export interface OwnAddresses {
  /** All addresses of this host that other hosts can reach. */
  all: string[];
  /** The interfaces of these addresses. */
  interfaceOf: ReadonlyMap<string, string>;
  /** The one that a client connects to, by family: that of the session, else that of the default route. */
  main: Partial<Record<4 | 6, string>>;
}

/** Returns the addresses of this host. */
export async function ownAddresses(reader: HostReader, session: SshSession | null): Promise<OwnAddresses> {
  const links = await listed(reader, ["ip", "-j", "address", "show", "up", "scope", "global"], linkSchema);
  const addresses = links.flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ local, deprecated, temporary }) =>
      local === undefined || deprecated || isLocalAddress(local) ? [] : [{ ifname, local, temporary }],
    ),
  );
  const main: OwnAddresses["main"] = {};
  for (const family of [4, 6] as const) {
    const argv = ["ip", "-j", `-${family}`, "route", "show", "default"];
    const [route] = await listed(reader, argv, v.object({ dev: v.optional(v.string()) }));
    const own = addresses.filter(({ local }) => familyOf(local) === family);
    const ofRoute = own.filter(({ ifname }) => ifname === route?.dev);
    const found = [...ofRoute.filter(({ temporary }) => !temporary), ...ofRoute, ...own][0]?.local;
    const used = session?.server.address;
    const isUsed = used !== undefined && own.some(({ local }) => local === used);
    const address = isUsed ? used : found;
    if (address !== undefined) main[family] = address;
  }
  const interfaceOf = new Map(addresses.map(({ ifname, local }) => [local, ifname]));
  return { all: [...interfaceOf.keys()], interfaceOf, main };
}

/**
 * Returns the addresses and ports at which a client of another host reaches sshd: that of the session first. A listener
 * on all addresses has one for each family.
 */
export async function sshEndpoints(
  reader: HostReader,
  session: SshSession | null,
  { main }: OwnAddresses,
): Promise<Endpoint[]> {
  const endpoints = (await sshListeners(reader)).flatMap(({ address, port }) => {
    const families: readonly (4 | 6)[] = address === "*" ? [4, 6] : [familyOf(address)];
    const isAny = ["*", "0.0.0.0", "::"].includes(address);
    return families.flatMap((family) => {
      const reached = isAny ? main[family] : address;
      return reached === undefined || isLocalAddress(reached) ? [] : [{ address: reached, port }];
    });
  });
  const isOfSession = ({ address, port }: Endpoint): boolean =>
    session?.server.address === address && session.server.port === port;
  const unique = [...new Map(endpoints.map((each) => [endpointText(each), each])).values()];
  return [...unique.filter(isOfSession), ...unique.filter((each) => !isOfSession(each))].slice(0, mostEndpoints);
}

/**
 * Returns why ufw denies SSH on the interface of this endpoint, or null. A proof has an interface of its own, so that no
 * such rule applies to it.
 */
export function interfaceDenial(
  reader: HostReader,
  { address, port }: Endpoint,
  { interfaceOf }: OwnAddresses,
): string | null {
  const name = interfaceOf.get(address);
  const tuples = ufwTuples(reader)[familyOf(address) === 4 ? "ipv4" : "ipv6"];
  if (name === undefined || !isDeniedOn(name, tuples, { port, protocol: "tcp" })) return null;
  return `ufw has a rule that denies port ${port} on ${name}`;
}

const linkSchema = v.object({
  ifname: v.string(),
  addr_info: v.array(
    v.object({
      local: v.optional(v.string()),
      deprecated: v.optional(v.boolean()),
      temporary: v.optional(v.boolean()),
    }),
  ),
});

/** Returns the elements of the JSON that `ip` prints. Others than these are left out. */
async function listed<S extends v.GenericSchema>(
  reader: HostReader,
  argv: string[],
  schema: S,
): Promise<v.InferOutput<S>[]> {
  const { code, stdout } = await reader.probe(argv, { limitMs: 10_000 });
  const value = code === 0 && stdout.trim() !== "" ? parseJson(stdout) : [];
  return (Array.isArray(value) ? value : []).flatMap((each) => {
    const { success, output } = v.safeParse(schema, each);
    return success ? [output] : [];
  });
}
