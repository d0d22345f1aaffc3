// IP addresses and networks as text: those of clients, of from= in authorized_keys(5), and of routes.

/**
 * Returns an IP address in its canonical spelling, or null for anything else. An IPv4 address that is mapped into IPv6
 * is returned as IPv4.
 */
export function canonicalAddress(text: string): string | null {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((each) => Number(each) < 256) ? text : null;
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !URL.canParse(`http://[${text}]/`)) return null;
  const inner = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(inner) ?? [];
  if (high === undefined || low === undefined) return inner;
  const [one, other] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [one >> 8, one & 255, other >> 8, other & 255].join(".");
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** Returns whether an address is of this machine or of a single link, so that other hosts do not reach it. */
export function isLocalAddress(address: string): boolean {
  return /^(127\.|::1$|169\.254\.|fe[89ab])/.test(address);
}

/** Returns the first address of a network that a host can have, or the address itself. */
export function firstAddress(network: string): string {
  const [address = "", length] = network.split("/");
  if (length === undefined || length === (address.includes(":") ? "128" : "32")) return address;
  if (!address.includes(":")) return address.replace(/\d+$/, (last) => String(Number(last) + 1));
  return address.endsWith("::")
    ? `${address}1`
    : address.replace(/[0-9a-f]+$/i, (last) => (Number.parseInt(last, 16) + 1).toString(16));
}

/** Returns whether two networks, or addresses, share an address. False for anything that is neither. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [networkOf(one), networkOf(other)];
  if (a === null || b === null || a.bits.length !== b.bits.length) return false;
  const length = Math.min(a.length, b.length);
  return a.bits.slice(0, length) === b.bits.slice(0, length);
}

function networkOf(text: string): { bits: string; length: number } | null {
  const [address = "", length, ...rest] = text.split("/");
  const bits = bitsOf(address);
  if (bits === null || rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return null;
  return { bits, length: Math.min(Number(length ?? bits.length), bits.length) };
}

function bitsOf(text: string): string | null {
  const address = canonicalAddress(text);
  if (address === null) return null;
  if (familyOf(address) === 4)
    return address
      .split(".")
      .map((each) => binary(Number(each), 8))
      .join("");
  const [head = "", tail] = address.split("::").map((half) => half.split(":").filter(Boolean));
  const first = head as string[];
  const last = (tail ?? []) as string[];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  return [...first, ...zeros, ...last].map((group) => binary(Number.parseInt(group, 16), 16)).join("");
}

function binary(value: number, digits: number): string {
  return value.toString(2).padStart(digits, "0");
}
