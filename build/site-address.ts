// Where the built site lies, and the addresses at which it is read.

import { dirname } from "node:path";

const pathInRepository = "docs/.vitepress/dist";

/** Holds the built site. */
export const sitePath = `${dirname(import.meta.dir)}/${pathInRepository}`;

/** An error whose message is for a person, without a trace. */
export class Failure extends Error {}

/** Returns whether the text is an absolute address that a browser can open. */
export function isSiteUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/**
 * Returns the address of the site in the artifact of the job whose predefined variables are given, without a slash at
 * its end, or null where the instance has no Pages: its artifacts can be downloaded, but are not shown. Throws where the
 * variables are not those of a job.
 */
export function artifactSiteUrl(env: Readonly<Record<string, string | undefined>>): string | null {
  const { CI_JOB_ID: job, CI_PROJECT_PATH: project, CI_PAGES_DOMAIN: domain, CI_PAGES_URL: pages } = env;
  if (!job || !project) throw new Failure("--artifact is for a job of GitLab: CI_JOB_ID or CI_PROJECT_PATH is not set");
  if (!domain || !pages || !URL.canParse(pages)) return null;
  const { protocol, host } = new URL(pages);
  const [namespace = "", ...path] = project.split("/");
  // An instance without a wildcard domain has the namespace in the path: the host of a site is the domain itself.
  const top = host === domain ? `${domain}/${namespace}` : `${namespace}.${domain}`;
  return `${protocol}//${top.toLowerCase()}/-/${path.join("/")}/-/jobs/${job}/artifacts/${pathInRepository}`;
}
