// The addresses of this host, from the kernel's tables.

import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";

/** Reserved for private networks (RFC 1918, RFC 6598, RFC 4193) and for single links. */
const privateAddress =
  /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[789]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/;

/**
 * Lead to the host itself, to its link or to no single host: 0/8, 127/8, 169.254/16, and 224/4 on. An IPv6 address that
 * stands for one of IPv4 is never sent.
 */
const localAddress = /^(?:0\.|127\.|169\.254\.|22[4-9]\.|2[345]\d\.|::1?$|::ffff:|fe[89ab]|ff)/;

/** Returns whether other hosts cannot reach this one by an address, wherever they are. */
export function isLocal(address: string): boolean {
  return localAddress.test(canonical(address));
}

export interface OwnAddresses {
  has(address: string): boolean;
  /** The first address of this family that other networks can reach; null behind a router that translates addresses. */
  publicOf(family: 4 | 6): string | null;
}

/** Returns the addresses of all interfaces. */
export function ownAddresses(reader: HostReader): OwnAddresses {
  const ipv4 = [...(textOf(reader, "/proc/net/fib_trie") ?? "").matchAll(/\|-- (\S+)\n +\/32 host LOCAL/g)];
  const ipv6 = [...(textOf(reader, "/proc/net/if_inet6") ?? "").matchAll(/^([0-9a-f]{32}) /gm)];
  const own = new Set([
    ...ipv4.map(([, address = ""]) => address),
    ...ipv6.map(([, digits = ""]) => canonical(digits.match(/.{4}/g)?.join(":") ?? "")),
  ]);
  return {
    has: (address) => own.has(canonical(address)) && !isLocal(address),
    publicOf: (family) => [...own].find((each) => familyOf(each) === family && !privateAddress.test(each)) ?? null,
  };
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** Returns an IPv6 address in the one spelling of RFC 5952. */
function canonical(address: string): string {
  const url = `http://[${address}]/`;
  return familyOf(address) === 6 && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}
