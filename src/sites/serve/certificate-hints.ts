// Hints for a project with a faulty certificate.

import type { HostReader } from "../../host/host.ts";
import type { Project } from "../project.ts";
import { certificatePathsOf } from "./site.ts";

/** Returns the command that obtains a certificate, and installs certbot where it is missing. */
export function hintToIssue({ slug }: Project): string[] {
  return ["sudo", "edox-ops", "project", "certs", "issue", slug, "--yes"];
}

/** Returns the command that replaces a certificate which is wrong although it has not expired. */
export function hintToReissue(reader: HostReader, project: Project): string[] {
  return isCertbots(reader, project) ? hintToIssue(project) : hintToInspect(project);
}

/** Returns the command that renews a certificate. */
export function hintToRenew(reader: HostReader, project: Project): string[] {
  return isCertbots(reader, project) ? ["sudo", "edox-ops", "certs", "renew", "--yes"] : hintToInspect(project);
}

/** A certificate that was installed by hand can only be replaced by its owner. */
function hintToInspect(project: Project): string[] {
  const { chainPath } = certificatePathsOf(project);
  return ["sudo", "openssl", "x509", "-in", chainPath, "-noout", "-subject", "-issuer", "-dates"];
}

function isCertbots(reader: HostReader, { domain }: Project): boolean {
  return reader.stat(`/etc/letsencrypt/renewal/${domain}.conf`) !== null;
}
