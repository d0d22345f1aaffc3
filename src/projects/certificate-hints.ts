// What to type where the certificate of a project is faulty.

import type { HostReader } from "../host/host.ts";
import { acmeDir } from "../recipes/paths.ts";
import type { Project } from "./project.ts";
import { certificatePathsOf } from "./site.ts";

/** Returns the command that gets a certificate for a site that is served already. */
export function hintToIssue({ domain }: Project): string[] {
  return ["sudo", "certbot", "certonly", "--webroot", "-w", acmeDir, "--cert-name", domain, "-d", domain];
}

/** Returns the command that replaces a certificate which is wrong although it has not expired. */
export function hintToReissue(see: HostReader, project: Project): string[] {
  return isCertbots(see, project) ? [...hintToIssue(project), "--force-renewal"] : hintToInspect(project);
}

/** Returns the command that renews a certificate. */
export function hintToRenew(see: HostReader, project: Project): string[] {
  return isCertbots(see, project)
    ? ["sudo", "certbot", "renew", "--cert-name", project.domain]
    : hintToInspect(project);
}

/** A certificate that was installed by hand can only be replaced by its owner. */
function hintToInspect(project: Project): string[] {
  const { chainPath } = certificatePathsOf(project);
  return ["sudo", "openssl", "x509", "-in", chainPath, "-noout", "-subject", "-issuer", "-dates"];
}

function isCertbots(see: HostReader, { domain }: Project): boolean {
  return see.stat(`/etc/letsencrypt/renewal/${domain}.conf`) !== null;
}
