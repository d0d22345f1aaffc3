// Obtains a certificate for one preview with a host name, when no certificate covers all of them.

import type { Facts } from "../../engine/facts.ts";
import type { Recipe } from "../../engine/step.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { acmeDir } from "../../nginx/paths.ts";
import { previewHostOf } from "../../sites/previews/names.ts";
import type { Draft, Project } from "../../sites/project.ts";
import { projectStep } from "../../sites/serve/site.ts";
import { defaultServer } from "../acme-servers.ts";
import { type Lineage, readLineages } from "../lineage.ts";
import { certsLogPath, liveDir } from "../paths.ts";
import { isSiteRoot } from "../projects.ts";
import { certbotInstalled } from "../recipe.ts";
import { webrootsOf } from "../renewal-config.ts";
import { issuance } from "./issue.ts";
import { withinPreviewShare } from "./rate-limits.ts";
import type { IssueOptions } from "./request.ts";

/** A CI job waits for this, and its preview is live already. */
const certbotWaitMs = 30_000;

/** How the previews of a project obtain their certificates, or why they do not. */
export type PreviewAuthority = { site: Lineage } | { reason: string };

/**
 * Returns the certificate of the site, whose authority issues those of its previews. An account with that authority
 * exists, so that nobody is asked.
 */
export function previewAuthority(reader: HostReader, { domain, tls, enabled, slug }: Project): PreviewAuthority {
  if (!enabled) return { reason: `${slug} is disabled` };
  if (!tls) return { reason: `${slug} itself is served over HTTP` };
  const site = readLineages(reader).lineages.get(domain);
  if (site === undefined) return { reason: `certbot does not manage the certificate of ${domain}` };
  const webroots = webrootsOf(site.settings);
  if (webroots.length === 0 || !webroots.every((each) => each === acmeDir || isSiteRoot(each))) {
    return { reason: `the certificate of ${domain} is not obtained by a file of this nginx` };
  }
  return { site };
}

interface PreviewCertificateOptions {
  host: Host;
  slug: string;
  /** The name of the preview. */
  name: string;
  site: Lineage;
  again: readonly string[];
}

/** Returns the recipe that obtains the certificate of a preview, and has nginx serve the preview with it. */
export function previewCertificate({ host, slug, name, site, again }: PreviewCertificateOptions, facts: Facts): Recipe {
  const { server, profile } = site.settings;
  const domain = previewHostOf({ domain: site.name }, name);
  const options: IssueOptions = {
    ...{ host, slug, again, dryRun: false, preflight: true },
    ...(server !== defaultServer && { server }),
    ...(profile !== null && { profile }),
    after: (before) => before && asSite(before, domain),
  };
  const { requires, steps } = issuance(options, facts);
  const isCertified = (reader: HostReader) => readLineages(reader).lineages.has(domain);
  const share = withinPreviewShare(async () => ({ domain, names: [domain], server, again }));
  const title = `nginx serves preview ${name} of ${slug} with its certificate`;
  const command = `project deploy ${slug}`;
  return {
    ...{ command, logPath: certsLogPath, failed: `${command} failed at step` },
    done: `Issued certificate for ${domain} at ${liveDir}/${domain}`,
    requires: [
      ...requires,
      { ...share, check: (reader, warn) => (isCertified(reader) ? null : share.check(reader, warn)) },
    ],
    steps: [
      ...steps
        .filter((step) => step !== certbotInstalled)
        .map((step) => ({
          ...step,
          ...(step.id === "certs.issue" && { title: `${domain} has a certificate` }),
          ...(step.requires && {
            requires: step.requires.map((each) => ({ ...each, waitMs: Math.min(each.waitMs ?? 0, certbotWaitMs) })),
          }),
        })),
      projectStep({ id: "certs.preview", title, slug, after: (before) => before }, facts),
    ],
  };
}

/** Returns the record of a site with only this name, for which a certificate is requested as for any site. */
function asSite(record: Draft, domain: string): Draft {
  const {
    aliases: _,
    previews: __,
    preview_certificate: ___,
    default: ____,
    ...kept
  } = record as Record<string, unknown>;
  return { ...kept, domain };
}
