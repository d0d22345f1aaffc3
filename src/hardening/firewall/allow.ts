// The value of --allow: a port, with a protocol, and the network that may reach it.

import { parseNetwork } from "../../text/network.ts";

export interface Allowed {
  port: number;
  protocol: "tcp" | "udp";
  /** In its canonical spelling. null: any address. */
  from: string | null;
}

const example = "for example 8080, 51820/udp or 5432/tcp@10.0.0.0/8";

/** Returns what the text allows, or the reason why it is invalid. */
export function readAllowed(text: string): Allowed | { reason: string } {
  const [, digits, protocol = "tcp", from] = /^(\d{1,5})(?:\/(tcp|udp))?(?:@(.*))?$/s.exec(text) ?? [];
  const port = Number(digits ?? 0);
  if (port < 1 || port > 65_535) return { reason: `is not PORT[/tcp|udp][@ADDRESS], ${example}` };
  const allowed = { port, protocol: protocol as Allowed["protocol"] };
  if (from === undefined) return { ...allowed, from: null };
  const parsed = parseNetwork(from);
  if ("reason" in parsed) return { reason: parsed.reason };
  // ufw takes a network of all addresses of one family for any address.
  if (parsed.length === 0) return { reason: `${from} is every address: type ${port}/${protocol}` };
  return { ...allowed, from: parsed.network };
}

/** Returns the canonical spelling, which {@link readAllowed} accepts. */
export function spellAllowed({ port, protocol, from }: Allowed): string {
  return `${port}/${protocol}${from === null ? "" : `@${from}`}`;
}
