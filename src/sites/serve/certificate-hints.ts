// Hints for a project with a faulty certificate.

import type { HostReader } from "../../host/host.ts";
import { acmeDir } from "../../nginx/paths.ts";
import { namesOf, type Project } from "../project.ts";
import { certificatePathsOf, vhostLinkPath } from "./site.ts";

const certbotPaths = ["/usr/bin/certbot", "/usr/local/bin/certbot", "/snap/bin/certbot", "/bin/certbot"];

/** Returns the command that obtains a certificate, or that installs certbot where it is missing. */
export function hintToIssue(reader: HostReader, project: Project): string[] {
  const isInstalled = certbotPaths.some((path) => reader.stat(path) !== null);
  return isInstalled ? issue(reader, project) : ["sudo", "apt-get", "install", "certbot"];
}

/**
 * An ACME server validates over HTTP. An enabled site answers itself; otherwise certbot answers, and nginx releases
 * port 80 for some seconds. certbot runs the hooks at each renewal, so a stopped nginx needs them as well.
 */
function issue(reader: HostReader, project: Project): string[] {
  const { slug, domain } = project;
  const name = ["--cert-name", domain, ...namesOf(project).flatMap((each) => ["-d", each])];
  if (reader.readLink(vhostLinkPath(slug)) !== null) {
    return ["sudo", "certbot", "certonly", "--webroot", "-w", acmeDir, ...name];
  }
  const hooks = ["--pre-hook", "systemctl stop nginx", "--post-hook", "systemctl start nginx"];
  return ["sudo", "certbot", "certonly", "--standalone", ...hooks, ...name];
}

/** Returns the command that replaces a certificate which is wrong although it has not expired. */
export function hintToReissue(reader: HostReader, project: Project): string[] {
  return isCertbots(reader, project) ? [...issue(reader, project), "--force-renewal"] : hintToInspect(project);
}

/** Returns the command that renews a certificate. */
export function hintToRenew(reader: HostReader, project: Project): string[] {
  return isCertbots(reader, project)
    ? ["sudo", "certbot", "renew", "--cert-name", project.domain]
    : hintToInspect(project);
}

/** A certificate that was installed by hand can only be replaced by its owner. */
function hintToInspect(project: Project): string[] {
  const { chainPath } = certificatePathsOf(project);
  return ["sudo", "openssl", "x509", "-in", chainPath, "-noout", "-subject", "-issuer", "-dates"];
}

function isCertbots(reader: HostReader, { domain }: Project): boolean {
  return reader.stat(`/etc/letsencrypt/renewal/${domain}.conf`) !== null;
}
