// The files of the certificates with which nginx serves a project, under certbot's names.

import type { HostReader } from "../../host/host.ts";
import { previewHostOf } from "../previews/names.ts";
import { previewNames } from "../previews/present.ts";
import type { Project } from "../project.ts";

/** Returns the directory of the certificate for a domain. */
export const certificateDirOf = ({ domain }: Pick<Project, "domain">): string => `/etc/letsencrypt/live/${domain}`;

/** Returns the certificate files of a project. nginx does not read `issuersPath`. */
export function certificatePathsOf(project: Pick<Project, "domain">): {
  chainPath: string;
  keyPath: string;
  issuersPath: string;
} {
  const dir = certificateDirOf(project);
  return { chainPath: `${dir}/fullchain.pem`, keyPath: `${dir}/privkey.pem`, issuersPath: `${dir}/chain.pem` };
}

/** Returns whether both files of a certificate exist. Their content is not checked. */
export function hasCertificate(reader: HostReader, project: Pick<Project, "domain">): boolean {
  const { chainPath, keyPath } = certificatePathsOf(project);
  return [chainPath, keyPath].every((path) => reader.statTarget(path) !== null);
}

/** Returns the directory of the certificate for all previews, or null if they have none or its files are missing. */
export function previewCertificateDir(reader: HostReader, { previews, preview_certificate }: Project): string | null {
  if (previews !== "host" || preview_certificate === undefined) return null;
  const named = { domain: preview_certificate };
  return hasCertificate(reader, named) ? certificateDirOf(named) : null;
}

/**
 * Returns the previews that nginx serves with a certificate of their own: none beside a certificate for all, and none
 * of a site without HTTPS, whose port 443 may be that of another program.
 */
export function certifiedPreviews(reader: HostReader, project: Project): string[] {
  const { slug, previews, tls, preview_certificate } = project;
  if (previews !== "host" || !tls || preview_certificate !== undefined) return [];
  return previewNames(reader, slug).filter((name) => hasCertificate(reader, { domain: previewHostOf(project, name) }));
}
