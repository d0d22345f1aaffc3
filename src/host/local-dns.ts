// Asks the name servers of this machine. /etc/hosts is not read, because other machines do not see it.

import * as fs from "node:fs";
import type { Resolution } from "./host.ts";

/** An answer may get lost. */
const tries = 2;
/** systemd-resolved listens on these addresses, and answers from /etc/hosts too. */
const stubs = ["127.0.0.53", "127.0.0.54"];
/** Lists the name servers that systemd-resolved asks itself. */
const upstreamPath = "/run/systemd/resolve/resolv.conf";

/**
 * Implements {@link HostReader.resolve}. `servers`: the name servers in place of those of /etc/resolv.conf. An import
 * would add the module's bytecode to each binary.
 */
export async function resolveName(name: string, limitMs: number, servers?: readonly string[]): Promise<Resolution> {
  const { Resolver } = process.getBuiltinModule("node:dns").promises;
  const resolver = new Resolver({ timeout: Math.floor(limitMs / tries), tries });
  const configured = resolver.getServers();
  const asked = servers ?? askedServers(configured, textIn(upstreamPath));
  // The resolver itself does not accept each address that it lists, such as one with a zone.
  if (asked !== configured) resolver.setServers(asked);
  const late = setTimeout(() => resolver.cancel(), limitMs);
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  clearTimeout(late);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (addresses.length > 0) return { addresses, failure: null };
  const codes = answers.flatMap((answer) => (answer.status === "rejected" ? [String(answer.reason.code)] : []));
  return { addresses, failure: failureOf(codes) };
}

function failureOf(codes: readonly string[]): NonNullable<Resolution["failure"]> {
  if (codes.every((code) => code === "ENOTFOUND" || code === "ENODATA")) return "no-record";
  return codes.some((code) => ["ETIMEOUT", "ECONNREFUSED", "ECANCELLED"].includes(code))
    ? "no-answer"
    : "server-failure";
}

/** Returns the name servers to ask: those of systemd-resolved in place of itself. `upstream`: the text of its own list. */
export function askedServers(configured: readonly string[], upstream: string): readonly string[] {
  if (!configured.every((server) => stubs.includes(server))) return configured;
  const listed = [...upstream.matchAll(/^nameserver\s+([\d.]+|[\da-f:.]+)\s*$/gim)].map(([, server = ""]) => server);
  return listed.length > 0 ? listed : configured;
}

function textIn(path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
