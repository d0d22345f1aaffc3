// Asks the name servers of this machine. /etc/hosts is not read, because other machines do not see it.

import type { Resolution } from "./host.ts";

/** An answer may get lost. */
const tries = 2;

/**
 * Implements {@link HostReader.resolve}. `servers`: the name servers in place of those of /etc/resolv.conf. An import
 * would add the module's bytecode to each binary.
 */
export async function resolveName(name: string, limitMs: number, servers?: readonly string[]): Promise<Resolution> {
  const { Resolver } = process.getBuiltinModule("node:dns").promises;
  const resolver = new Resolver({ timeout: Math.floor(limitMs / tries), tries });
  if (servers !== undefined) resolver.setServers(servers);
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
