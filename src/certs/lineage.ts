// Reads the lineages of certbot: the certificates of the same name, of which the newest is in use.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { parseCertificate, type X509Certificate } from "../host/x509.ts";
import { Problem } from "../problem/problem.ts";
import { parseRenewal, type RenewalSettings } from "./renewal-config.ts";

export const renewalDir = "/etc/letsencrypt/renewal";
export const liveDir = "/etc/letsencrypt/live";

/** certbot writes less than a kilobyte for a name, and a certificate has at most a hundred. */
const mostBytes = 256 * 1024;

/** The certificate of a lineage. */
export interface Certificate {
  /** Subject alternative names: host names in lower case, and addresses. */
  names: string[];
  issuer: string;
  /** In upper-case hexadecimal. */
  serial: string;
  /** "ecdsa prime256v1" or "rsa 2048". */
  keyType: string;
  /** Unix milliseconds. */
  notBefore: number;
  notAfter: number;
  /** In milliseconds. */
  lifetime: number;
}

export interface Lineage {
  name: string;
  /** The path of its renewal configuration. */
  path: string;
  settings: RenewalSettings;
  /** The certificate in use; null if only root may read it. */
  certificate: Certificate | null;
}

/** A lineage that certbot cannot renew, or whose certificate cannot be used. */
export interface BrokenLineage {
  name: string;
  path: string;
  reason: string;
}

export interface Lineages {
  /** By name, sorted. */
  lineages: Map<string, Lineage>;
  broken: Map<string, BrokenLineage>;
}

/** Returns whether certbot manages a certificate on this host. */
export function hasLineages(reader: HostReader): boolean {
  return namesIn(reader).length > 0;
}

function namesIn(reader: HostReader): string[] {
  return (reader.list(renewalDir) ?? []).filter((name) => name.endsWith(".conf")).map((name) => name.slice(0, -5));
}

/** Returns all lineages. A damaged one does not affect the others. */
export function readLineages(reader: HostReader): Lineages {
  const all: Lineages = { lineages: new Map(), broken: new Map() };
  for (const name of namesIn(reader)) {
    const path = `${renewalDir}/${name}.conf`;
    try {
      all.lineages.set(name, readLineage(reader, name, path));
    } catch (error) {
      all.broken.set(name, { name, path, reason: Problem.of(error).message });
    }
  }
  return all;
}

function readLineage(reader: HostReader, name: string, path: string): Lineage {
  // certbot would take such a name for an option, and a terminal would display it wrongly.
  if (/^(?:-|$)|[\p{C}\p{Zl}\p{Zp}]/u.test(name)) throw new Error("its name is not valid");
  const settings = parseRenewal(textIn(reader, path));
  return { name, path, settings, certificate: certificateIn(reader, `${liveDir}/${name}/fullchain.pem`) };
}

/** Returns the text of a regular file, also through a link. Throws an Error for anything else. */
function textIn(reader: HostReader, path: string): string {
  const stat = reader.statTarget(path);
  if (stat === null) throw new Error(`${path} is missing`);
  if (stat.type !== "file") throw new Error(`${path} is not a regular file`);
  const bytes = reader.head(path, mostBytes + 1) ?? new Uint8Array();
  if (bytes.length > mostBytes) throw new Error(`${path} is too large`);
  // Each byte is one character, so that an edit keeps the others.
  return Buffer.from(bytes).toString("latin1");
}

function certificateIn(reader: HostReader, path: string): Certificate | null {
  try {
    const certificate = parseCertificate(textIn(reader, path));
    if (certificate === null) throw new Error(`${path} does not begin with a certificate in PEM`);
    return describe(certificate);
  } catch (error) {
    if (error instanceof UnknownStateError) return null;
    throw error;
  }
}

/** Returns the text of a lineage's renewal configuration, one character for each byte. */
export function renewalText(reader: HostReader, { path }: Pick<Lineage, "path">): string {
  return textIn(reader, path);
}

/** Returns what is reported about a certificate. */
export function describe(certificate: X509Certificate): Certificate {
  const { subjectAltName = "", issuer, serialNumber, validFromDate, validToDate, publicKey } = certificate;
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  const kind = publicKey.asymmetricKeyType === "ec" ? "ecdsa" : (publicKey.asymmetricKeyType ?? "unknown");
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  return {
    names: [...subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^,]+)/g)].map(([, name = ""]) =>
      name.toLowerCase(),
    ),
    // The library puts each part of a distinguished name on a line of its own.
    issuer: issuer.split("\n").join(", "),
    serial: serialNumber,
    keyType: [kind, namedCurve ?? modulusLength].filter((each) => each !== undefined).join(" "),
    notBefore,
    notAfter,
    lifetime: notAfter - notBefore,
  };
}

/** Returns the share of the lifetime that is left, from 1 to 0. It is 0 once the certificate has expired. */
export function shareLeft(reader: HostReader, { notAfter, lifetime }: Certificate): number {
  if (lifetime <= 0) return 0;
  return Math.min(1, Math.max(0, (notAfter - reader.now()) / lifetime));
}

/** Returns the directories that certbot writes its responses to, each once. */
export function webrootsOf({ settings: { authenticator, webroots, webrootPaths } }: Lineage): string[] {
  if (authenticator !== "webroot") return [];
  return [...new Set(webroots.size > 0 ? webroots.values() : webrootPaths)];
}
