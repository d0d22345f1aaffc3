// Networks in CIDR notation, as nginx's set_real_ip_from accepts them.

import { parseNetwork } from "../../text/network.ts";

/** In bits. A shorter prefix includes addresses of strangers, who could then claim any client address. */
const shortestPrefix = 8;

/** Returns a network in its canonical spelling, or the reason why nginx must not trust it. */
export function readNetwork(text: string): { network: string } | { reason: string } {
  const parsed = parseNetwork(text);
  if ("reason" in parsed || parsed.length >= shortestPrefix) return parsed;
  const whom = parsed.length === 0 ? "every client" : "strangers";
  return {
    reason: `${text} trusts ${whom} to claim any address: name the proxy's own, /${shortestPrefix} or longer`,
  };
}
