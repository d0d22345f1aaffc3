// Explains why a certificate authority cannot be reached, from certbot's output.

import { serverUrl } from "../acme-servers.ts";
import type { CertbotContext, Explanation } from "./explanation.ts";

/** Explains an authority that cannot be reached, or a server that is none. Returns null for any other failure. */
export function connectionFault(text: string, { server }: CertbotContext): Explanation | null {
  const url = serverUrl(server);
  const ask = ["curl", "-sSI", url];
  const unreachable = (why: string, hint = ask): Explanation => {
    return { code: "unreachable", message: `the certificate authority ${url} cannot be reached: ${why}`, hint };
  };
  if (/certificate (?:has expired|is not yet valid)/.test(text)) {
    return unreachable("its certificate has expired or is not yet valid: is the clock right?", ["timedatectl"]);
  }
  if (/CERTIFICATE_VERIFY_FAILED|CertificateError|SSLError/.test(text)) {
    const name = /[Hh]ostname mismatch|doesn't match/.test(text);
    if (name) return unreachable("its certificate is for another name");
    const why = "this host does not trust its certificate; copy its root to /usr/local/share/ca-certificates";
    return unreachable(why, ["sudo", "update-ca-certificates"]);
  }
  if (/Name or service not known|NameResolutionError|name resolution/.test(text))
    return unreachable("its name is not known");
  if (/Connection refused/.test(text)) return unreachable("connection refused");
  if (/timed out|Timeout/.test(text)) return unreachable("timed out");
  if (/No route to host|Network is unreachable/.test(text)) return unreachable("no route to it");
  if (/ConnectionError|Connection aborted|Connection reset/.test(text)) return unreachable("the connection was closed");
  const status = /<Response \[(\d+)\]>/.exec(text)?.[1];
  if (status !== undefined || /acme\.errors|JSONDecodeError|DeserializationError|Unexpected response/.test(text)) {
    const how = status === undefined ? "does not answer as one" : `answers with status ${status}`;
    return {
      code: "unexpected-response",
      message: `${url} is not the directory of a certificate authority: it ${how}`,
      hint: ask,
    };
  }
  return null;
}
