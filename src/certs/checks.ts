// Doctor's checks of certificates.

import type { Check, CheckResult } from "../engine/finding.ts";
import { type Host, type HostReader, UnknownStateError } from "../host/host.ts";
import { nginxConfig } from "../nginx/config.ts";
import { previewDomainOf } from "../sites/previews/names.ts";
import { hintToRenew } from "../sites/serve/certificate-hints.ts";
import { overdueMs } from "../sites/serve/overdue.ts";
import { reloadNginx } from "../sites/serve/site-hints.ts";
import { countOf, few } from "../text/lines.ts";
import { utcText } from "../text/time.ts";
import { renewalTest, runCertbot } from "./certbot-run.ts";
import { type Certificate, certificateOf, type Lineage, type Lineages, readLineages, shareLeft } from "./lineage.ts";
import { liveDir } from "./paths.ts";
import { findPreviewCertificate, previewWildcard } from "./preview-certificate.ts";
import { type CertifiedProject, isOurs, projectsIn, projectsOf } from "./projects.ts";
import { hookResult } from "./renewal/hook.ts";
import { timerState } from "./renewal/timer.ts";
import { servedCertificates } from "./served.ts";

const renewalsOfAll = "renewals of certificates";
const renewAll = ["sudo", "edox-ops", "certs", "renew", "--yes"];
/** A renewal without a certificate takes three seconds; a slow server may need a minute. */
const testLimitMs = 120_000;
/** A small host needs a fraction of a second to ask nginx for each certificate. */
const servedLimitMs = { base: 15_000, each: 250 };

/** Returns the checks. `online`: whether certbot may contact ACME servers. */
export function certsChecks(reader: HostReader, { host, online }: { host: Host; online: boolean }): Check[] {
  try {
    const projects = projectsIn(reader);
    const found = readLineages(reader);
    const secure = projects.flatMap(certifiedNames);
    return [
      ...secure.map((each) => expiryOf(reader, each)),
      {
        name: "certs:served",
        runsProgram: true,
        limitMs: servedLimitMs.base + servedLimitMs.each * secure.length,
        follows: ["nginx:config", "nginx:active"],
        run: (own) => served(own, secure),
      },
      ...(projects.some(({ hasPreviewHosts }) => hasPreviewHosts)
        ? [{ name: "certs:previews", run: (own: HostReader) => previews(own, projects) }]
        : []),
      { name: "certs:lineages", run: (own) => lineages(own, found, projects) },
      { name: "certs:renewals", runsProgram: true, affects: renewalsOfAll, run: renewals },
      renewalTests(host, online ? [...found.lineages.values()].filter((each) => isTested(each, projects)) : null),
    ];
  } catch (error) {
    if (!(error instanceof UnknownStateError)) throw error;
    return [
      {
        name: "certs:managed",
        run() {
          throw error;
        },
      },
    ];
  }
}

/** A name, or the wildcard of previews, with the lineage that certifies it. */
interface CertifiedName {
  slug: string;
  name: string;
  lineage: string;
  /** The name by which nginx is asked for the certificate. */
  requested: string;
  enabled: boolean;
}

/** Returns the domain of a project that uses TLS, and the wildcard of its previews or the names of single ones. */
function certifiedNames(project: CertifiedProject): CertifiedName[] {
  const { slug, domain, tls, enabled, previewCertificate, previewLineages } = project;
  const own = { slug, name: domain, lineage: domain, requested: domain, enabled };
  const wildcard = previewWildcard({ domain });
  return [
    ...(tls ? [own] : []),
    ...(previewCertificate === null
      ? previewLineages.flatMap((name) => (tls ? [{ slug, name, lineage: name, requested: name, enabled }] : []))
      : [{ slug, name: wildcard, lineage: previewCertificate, requested: wildcard.replace("*", "any"), enabled }]),
  ];
}

/** Another authenticator may stop nginx for its responses, which no check may do. */
function isTested(lineage: Lineage, projects: readonly CertifiedProject[]): boolean {
  return isOurs(lineage, projects) && lineage.settings.authenticator === "webroot";
}

