// Hints for a project with a faulty certificate.

import type { HostReader } from "../../host/host.ts";
import type { Draft, Project } from "../project.ts";
import { certificatePathsOf } from "./certificate-files.ts";

/** Returns the command that obtains a certificate, and installs certbot where it is missing. */
export function hintToIssue({ slug }: Project): string[] {
  return ["sudo", "edox-ops", "project", "certs", "issue", slug, "--yes"];
}

/**
 * Returns the command that obtains the certificate that a change of the record needs. The record still has the names
 * from before the change.
 */
export function hintToIssueFirst(project: Project, before: Draft | null): string[] {
  const { slug, domain, aliases = [], source_path } = project;
  if (before === null) {
    const source = source_path === null ? ["--source", "DIRECTORY"] : [];
    return ["sudo", "edox-ops", "project", "publish", slug, "--domain", domain, ...source, "--tls"];
  }
  const moved = before.domain === domain ? [] : ["--domain", domain];
  const isSame = String(before.aliases ?? []) === String(aliases);
  const others = isSame ? [] : ["--alias", aliases.join(",") || "none"];
  return ["sudo", "edox-ops", "project", "certs", "issue", slug, ...moved, ...others, "--yes"];
}

/** Returns the command that replaces a certificate which is wrong although it has not expired. */
export function hintToReissue(reader: HostReader, project: Project): string[] {
  return isCertbots(reader, project) ? hintToIssue(project) : hintToInspect(project);
}

/** Returns the command that renews a certificate. */
export function hintToRenew(reader: HostReader, project: Pick<Project, "domain">): string[] {
  return isCertbots(reader, project) ? ["sudo", "edox-ops", "certs", "renew", "--yes"] : hintToInspect(project);
}

/** A certificate that was installed by hand can only be replaced by its owner. */
function hintToInspect(project: Pick<Project, "domain">): string[] {
  const { chainPath } = certificatePathsOf(project);
  return ["sudo", "openssl", "x509", "-in", chainPath, "-noout", "-subject", "-issuer", "-dates"];
}

function isCertbots(reader: HostReader, { domain }: Pick<Project, "domain">): boolean {
  return reader.stat(`/etc/letsencrypt/renewal/${domain}.conf`) !== null;
}
