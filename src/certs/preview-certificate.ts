// The certificate with which nginx serves the previews of a project that have host names. A wildcard needs a challenge
// in the DNS, so that an admin obtains it with certbot, and it is found here.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { parseCertificate, parsePrivateKey } from "../host/x509.ts";
import { nginxServes } from "../nginx/recipe.ts";
import { portFree } from "../resources/port.ts";
import { previewDomainOf } from "../sites/previews/names.ts";
import type { Project } from "../sites/project.ts";
import { utcText } from "../text/time.ts";
import { type Certificate, type Lineage, readLineages } from "./lineage.ts";
import { liveDir } from "./paths.ts";

/** The lineage that covers all previews, or the reason why they are served over plain HTTP. */
type PreviewCertificate = { lineage: string } | { reason: string; isUnknown?: true };

/** Returns the name that a certificate for all previews has. */
export function previewWildcard(project: Pick<Project, "domain">): string {
  return `*.${previewDomainOf(project).toLowerCase()}`;
}

/**
 * Returns the lineage on this host that covers all previews of a project: the recorded one while it can be used,
 * otherwise the one that expires last.
 */
export async function findPreviewCertificate(
  reader: HostReader,
  project: Pick<Project, "domain" | "preview_certificate">,
): Promise<PreviewCertificate> {
  const wildcard = previewWildcard(project);
  try {
    const all = [...readLineages(reader).lineages.values()];
    if (all.some(({ certificate }) => certificate === null)) return unreadable;
    const covering = all.flatMap(({ name, certificate }) =>
      certificate?.names.includes(wildcard) ? [{ name, certificate }] : [],
    );
    const judged = covering
      .sort((a, b) => b.certificate.notAfter - a.certificate.notAfter)
      .map((each) => ({ ...each, reason: whyUnusable(reader, each) }));
    const usable = judged.filter(({ reason }) => reason === null);
    const chosen = usable.find(({ name }) => name === project.preview_certificate) ?? usable[0];
    if (chosen === undefined) {
      const [first] = judged;
      if (first === undefined) return { reason: `no certificate of certbot on this host covers ${wildcard}` };
      return { reason: `the certificate ${first.name} for ${wildcard} ${first.reason}` };
    }
    const taken = await portFree(443, "nginx", nginxServes).check(reader, () => {});
    return taken === null ? { lineage: chosen.name } : { reason: taken.reason };
  } catch (error) {
    if (error instanceof UnknownStateError) return unreadable;
    throw error;
  }
}

const unreadable = { reason: "only root can read the certificates", isUnknown: true } as const;

function whyUnusable(
  reader: HostReader,
  { name, certificate }: Pick<Lineage, "name"> & { certificate: Certificate },
): string | null {
  const { notAfter, notBefore } = certificate;
  if (notAfter <= reader.now()) return `expired on ${utcText(notAfter)}`;
  if (notBefore > reader.now()) return `is not valid before ${utcText(notBefore)}`;
  const textOf = (file: string): string =>
    Buffer.from(reader.read(`${liveDir}/${name}/${file}`) ?? []).toString("latin1");
  const key = parsePrivateKey(textOf("privkey.pem"));
  if (typeof key === "string") return `has a private key that ${key}`;
  return parseCertificate(textOf("fullchain.pem"))?.checkPrivateKey(key) ? null : "is for another private key";
}

/** With `each`, every preview obtains a certificate of its own, because of this reason. */
export type PreviewSecurity = PreviewCertificate | { each: string };

/** Returns a sentence that says how previews are served, and why. `found`: null for previews below a path. */
export function previewSecurity(project: Project, found: PreviewSecurity | null): string {
  const subject = `Previews of ${project.slug} are served over`;
  if (found === null) {
    return project.tls
      ? `${subject} HTTPS, with the certificate of the site.`
      : `${subject} plain HTTP, as the site is.`;
  }
  if ("each" in found) {
    return `${subject} HTTPS, each with a certificate of its own from its next deploy on: ${found.each}.`;
  }
  return "lineage" in found
    ? `${subject} HTTPS, with the wildcard certificate ${found.lineage}.`
    : `${subject} plain HTTP: ${found.reason}.`;
}
