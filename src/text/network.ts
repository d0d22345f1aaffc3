// Addresses and networks of IPv4 and IPv6 in CIDR notation.

const example = "such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32";

interface Address {
  value: bigint;
  /** In bits. */
  width: 32 | 128;
}

export interface Network {
  /** The canonical spelling. */
  network: string;
  width: 32 | 128;
  /** The prefix length in bits. */
  length: number;
}

/** Returns a network, or the reason why the text is none. */
export function parseNetwork(text: string): Network | { reason: string } {
  const [typed = "", prefix, ...more] = text.split("/");
  const address = parseIpv4(typed) ?? parseIpv6(typed);
  if (address === null || more.length > 0) return { reason: `${text} is not a network, ${example}` };
  const { value, width } = address;
  if (width === 128 && value >> 32n === 0xffffn)
    return { reason: `${text} is an IPv4 address in the notation of IPv6: type it as IPv4` };
  const length = prefix === undefined ? width : /^(?:0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (!(length <= width)) return { reason: `${text} has no prefix length from 0 to ${width} after its slash` };
  const rest = BigInt(width - length);
  const first = (value >> rest) << rest;
  const network = length === width ? spell(address) : `${spell({ value: first, width })}/${length}`;
  if (first === value) return { network, width, length };
  return { reason: `${text} has bits set after its prefix: type ${network}, or ${spell(address)} for one address` };
}

/** Parses four decimal numbers without leading zeros, because some programs read those as octal. */
function parseIpv4(text: string): Address | null {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/.test(text)) return null;
  const bytes = text.split(".").map(Number);
  if (bytes.some((byte) => byte > 255)) return null;
  return { value: bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n), width: 32 };
}

/** Parses an address without a zone, which nginx does not accept, and without a dotted part. */
function parseIpv6(text: string): Address | null {
  const url = `http://[${text}]/`;
  if (!/^[0-9a-f:]+$/i.test(text) || !URL.canParse(url)) return null;
  const [head = "", tail] = new URL(url).hostname.slice(1, -1).split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [high, low] = [groups(head), groups(tail ?? "")];
  const all = [...high, ...Array<string>(8 - high.length - low.length).fill("0"), ...low];
  return { value: BigInt(`0x${all.map((group) => group.padStart(4, "0")).join("")}`), width: 128 };
}

function spell({ value, width }: Address): string {
  if (width === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = value.toString(16).padStart(32, "0").match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}
