// Reads the lineages of certbot: the certificates of the same name, of which the newest is in use.

import { type Change, Text } from "../engine/change.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { parseCertificate, type X509Certificate } from "../host/x509.ts";
import { Problem } from "../problem/problem.ts";
import { liveDir, renewalConfigDir } from "./paths.ts";
import { parseRenewal, type RenewalSettings } from "./renewal-config.ts";

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

function namesIn(reader: HostReader): string[] {
  return (reader.list(renewalConfigDir) ?? [])
    .filter((name) => name.endsWith(".conf"))
    .map((name) => name.slice(0, -5));
}

/** Returns all lineages. A damaged one does not affect the others. */
export function readLineages(reader: HostReader): Lineages {
  const all: Lineages = { lineages: new Map(), broken: new Map() };
  for (const name of namesIn(reader)) {
    const path = `${renewalConfigDir}/${name}.conf`;
    try {
      all.lineages.set(name, readLineage(reader, name, path));
    } catch (error) {
      all.broken.set(name, { name, path, reason: Problem.of(error).message });
    }
  }
  return all;
}

function readLineage(reader: HostReader, name: string, path: string): Lineage {
  // certbot would take such a name for an option or another directory, or a terminal would display it wrongly.
  if (/^(?:-|\.{0,2}$)|[\p{C}\p{Zl}\p{Zp}]/u.test(name)) throw new Error("its name is not valid");
  const settings = parseRenewal(textIn(reader, path));
  return { name, path, settings, certificate: certificateOf(reader, name) };
}

/** Returns the text of a regular file, also through a link. Throws an Error for anything else. */
function textIn(reader: HostReader, path: string): string {
  const stat = reader.statTarget(path);
  if (stat === null) throw new Error(`${path} is missing`);
  if (stat.type !== "file") throw new Error(`${path} is not a regular file`);
  const bytes = reader.head(path, mostBytes + 1) ?? new Uint8Array();
  if (bytes.length > mostBytes) throw new Error(`${path} is too large`);
  return Buffer.from(bytes).toString("latin1");
}

/**
 * Returns the certificate in use of this name, or null if only root may read it. Throws an Error if there is none that
 * nginx can use.
 */
export function certificateOf(reader: HostReader, name: string): Certificate | null {
  const path = `${liveDir}/${name}/fullchain.pem`;
  try {
    const certificate = parseCertificate(textIn(reader, path));
    if (certificate === null) throw new Error(`${path} does not begin with a certificate in PEM`);
    return describe(certificate);
  } catch (error) {
    if (error instanceof UnknownStateError) return null;
    throw error;
  }
}

/** Returns the change of a lineage's renewal configuration. Its mode and owner stay. */
export function renewalConfigChange(reader: HostReader, { path }: Lineage, edit: (text: string) => string): Change {
  // Each byte is one character, so that an edit keeps the others.
  const text = Buffer.from(reader.read(path) ?? []).toString("latin1");
  const of = (content: string): Text => new Text(Buffer.from(content, "latin1"));
  const { mode = 0o644, uid = 0, gid = 0 } = reader.statTarget(path) ?? {};
  return { kind: "file", path, before: of(text), after: of(edit(text)), mode, uid, gid };
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
