import { familyOf } from "../../ssh/address.ts";
import type { Endpoint } from "../../ssh/sockets.ts";

/** Returns "192.0.2.1:22" or "[2001:db8::1]:22". */
export function doorText({ address, port }: Endpoint): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