/** Checks when a certificate expires. The other faults of that of a domain are those of the project. */
function expiryOf(host: HostReader, { slug, name: domain, lineage, enabled }: CertifiedName): Check {
  const isMissing = readable(host, lineage) === null;
  return {
    name: `certs:expiry:${domain}`,
    ...(isMissing && { follows: [`project:${slug}`] }),
    run(reader) {
      if (isMissing && !enabled) return { status: "ok", detail: "not checked: the site is not enabled" };
      const certificate = certificateOf(reader, lineage);
      if (certificate === null) throw new UnknownStateError(`only root can read the certificate of ${domain}`);
      const left = certificate.notAfter - reader.now();
      const detail = `${Math.floor(shareLeft(reader, certificate) * 100)} % of its lifetime is left, until ${utcText(certificate.notAfter)}`;
      const hint = hintToRenew(reader, { domain: lineage });
      const warned = (since: string) =>
        enabled
          ? { affects: `readers of ${domain} (certificate warning ${since} ${utcText(certificate.notAfter)})` }
          : {};
      if (left <= 0) {
        return { status: "error", detail: `it expired on ${utcText(certificate.notAfter)}`, hint, ...warned("since") };
      }
      if (left >= overdueMs(certificate.lifetime)) return { status: "ok", detail };
      return { status: "warning", detail: `${detail}: its renewal is overdue`, hint, ...warned("from") };
    },
  };
}

/** Checks that nginx has loaded the certificates. certbot exits with success even if its hook fails. */
async function served(reader: HostReader, names: readonly CertifiedName[]): Promise<CheckResult> {
  const enabled = names.filter((each) => each.enabled);
  const found = await servedCertificates(
    reader,
    enabled.map(({ requested }) => requested),
  );
  // A site without an answer has its own check.
  const stale = enabled.flatMap(({ name: domain, lineage, requested }) => {
    const [own, certificate] = [readable(reader, lineage), found.get(requested)];
    const isOther = own !== null && certificate && "serial" in certificate && certificate.serial !== own.serial;
    return isOther ? [{ domain, lineage, certificate }] : [];
  });
  const [first] = stale;
  if (first === undefined) return { status: "ok", detail: "nginx serves the certificates on the disk" };
  const hook = hookResult(reader, first.lineage);
  const why = hook?.result === "failed" ? `: the renewal hook failed: ${hook.reason}` : "";
  const stales = stale.map(({ domain, certificate }) => `${domain} (until ${utcText(certificate.notAfter)})`);
  const detail = `nginx serves an older certificate than the one on the disk for ${few(stales)}${why}`;
  const hasExpired = stale.some(({ certificate }) => certificate.notAfter <= reader.now());
  const affects = `readers of ${few(stale.map(({ domain }) => domain))} (certificate warning ${hasExpired ? "now" : "once it expires"})`;
  return { status: hasExpired ? "error" : "warning", detail, affects, hint: reloadNginx };
}

/** Checks that previews with host names use a certificate that covers them, if there is one. */
async function previews(reader: HostReader, projects: readonly CertifiedProject[]): Promise<CheckResult> {
  const over: string[] = [];
  for (const { slug, domain, tls, enabled, hasPreviewHosts, previewCertificate, previewLineages } of projects) {
    if (!hasPreviewHosts || !enabled) continue;
    const recorded = previewCertificate === null ? {} : { preview_certificate: previewCertificate };
    const found = await findPreviewCertificate(reader, { domain, ...recorded });
    if ("isUnknown" in found) throw new UnknownStateError(found.reason);
    const hint = ["sudo", "edox-ops", "project", "update", slug, "--previews", "host"];
    if ("reason" in found) {
      const own = tls && previewCertificate === null ? previewLineages.length : 0;
      over.push(own > 0 ? `${countOf(own, "preview")} of ${slug} over HTTPS` : `${slug} over HTTP: ${found.reason}`);
      if (previewCertificate === null) continue;
      const detail = `previews of ${slug} cannot use the certificate ${previewCertificate}: ${found.reason}`;
      return { status: "error", detail, affects: `previews of ${slug}`, hint };
    }
    over.push(`${slug} over HTTPS with ${found.lineage}`);
    if (found.lineage === previewCertificate) continue;
    const detail = `previews of ${slug} do not use the certificate ${found.lineage}, which covers them`;
    return { status: "warning", detail, hint };
  }
  return { status: "ok", detail: over.length === 0 ? "no previews with host names are served" : over.join("; ") };
}

