// The certificate that nginx serves for a name on this host.

import type { HostReader } from "../host/host.ts";
import { parseCertificate } from "../host/x509.ts";
import { linesOf } from "../text/lines.ts";
import { type Certificate, describe, type Lineage } from "./lineage.ts";

const limitMs = 5000;
/** nginx reloads asynchronously: its old workers may accept a connection for a moment. */
const settleMs = 2000;
const pollMs = 100;
/** Each name costs a child process. */
const atOnce = 32;
const noAnswer = "nginx did not answer on port 443";

/** The certificate, or the reason why there is none. */
export type Served = Certificate | { reason: string };

/** Connects to port 443 of this host, and returns the certificate that is served for a name or address. */
async function servedCertificate(reader: HostReader, name: string): Promise<Served> {
  const sni = /^[\d.]+$|:/.test(name) ? ["-noservername"] : ["-servername", name];
  const connect = "-connect 127.0.0.1:443".split(" ");
  const { code, stdout, stderr } = await reader.probe(["openssl", "s_client", ...connect, ...sni], { limitMs });
  const certificate = parseCertificate(stdout.slice(Math.max(0, stdout.indexOf("-----BEGIN CERTIFICATE-----"))));
  if (certificate !== null) return describe(certificate);
  if (code === 127) return { reason: "openssl is not installed" };
  if (code === 124) return { reason: noAnswer };
  return { reason: linesOf(stderr).at(-1) ?? "no certificate is served" };
}

/** Returns what is served for each of these names. A port that answers none of many names is not asked for the others. */
export async function servedCertificates(reader: HostReader, names: readonly string[]): Promise<Map<string, Served>> {
  const found = new Map<string, Served>();
  let isSilent = false;
  for (let i = 0; i < names.length; i += atOnce) {
    const some = names.slice(i, i + atOnce);
    const served: Served[] = isSilent
      ? some.map(() => ({ reason: noAnswer }))
      : await Promise.all(some.map((name) => servedCertificate(reader, name)));
    isSilent = some.length === atOnce && served.every((each) => "reason" in each && each.reason === noAnswer);
    for (const [at, each] of served.entries()) found.set(some[at] as string, each);
  }
  return found;
}

/** Returns the name by which a lineage's certificate is requested; null for one that has only wildcards. */
export function requestedName({ name }: Lineage, { names }: Certificate): string | null {
  return names.find((each) => each === name) ?? names.find((each) => !each.startsWith("*")) ?? null;
}

/**
 * Waits until nginx serves these certificates, given as the serial for each name. Returns what it serves for the other
 * names after the longest wait, which begins another request for each of them at its end.
 */
export async function otherServed(
  reader: HostReader,
  serials: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Served>> {
  const end = reader.now() + settleMs;
  for (let names = [...serials.keys()]; ; await reader.sleep(pollMs)) {
    const isLast = reader.now() >= end;
    const found = await servedCertificates(reader, names);
    const others = [...found].filter(([name, each]) => !("serial" in each && each.serial === serials.get(name)));
    if (others.length === 0 || isLast) return new Map(others);
    names = others.map(([name]) => name);
  }
}
