// Certificates and keys in PEM, parsed by the runtime's TLS library. Reads no files.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

export type { KeyObject, X509Certificate };

/** Parses a certificate. Returns null for anything but one certificate in PEM with valid dates. */
export function parseCertificate(pem: string): X509Certificate | null {
  try {
    const certificate = new X509Certificate(pem);
    const { validFromDate, validToDate } = certificate;
    return Number.isNaN(validFromDate.getTime()) || Number.isNaN(validToDate.getTime()) ? null : certificate;
  } catch {
    return null;
  }
}

/** Returns the first private key of a PEM file, or the reason why it cannot be used as a phrase. */
export function parsePrivateKey(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ERR_MISSING_PASSPHRASE" ? "is encrypted with a passphrase" : "is not a private key in PEM";
  }
}

/**
 * Returns whether a host name or IPv4 address is among the subject alternative names. Like browsers, ignores the common
 * name.
 */
export function certifies(host: string, certificate: X509Certificate): boolean {
  if (certificate.checkHost(host, { subject: "never" }) !== undefined) return true;
  try {
    return /^[\d.]+$/.test(host) && certificate.checkIP(host) !== undefined;
  } catch {
    // The text has the form of an address but is not valid.
    return false;
  }
}

/** Returns whether a certificate signs itself, even one whose key usage does not allow it to sign certificates. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

/** Returns whether the issuer's name and key match the signature of a certificate. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // Browsers do not accept a signature of a key type that the library does not know.
    return false;
  }
}
