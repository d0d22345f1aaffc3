// The certificate that a project is served with. Imported lazily: hosts without TLS never load the X.509 parser.

import type { HostReader } from "../../host/host.ts";
import {
  certifies,
  isIssuedBy,
  isSelfSigned,
  type KeyObject,
  parseCertificate,
  parsePrivateKey,
  type X509Certificate,
} from "../../host/x509.ts";
import { storePath } from "../../resources/certificates.ts";
import { few } from "../../text/lines.ts";
import { utcText } from "../../text/time.ts";
import type { Fault } from "../health.ts";
import type { Project } from "../project.ts";
import { certificatePathsOf } from "./certificate-files.ts";
import { hintToIssue, hintToReissue, hintToRenew } from "./certificate-hints.ts";
import { overdueMs } from "./overdue.ts";

/** A few names suffice to recognise a certificate; some have a hundred. */
const mostNames = 5;

type Roots = () => readonly X509Certificate[];

interface LoadedCertificates {
  chain: readonly [X509Certificate, ...X509Certificate[]];
  key: KeyObject;
}

/** Returns a function that parses the system's trusted root certificates once, when it is first called. */
export function trustedRoots(reader: HostReader): Roots {
  let roots: X509Certificate[] | undefined;
  return () => {
    roots ??= blocksOf(latin1(reader.read(storePath))).flatMap((pem) => parseCertificate(pem) ?? []);
    return roots;
  };
}

/**
 * Returns what is wrong with the certificate of a project: names, dates, key and chain. A mild fault does not stop
 * browsers. Throws UnknownStateError for a user who may not read it.
 */
export function certificateFaults(reader: HostReader, project: Project, roots: Roots = trustedRoots(reader)): Fault[] {
  const { chainPath, keyPath } = certificatePathsOf(project);
  const loaded = load(reader, project);
  if ("detail" in loaded) return [loaded];
  const { chain, key } = loaded;
  const [leaf] = chain;
  const fault = (reason: string, hint: string[] = hintToReissue(reader, project)): Fault[] => [
    { detail: `the certificate for ${project.domain} ${reason} (${chainPath})`, hint },
  ];

  if (!leaf.checkPrivateKey(key)) {
    const place = chain.findIndex((each) => each.checkPrivateKey(key));
    if (place < 0) return fault(`does not match its private key ${keyPath}: it is for another key`);
    return fault(`is number ${place + 1} of its chain and must be the first: the first is ${subjectOf(leaf)}`);
  }
  if (!certifies(project.domain, leaf)) return fault(`is for another name: ${namesOf(leaf)}`);
  const uncovered = (project.aliases ?? []).filter((alias) => !certifies(alias, leaf));
  if (uncovered.length > 0) return fault(`does not cover the alias ${few(uncovered)}: it is for ${namesOf(leaf)}`);
  for (const [i, each] of chain.entries()) {
    const reason = dateFault(reader, each, i);
    if (reason === null) continue;
    if (reader.now() < each.validFromDate.getTime()) return fault(reason, ["timedatectl"]);
    if (i > 0) return fault(reason);
    return fault(reason, hintToRenew(reader, project)).map((each) => ({ ...each, elsewhere: true as const }));
  }
  const brokenFault = chainFault(chain) ?? intermediateFault(reader, project, chain, roots);
  if (brokenFault !== null) return fault(brokenFault);
  const untrusted = trustWarning(chain, roots);
  const mild = untrusted === null ? [] : fault(untrusted).map((each) => ({ ...each, mild: true as const }));
  return [...mild, ...expiry(reader, project, leaf)];
}

/** Reads both files, or returns the fault of the first that nginx could not use. */
function load(reader: HostReader, project: Project): LoadedCertificates | Fault {
  const { chainPath, keyPath } = certificatePathsOf(project);
  const missing = [chainPath, keyPath].find((path) => reader.statTarget(path) === null);
  if (missing !== undefined) {
    const detail = `there is no certificate for ${project.domain}: ${missing} is missing`;
    return { detail, hint: hintToIssue(project) };
  }
  const broken = (detail: string): Fault => ({ detail, hint: hintToReissue(reader, project) });
  const text = latin1(reader.read(chainPath));
  const chain = blocksOf(text).map(parseCertificate);
  if (chain.length === 0) return broken(`${chainPath} holds no certificate in PEM`);
  const damaged = chain.indexOf(null);
  if (damaged >= 0) {
    return broken(`${chainPath} is damaged: certificate ${damaged + 1} of ${chain.length} in it cannot be parsed`);
  }
  const key = parsePrivateKey(latin1(reader.read(keyPath)));
  if (typeof key === "string") return broken(`${keyPath} ${key}: nginx cannot use it`);
  return { chain: chain as [X509Certificate, ...X509Certificate[]], key };
}

