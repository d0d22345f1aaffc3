// The addresses from which a proof connects: those of a stranger, of whom no route and no rule of this host knows.

import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import { overlap } from "../../ssh/address.ts";
import { userRules6Path, userRulesPath } from "../firewall/paths.ts";

/** The first two numbers of IPv4 addresses. The first ones are reserved for tests of networks (RFC 2544). */
const ranges = ["198.18", "198.19", "100.127", "10.253", "172.31", "192.168"];
/** The same for IPv6 (RFC 5180). Rules that name all private networks do not name it. */
const testPrefix = "2001:2:0";
const limitMs = 10_000;

const addresses = /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*)(?:\/\d{1,3})?(?![\w.:])/gi;

/**
 * Returns the networks that rules of the firewall name, also those of a ufw that is not active yet. A login from one of
 * them is accepted, or denied, for another reason than that of a stranger.
 */
export async function namedNetworks(reader: HostReader): Promise<string[]> {
  const commands = [["iptables-save"], ["ip6tables-save"], ["nft", "list", "ruleset"]];
  const outputs = await Promise.all(commands.map(async (argv) => (await reader.probe(argv, { limitMs })).stdout));
  const texts = [...outputs, textOf(reader, userRulesPath) ?? "", textOf(reader, userRules6Path) ?? ""];
  const named = texts.flatMap((text) => text.match(addresses) ?? []);
  // A rule for every address names none.
  return [...new Set(named)].filter((network) => !network.endsWith("/0"));
}

/** Returns the first two numbers of a range in which this host has no route, and none of these networks is. */
export async function freeRange(reader: HostReader, networks: readonly string[]): Promise<string> {
  const { stdout } = await reader.probe(["ip", "-4", "route", "show", "table", "all"], { limitMs });
  const routes = [...stdout.matchAll(/^(?:[a-z]+ )?([\d./]+) /gm)].map(([, network = ""]) => network);
  const free = ranges.find((range) => ![...routes, ...networks].some((each) => overlap(`${range}.0.0/16`, each)));
  if (free !== undefined) return free;
  const message = "this host has routes to, or rules for, all networks that a proof from outside could use";
  throw new Problem("conflict", message, { hint: ["ip", "route", "show", "table", "all"] });
}

/** Returns the first three groups of a network of RFC 4193, which forty random bits make unique, or of a test network. */
export function freePrefix(networks: readonly string[]): string {
  const digits = Buffer.from(crypto.getRandomValues(new Uint8Array(5))).toString("hex");
  const own = `fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6)}`;
  return networks.some((each) => overlap(`${own}::/48`, each)) ? testPrefix : own;
}
