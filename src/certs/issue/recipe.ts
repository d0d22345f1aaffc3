// The recipes of `project certs issue`, and of `project publish --tls` before it changes the site.

import type { Facts } from "../../engine/facts.ts";
import type { Recipe } from "../../engine/step.ts";
import { UnknownStateError } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { siteConfigValid, usableRecord, validRecord } from "../../sites/requirements.ts";
import { projectStep } from "../../sites/serve/site.ts";
import { theProject } from "../../sites/store.ts";
import { stagingServer } from "../acme-servers.ts";
import { readLineages } from "../lineage.ts";
import { certsLogPath, liveDir } from "../paths.ts";
import { certificateLoaded, issuance } from "./issue.ts";
import { type IssueOptions, projectOf, refusedBecause, requestFor } from "./request.ts";
import { isUnfinished } from "./unfinished.ts";

/** Milliseconds to wait for another run, which may obtain a certificate too. */
export const issueWaitMs = 180_000;

/** Returns the recipe that obtains a certificate, and has nginx use it where the project uses TLS. */
export async function issueCertificate(options: IssueOptions, facts: Facts): Promise<Recipe> {
  const { slug, after, host } = options;
  const { domain: former } = await theProject(host, slug);
  const { domain } = await projectOf(host, options);
  const { requires, steps } = issuance(options, facts);
  const title = `${slug} is served as recorded`;
  const site = projectStep({ id: "certs.site", title, slug, after, certificate: "promised" }, facts);
  // This run replaces a certificate that is missing, or whose key does not match it.
  const valid = siteConfigValid(site, slug, after, [`"${liveDir}/${former}/`]);
  return {
    command: `project certs issue ${slug}`,
    logPath: certsLogPath,
    done: `Issued certificate for ${domain} at ${liveDir}/${domain}`,
    failed: `project certs issue ${slug} failed at step`,
    requires: [validRecord(slug), usableRecord(slug, after), valid, ...requires],
    steps: [...steps, site, certificateLoaded(options)],
  };
}

/**
 * Returns whether the project has no certificate, one that browsers would refuse, or another one than the options choose.
 * A user who may not read it, and an invalid record, get the same report as without a certificate authority.
 */
export async function needsCertificate(options: IssueOptions): Promise<boolean> {
  try {
    const project = await projectOf(options.host, options);
    // certbot would never renew an unfinished one.
    if (isUnfinished(options.host, project)) return true;
    if ((await refusedBecause(options.host, project)) !== undefined) return true;
    // Without a choice, a certificate that covers more names than the site is kept.
    const lineage = readLineages(options.host).lineages.get(project.domain);
    const isChosen = [options.server, options.keyType, options.profile].some((each) => each !== undefined);
    if (lineage === undefined || !(isChosen || lineage.settings.server === stagingServer)) return false;
    return (await requestFor(options.host, project, options)).reason !== null;
  } catch (error) {
    if (error instanceof UnknownStateError) return false;
    // The publication itself reports an invalid record.
    if (error instanceof Problem && error.code === "invalid-config") return false;
    throw error;
  }
}

/** Returns the recipe that obtains the certificate of a project whose site a later recipe changes. */
export async function obtainCertificate(options: IssueOptions, facts: Facts): Promise<Recipe> {
  const { domain } = await projectOf(options.host, options);
  const command = `project publish ${options.slug}`;
  const done = `Issued certificate for ${domain} at ${liveDir}/${domain}`;
  const { requires, steps } = issuance(options, facts);
  return {
    ...{ command, logPath: certsLogPath, done, failed: `${command} failed at step`, requires },
    steps: [...steps, certificateLoaded(options)],
  };
}
