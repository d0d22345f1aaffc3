// The folder of the built documentation site and its URLs.

import { dirname } from "node:path";

const pathInRepository = "docs/.vitepress/dist";

/** The folder of the built site. */
export const sitePath = `${dirname(import.meta.dir)}/${pathInRepository}`;

/** An error whose message is shown to the user without a stack trace. */
export class Failure extends Error {}

/** Returns whether the text is an absolute URL that a browser can open. */
export function isSiteUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/**
 * Returns the URL of the site in the artifact of the job with these predefined variables, without a trailing slash.
 * Returns null if the instance has no Pages: its artifacts can be downloaded, but are not shown. Throws if the
 * variables are not those of a job.
 */
export function artifactSiteUrl(env: Readonly<Record<string, string | undefined>>): string | null {
  const { CI_JOB_ID: job, CI_PROJECT_PATH: project, CI_PAGES_DOMAIN: domain, CI_PAGES_URL: pages } = env;
  if (!job || !project) throw new Failure("--artifact is for a job of GitLab: CI_JOB_ID or CI_PROJECT_PATH is not set");
  if (!domain || !pages || !URL.canParse(pages)) return null;
  const { protocol, host } = new URL(pages);
  const [namespace = "", ...path] = project.split("/");
  // An instance without a wildcard domain has the namespace in the path, and all sites share the domain itself as their
  // host.
  const top = host === domain ? `${domain}/${namespace}` : `${namespace}.${domain}`;
  return `${protocol}//${top.toLowerCase()}/-/${path.join("/")}/-/jobs/${job}/artifacts/${pathInRepository}`;
}