/** Splits the text at every certificate. The parser ignores text after the end of one, such as a comment. */
function blocksOf(text: string): string[] {
  const begin = "-----BEGIN CERTIFICATE-----";
  return text
    .split(begin)
    .slice(1)
    .map((rest) => begin + rest);
}

function latin1(bytes: Uint8Array | null): string {
  return bytes === null ? "" : new TextDecoder("latin1").decode(bytes);
}

function dateFault(reader: HostReader, certificate: X509Certificate, place: number): string | null {
  const { validFromDate, validToDate } = certificate;
  const subject = place === 0 ? "" : `has an issuer in its chain, ${subjectOf(certificate)}, that `;
  const now = reader.now();
  if (now >= validToDate.getTime()) return `${subject}expired on ${utcText(validToDate.getTime())}`;
  if (now >= validFromDate.getTime()) return null;
  return `${subject}is not valid before ${utcText(validFromDate.getTime())}, and the clock of this host is at ${utcText(now)}`;
}

/** TLS sends the chain in order: each certificate is followed by the one of its issuer. */
function chainFault(chain: LoadedCertificates["chain"]): string | null {
  for (const [i, issuer] of chain.slice(1).entries()) {
    const each = chain[i];
    if (each === undefined || isIssuedBy(each, issuer)) continue;
    const later = chain.some((other) => other !== each && isIssuedBy(each, other));
    const what = later ? "has its chain in the wrong order" : "has a chain with a gap";
    return `${what}: ${subjectOf(each)} is issued by ${oneLineName(each.issuer)}, and followed by ${subjectOf(issuer)}`;
  }
  return null;
}

function isTrusted(certificate: X509Certificate, roots: Roots): boolean {
  return roots().some((root) => isIssuedBy(certificate, root));
}

/**
 * A certificate of a public authority contains the address of its intermediate, and certbot stores the intermediate
 * beside it. A certificate with neither may come directly from a private root.
 */
function intermediateFault(
  reader: HostReader,
  project: Project,
  chain: LoadedCertificates["chain"],
  roots: Roots,
): string | null {
  const [leaf, ...more] = chain;
  if (more.length > 0 || isSelfSigned(leaf) || isTrusted(leaf, roots)) return null;
  const isBeside = (pem: string): boolean => {
    const issuer = parseCertificate(pem);
    return issuer !== null && isIssuedBy(leaf, issuer) && !isSelfSigned(issuer);
  };
  const beside = blocksOf(latin1(reader.read(certificatePathsOf(project).issuersPath)));
  if (leaf.infoAccess?.includes("CA Issuers") !== true && !beside.some(isBeside)) return null;
  return `comes without the intermediate certificate of its issuer, ${oneLineName(leaf.issuer)}`;
}

/** Readers of a company's site may trust an authority that this host does not trust. */
function trustWarning(chain: LoadedCertificates["chain"], roots: Roots): string | null {
  const last = chain.at(-1) ?? chain[0];
  if (isTrusted(last, roots)) return null;
  if (chain.length === 1 && isSelfSigned(last))
    return "is self-signed: browsers trust it only where it was added by hand";
  return `is issued by ${oneLineName(last.issuer)}, which this host does not trust: a private authority?`;
}

function expiry(reader: HostReader, project: Project, leaf: X509Certificate): Fault[] {
  const end = leaf.validToDate.getTime();
  const lifetime = end - leaf.validFromDate.getTime();
  const left = end - reader.now();
  if (left >= overdueMs(lifetime)) return [];
  const share = `${Math.floor((left / lifetime) * 100)} % of its lifetime is left`;
  const detail = `the certificate for ${project.domain} expires on ${utcText(end)}: ${share}, so its renewal is overdue`;
  return [{ detail, hint: hintToRenew(reader, project), mild: true, elsewhere: true }];
}

function namesOf({ subjectAltName }: X509Certificate): string {
  if (!subjectAltName) return "it has no subject alternative name, and browsers read no other";
  const names = subjectAltName.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, ""));
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : "";
  return names.slice(0, mostNames).join(", ") + more;
}

function subjectOf({ subject, serialNumber }: X509Certificate): string {
  return subject ? oneLineName(subject) : `number ${serialNumber}`;
}

/** The library puts each part of a distinguished name on a line of its own. */
function oneLineName(name: string): string {
  return `'${name.split("\n").join(", ")}'`;
}