/** Returns a certificate, or null if there is none that can be used, which is a fault of its project. */
function readable(reader: HostReader, domain: string): Certificate | null {
  try {
    return certificateOf(reader, domain);
  } catch {
    return null;
  }
}

/** Checks that certbot can use each lineage, and that each one of edox-ops has a project. */
function lineages(
  reader: HostReader,
  { lineages, broken }: Lineages,
  projects: readonly CertifiedProject[],
): CheckResult {
  const [damaged] = broken.values();
  if (damaged !== undefined) {
    const detail = `certbot cannot renew ${damaged.name}: ${damaged.reason}`;
    return { status: "warning", detail, hint: ["sudo", "certbot", "certificates"] };
  }
  const left = [...lineages.values()].filter(
    (each) => isOurs(each, projects) && projectsOf(projects, each).length === 0,
  );
  // A server of the admin's own may use one, for a redirect from a former name.
  const used = left.length === 0 ? [] : nginxConfig(reader).paths;
  const unused = left.filter(({ name }) => !used.includes(`${liveDir}/${name}/fullchain.pem`));
  const [first] = unused;
  if (first === undefined) return { status: "ok", detail: "each has its project, or is not managed by edox-ops" };
  const isPreview = projects.some(({ domain }) => first.name.endsWith(`.${previewDomainOf({ domain })}`));
  if (isPreview) {
    const detail = `no preview needs the certificate ${first.name}, and certbot renews it`;
    return { status: "warning", detail, hint: ["sudo", "edox-ops", "project", "previews", "prune"] };
  }
  const detail = `no project has the domain of ${few(unused.map(({ name }) => name))}, and certbot renews it`;
  return { status: "warning", detail, hint: ["sudo", "certbot", "delete", "--cert-name", first.name] };
}

/** Checks the last run of certbot's timer. */
async function renewals(reader: HostReader): Promise<CheckResult> {
  const { lastResult, lastRun } = await timerState(reader);
  if (lastRun === null) return { status: "ok", detail: "not run since the boot" };
  if (lastResult === "success") return { status: "ok", detail: `succeeded at ${utcText(lastRun)}` };
  const detail = `certbot.service failed at ${utcText(lastRun)}: ${lastResult}`;
  return { status: "warning", detail, hint: renewAll };
}

/** Renews each lineage without a certificate as the result. `lineages`: null if that was not asked for. */
function renewalTests(host: Host, lineages: readonly Lineage[] | null): Check {
  const name = "certs:renew-dry-run";
  if (lineages === null) {
    return { name, run: () => ({ status: "ok", detail: "not run (optional; run edox-ops doctor --online)" }) };
  }
  return {
    name,
    limitMs: testLimitMs * Math.max(1, lineages.length),
    async run() {
      if (host.uid !== 0) throw new UnknownStateError("only root can run certbot");
      for (const lineage of lineages) {
        const output = await runCertbot(host, renewalTest(lineage));
        if (output.code === 0) continue;
        const { certbotProblem } = await import("./errors/certbot.ts");
        const context = { again: renewAll, server: lineage.settings.server };
        const { message, hint = renewAll } = certbotProblem(host, output, context);
        const affects = `the renewal of ${lineage.name}`;
        return { status: "error", detail: `${lineage.name} cannot be renewed: ${message}`, affects, hint };
      }
      if (lineages.length === 0) return { status: "ok", detail: "no certificate is renewed by a webroot" };
      return { status: "ok", detail: `${few(lineages.map((each) => each.name))} can be renewed` };
    },
  };
}
