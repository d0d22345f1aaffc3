// The limits of Let's Encrypt that this host can know about before a request: https://letsencrypt.org/docs/rate-limits/.

import type { HostReader } from "../../host/host.ts";
import { parseCertificate } from "../../host/x509.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { few } from "../../text/lines.ts";
import { utcText } from "../../text/time.ts";
import { defaultServer } from "../acme-servers.ts";
import { loggedRuns, startOf } from "../certbot-log.ts";
import { describe } from "../lineage.ts";
import { archiveDir, renewalConfigDir } from "../paths.ts";

const hourMs = 3_600_000;
const weekMs = 7 * 24 * hourMs;
/** Certificates for exactly the same names in a week, and failed validations of a name in an hour. */
const most = 5;
/** Certificates for a registered domain in a week. */
const mostPerDomain = 50;
/** Previews use at most the half of them. */
const previewShare = mostPerDomain / 2;
/** Let's Encrypt dates a certificate back by an hour, and its test authority has another name. */
const backdatedMs = hourMs;
const issuer = /O=Let's Encrypt(?:,|$)/;

export interface LimitedRequest {
  domain: string;
  names: readonly string[];
  /** The URL of the ACME directory. */
  server: string;
  again: readonly string[];
}

/** Requires that Let's Encrypt would accept another certificate. Other authorities, and its test server, are not limited. */
export function withinLimits(requestOf: (reader: HostReader) => Promise<LimitedRequest>): Requirement {
  return {
    name: "certs:rate-limits",
    title: "the certificate authority accepts another request",
    async check(reader) {
      const request = await requestOf(reader);
      if (request.server !== defaultServer) return null;
      const reason = tooManyCertificates(reader, request) ?? tooManyFailures(reader, request);
      if (reason === null) return null;
      // The test server never replaces a certificate of the real one.
      const isFirst = reader.stat(`${renewalConfigDir}/${request.domain}.conf`) === null;
      const hint = isFirst ? [...request.again, "--staging"] : ["sudo", "edox-ops", "certs", "status"];
      return { reason, hint, code: "limit-exceeded" };
    },
  };
}

/**
 * Requires that a certificate for a preview leaves the greater part of what Let's Encrypt issues for a registered domain
 * to its sites.
 */
export function withinPreviewShare(requestOf: (reader: HostReader) => Promise<LimitedRequest>): Requirement {
  return {
    name: "certs:preview-share",
    title: "the sites keep their share of the certificates",
    async check(reader) {
      const { domain, server } = await requestOf(reader);
      if (server !== defaultServer) return null;
      // Without the list of public suffixes, a domain such as example.co.uk shares its count with its neighbours.
      const registered = domain.toLowerCase().split(".").slice(-2).join(".");
      const since = reader.now() - weekMs;
      const issued = Math.max(archivedSince(reader, registered, since), loggedSince(reader, registered, since));
      if (issued < previewShare) return null;
      const reason = `Let's Encrypt issues ${mostPerDomain} certificates for a registered domain in 7 days: this host has had ${issued} for ${registered}, and the others are kept for sites`;
      return { reason, code: "limit-exceeded" };
    },
  };
}

/** Returns how many certificates of a registered domain are in the archives, and were issued since this time. */
function archivedSince(reader: HostReader, registered: string, sinceMs: number): number {
  const lineages = (reader.list(archiveDir) ?? []).filter((name) => isBelow(name, registered));
  const recent = lineages.map((name) => {
    return issuedIn(reader, `${archiveDir}/${name}`).filter(({ issuedMs }) => issuedMs > sinceMs).length;
  });
  return recent.reduce((sum, count) => sum + count, 0);
}

/** Returns how many certificates certbot has logged. It keeps no archive of those of a removed preview. */
function loggedSince(reader: HostReader, registered: string, sinceMs: number): number {
  const authority = new URL(defaultServer).host;
  return loggedRuns(reader).filter((run) => {
    if (!(startOf(run) > sinceMs) || !run.includes(authority)) return false;
    const saved = /Successfully received certificate|Congratulations!/.test(run);
    return saved && [...run.matchAll(/\/live\/([^/\s]+)\//g)].some(([, name = ""]) => isBelow(name, registered));
  }).length;
}

function isBelow(name: string, domain: string): boolean {
  return `.${name.toLowerCase()}`.endsWith(`.${domain}`);
}

interface IssuedCertificate {
  names: string[];
  issuedMs: number;
}

/** Returns the certificates of Let's Encrypt in the archive of a lineage. */
function issuedIn(reader: HostReader, dir: string): IssuedCertificate[] {
  return (reader.list(dir) ?? [])
    .filter((name) => /^cert\d+\.pem$/.test(name))
    .flatMap((name) => {
      const parsed = parseCertificate(Buffer.from(reader.read(`${dir}/${name}`) ?? []).toString("latin1"));
      const certificate = parsed && describe(parsed);
      if (certificate === null || !issuer.test(certificate.issuer)) return [];
      return [{ names: certificate.names, issuedMs: certificate.notBefore + backdatedMs }];
    });
}

function tooManyCertificates(reader: HostReader, { domain, names }: LimitedRequest): string | null {
  const dir = `${archiveDir}/${domain}`;
  const same = [...names]
    .map((name) => name.toLowerCase())
    .sort()
    .join(" ");
  const recent = issuedIn(reader, dir)
    .filter(({ names: covered, issuedMs }) => issuedMs > reader.now() - weekMs && covered.sort().join(" ") === same)
    .map(({ issuedMs }) => issuedMs);
  if (recent.length < most) return null;
  const next = (recent.sort((a, b) => a - b)[recent.length - most] ?? 0) + weekMs;
  return `Let's Encrypt issues ${most} certificates for the same names in 7 days, and this host has had them: the next one at ${utcText(next)}, or with a further --alias`;
}

function tooManyFailures(reader: HostReader, { names }: LimitedRequest): string | null {
  const since = reader.now() - hourMs;
  const runs = loggedRuns(reader).filter((run) => startOf(run) > since && run.includes(new URL(defaultServer).host));
  const failed = names.filter((name) => {
    const line = new RegExp(`^ *Domain: +${name.replaceAll(".", "\\.")}$`, "mi");
    return runs.filter((run) => line.test(run)).length >= most;
  });
  if (failed.length === 0) return null;
  return `Let's Encrypt accepts ${most} failed validations of a name in an hour, and ${few(failed)} has had them: try again in an hour`;
}
