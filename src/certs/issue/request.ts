// The certificate that a project needs: why it is requested, and with which options of certbot.

import { presentVersion } from "../../apt/dpkg.ts";
import { compareVersions } from "../../apt/version.ts";
import { type Host, type HostReader, UnknownStateError } from "../../host/host.ts";
import { acmeDir } from "../../nginx/paths.ts";
import { Problem } from "../../problem/problem.ts";
import type { Fault } from "../../sites/health.ts";
import { namesOf, type Project } from "../../sites/project.ts";
import type { After } from "../../sites/requirements.ts";
import { draftOf, projectFrom } from "../../sites/store.ts";
import { defaultServer, stagingServer } from "../acme-servers.ts";
import type { CertificateRequest } from "../certbot.ts";
import type { Lineage } from "../lineage.ts";
import { liveDir, renewalConfigDir } from "../paths.ts";
import { demandFree, isUnfinished, lineageOf } from "./unfinished.ts";

/** How a certificate is obtained. */
export interface IssueOptions extends Pick<CertificateRequest, "email" | "server" | "keyType" | "profile"> {
  slug: string;
  /** Returns the record that the certificate is for. */
  after: After;
  /** The host that the challenges of the preflight are written to. */
  host: Host;
  /** Whether names and limits are checked before the first request. */
  preflight: boolean;
  dryRun: boolean;
  /** The command that repeats the run. */
  again: readonly string[];
}

/** Whether a project needs a certificate. */
interface Need {
  /** Why a certificate is requested, or null if the project has the one that it needs. */
  reason: string | null;
  request: CertificateRequest;
  /** The names of the present certificate that the new one does not cover. */
  dropped?: string[];
}

/** The first version with `--required-profile`. */
const profilesSince = "4.0";
/** The domain of a project may also be an IPv4 address. */
const ipAddress = /^\d+(?:\.\d+)*$/;

/** Returns the project that the certificate is for. Throws a Problem for an invalid record. */
export async function projectOf(reader: HostReader, { slug, after }: IssueOptions): Promise<Project> {
  return projectFrom(reader, slug, after(await draftOf(reader, slug)) ?? {});
}

/**
 * Returns why the project needs a certificate, and the request for it. Throws a Problem if it cannot be replaced, and
 * UnknownStateError if only root can read it.
 */
export async function requestFor(reader: HostReader, project: Project, options: IssueOptions): Promise<Need> {
  const { slug, domain, aliases = [] } = project;
  if (ipAddress.test(domain)) {
    const hint = ["sudo", "edox-ops", "project", "update", slug, "--domain", "DOMAIN"];
    throw new Problem("precondition-failed", `${domain} is an address, and certificates are obtained for names only`, {
      hint,
    });
  }
  const { email, server, keyType, profile } = options;
  const request = { domain, aliases, webroot: acmeDir, email, server, keyType, profile };
  const unfinished = isUnfinished(reader, project);
  if (unfinished || reader.stat(`${renewalConfigDir}/${domain}.conf`) === null) {
    if (!unfinished) await demandFree(reader, project);
    return { reason: `there is no certificate for ${domain}`, request };
  }
  const lineage = lineageOf(reader, domain);
  if (lineage.certificate === null) throw new UnknownStateError(`${liveDir}/${domain} may only be read by root`);
  const fault = await refusedBecause(reader, project);
  // A challenge in the DNS is the choice of an admin, for a wildcard or a host that the authority cannot reach.
  if (fault === undefined && lineage.settings.authenticator.startsWith("dns-")) return { reason: null, request };
  const url = serverFor(lineage, options);
  const known = { ...request, server: server ?? (url === defaultServer ? undefined : url) };
  const difference = differenceOf(lineage.certificate, { project, url, lineage, options, nowMs: reader.now() });
  if (difference !== null) return { ...difference, request: { ...known, forced: difference.forced } };
  if (fault !== undefined) return { reason: fault.detail, request: { ...known, forced: true } };
  return { reason: null, request: known };
}

/**
 * Returns the URL of the authority. A certificate of the test authority is replaced by a real one, and any other
 * authority is kept. Throws a Problem if a real certificate would be replaced by one of the test authority.
 */
function serverFor({ settings, name }: Lineage, { server, again }: IssueOptions): string {
  if (server !== "staging") return server ?? (settings.server === stagingServer ? defaultServer : settings.server);
  if (settings.server === stagingServer) return stagingServer;
  const message = `${name} has a certificate that is not of the test server: --staging does not replace it`;
  throw new Problem("conflict", message, { hint: again.filter((word) => word !== "--staging") });
}

interface Wanted {
  project: Project;
  /** The URL of the authority. */
  url: string;
  lineage: Lineage;
  options: IssueOptions;
  nowMs: number;
}

/** Returns how the certificate differs from the one that is wanted, or null. `forced`: certbot would keep it. */
function differenceOf(
  { names, keyType, notAfter }: NonNullable<Lineage["certificate"]>,
  { project, url, lineage, options, nowMs }: Wanted,
): { reason: string; forced: boolean; dropped?: string[] } | null {
  const { settings } = lineage;
  const subject = `the certificate of ${project.domain}`;
  const wanted = namesOf(project).map((name) => name.toLowerCase());
  const covered = [...names].sort().join(", ");
  if (covered !== [...wanted].sort().join(", ")) {
    const dropped = names.filter((name) => !wanted.includes(name));
    return { reason: `${subject} is for ${covered}`, forced: false, dropped };
  }
  if (url !== settings.server) {
    return { reason: `${subject} is of another authority: ${settings.server}`, forced: true };
  }
  if (options.keyType !== undefined && !keyType.startsWith(options.keyType)) {
    return { reason: `the key of ${project.domain} is ${keyType}`, forced: true };
  }
  if (options.profile !== undefined && settings.profile !== options.profile) {
    return { reason: `${subject} does not have the profile ${options.profile}`, forced: true };
  }
  return notAfter <= nowMs ? { reason: `${subject} has expired`, forced: false } : null;
}

/** Throws a Problem if the installed certbot does not know profiles. */
export async function demandProfiles(reader: HostReader, { profile, again }: IssueOptions): Promise<void> {
  const version = presentVersion(reader, "certbot");
  if (profile === undefined || version === null || compareVersions(version, profilesSince) >= 0) return;
  const message = `--profile ${profile} needs certbot ${profilesSince} or later, and this host has ${version}`;
  const { withoutFlag } = await import("../errors/certbot.ts");
  throw new Problem("precondition-failed", message, { hint: withoutFlag(again, "--profile") });
}

/** Returns the fault for which browsers would refuse the certificate of a project, or because there is none. */
export async function refusedBecause(reader: HostReader, project: Project): Promise<Fault | undefined> {
  const { certificateFaults } = await import("../../sites/serve/certificate.ts");
  return certificateFaults(reader, project).find(({ mild }) => !mild);
}
