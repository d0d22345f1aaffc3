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
  if (code === 124) return { reason: "nginx did not answer on port 443" };
  return { reason: linesOf(stderr).at(-1) ?? "no certificate is served" };
}

/** Returns what is served for each of these names. */
export async function servedCertificates(reader: HostReader, names: readonly string[]): Promise<Map<string, Served>> {
  const found = new Map<string, Served>();
  for (let i = 0; i < names.length; i += atOnce) {
    const some = names.slice(i, i + atOnce);
    const served = await Promise.all(some.map((name) => servedCertificate(reader, name)));
    for (const [at, each] of served.entries()) found.set(some[at] as string, each);
  }
  return found;
}

/** Returns the name by which a lineage's certificate is requested; null for one that has only wildcards. */
export function requestedName({ name }: Lineage, { names }: Certificate): string | null {
  return names.find((each) => each === name) ?? names.find((each) => !each.startsWith("*")) ?? null;
}

/** Waits until nginx serves the certificate with this serial. Returns null, or what it serves after the longest wait. */
export async function becomesServed(reader: HostReader, name: string, serial: string): Promise<Served | null> {
  const end = reader.now() + settleMs;
  for (;;) {
    const served = await servedCertificate(reader, name);
    if ("serial" in served && served.serial === serial) return null;
    if (reader.now() >= end) return served;
    await reader.sleep(pollMs);
  }
}
