// Explains why a certificate authority could not validate a name.

import type { HostReader } from "../../host/host.ts";
import { portHolder } from "../../resources/port.ts";
import { isActive } from "../../resources/service.ts";
import { hintToStart } from "../../sites/serve/site-hints.ts";
import { type AcmeError, type CertbotContext, type Explanation, shorten } from "./explanation.ts";

const mostNames = 5;
const showPort = ["sudo", "ss", "-ltnp", "sport", "=", ":80"];

/** Returns the names that the authority did not validate, as certbot lists them. */
export function validationsIn(stdout: string): AcmeError[] {
  const listed = /^ *Domain: +(\S+)\n *Type: +(\S+)\n *Detail: +(.+)$/gm;
  return [...stdout.matchAll(listed)].map(([, name = "", type = "", detail = ""]) => {
    return { name: shorten(name), type: shorten(type), detail };
  });
}

export function validationFault(errors: readonly AcmeError[], context: CertbotContext): Explanation | null {
  const [first] = errors;
  if (first?.name === undefined) return null;
  const { code, message, hint } = validation(first, first.name, context);
  const others = errors.slice(1).map(({ name = "" }) => name);
  const more = others.length === 0 ? "" : `; ${others.slice(0, mostNames).join(", ")} failed too`;
  return { code, message: message + more, hint };
}

/** Explains a failed request of the authority by the state of port 80 on this host. Returns null where nginx listens. */
export function ownPortFault(reader: HostReader, errors: readonly AcmeError[]): Explanation | null {
  if (!errors.some(({ type }) => type === "connection" || type === "unauthorized")) return null;
  const holder = portHolder(reader, 80, "nginx");
  if (holder !== null) {
    return { code: "conflict", message: `port 80 is taken by ${holder}, which nginx needs`, hint: showPort };
  }
  if (isActive(reader, "nginx")) return null;
  return { code: "not-served", message: "nginx is not running", hint: hintToStart(reader) };
}

/** Explains an error of Let's Encrypt's or pebble's validation. */
function validation({ type, detail }: AcmeError, name: string, { again }: CertbotContext): Explanation {
  const said = shorten(detail);
  const page = `http://${name}/.well-known/acme-challenge/`;
  const ask = ["curl", "-sSi", page];
  if (type === "dns" || /could not resolve|NXDOMAIN|SERVFAIL|no valid A records/.test(detail)) {
    return {
      code: "unreachable",
      message: `the certificate authority finds no address of ${name}: ${said}`,
      hint: again,
    };
  }
  if (type === "caa") return caaFault(name, said, again);
  const status = /(?:returned|: "?)\s?([45]\d\d)"?$/.exec(said)?.[1];
  if (type === "unauthorized" && status !== undefined) {
    const message = `another server than this nginx answers for ${name}, with status ${status}: ${said}`;
    return { code: "not-served", message, hint: ask };
  }
  if (type === "unauthorized") {
    return { code: "not-served", message: `${name} answers the challenge with another text: ${said}`, hint: ask };
  }
  if (type === "connection" || type === "tls") {
    const message = `the certificate authority cannot reach ${name} on port 80 (firewall, or an address of another host): ${said}`;
    return { code: "unreachable", message, hint: showPort };
  }
  return { code: "unexpected-response", message: `${name} was not validated (${type}): ${said}`, hint: again };
}

function caaFault(name: string, said: string, again: readonly string[]): Explanation {
  const message = `the CAA record of ${name} does not allow this certificate authority: ${said}`;
  return { code: "precondition-failed", message, hint: again };
}
