// Obtains the certificate of a project: certbot, its hook and timer, an nginx that answers challenges, the certificate.

import type { Change } from "../../engine/change.ts";
import type { Facts } from "../../engine/facts.ts";
import type { Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { setUp } from "../../nginx/fault.ts";
import { acmeDir, catchAllPath, sitesEnabledDir } from "../../nginx/paths.ts";
import { nginxServes, nginxService, unknownNames } from "../../nginx/recipe.ts";
import { throwawayCertificate } from "../../nginx/unknown-names.ts";
import { Problem } from "../../problem/problem.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { directory } from "../../resources/directory.ts";
import { portFree } from "../../resources/port.ts";
import { clockSet } from "../../resources/ready.ts";
import { isActive } from "../../resources/service.ts";
import { namesOf, type Project } from "../../sites/project.ts";
import { certificatePathsOf } from "../../sites/serve/certificate-files.ts";
import { projectStep } from "../../sites/serve/site.ts";
import { draftOf, projectFrom } from "../../sites/store.ts";
import { few } from "../../text/lines.ts";
import { accountFor } from "../accounts.ts";
import { defaultServer } from "../acme-servers.ts";
import { certbotCommand, issueArgv } from "../certbot.ts";
import { certbotFree } from "../certbot-run.ts";
import { certbotInstalled, renewalHook, renewalTimer } from "../recipe.ts";
import { renewInTime } from "../renewal/before.ts";
import { challengeDirs, namesHaveAddresses, namesLeadHere, type Preflight } from "./preflight.ts";
import { withinLimits } from "./rate-limits.ts";
import { demandProfiles, type IssueOptions, projectOf, refusedBecause, requestFor } from "./request.ts";
import { isUnfinished, unfinishedRemoved } from "./unfinished.ts";

export interface Issuance {
  requires: Requirement[];
  steps: Step[];
}

/** Returns the steps that obtain a certificate, and what they require. The site itself does not change. */
export function issuance(options: IssueOptions, facts: Facts): Issuance {
  const { host, again, slug, dryRun } = options;
  const preflight: Preflight = {
    slug,
    again,
    dryRun,
    names: async (reader) => namesOf(await projectOf(reader, options)),
  };
  const limited = async (reader: HostReader) => {
    const project = await projectOf(reader, options);
    const { server = defaultServer } = (await requestFor(reader, project, options)).request;
    return { domain: project.domain, names: namesOf(project), server, again };
  };
  const checks = options.preflight ? [namesHaveAddresses(preflight), httpPortFree, withinLimits(limited)] : [];
  const step: Step = {
    id: "certs.issue",
    title: `${slug} has a certificate`,
    action: "Obtaining a certificate",
    requires: [clockSet, certbotFree, ...(options.preflight ? [namesLeadHere(host, preflight)] : [])],
    resources: [certificate(options)],
    verify: async () => demandValid(host, await projectOf(host, options)),
  };
  return {
    requires: [nginxPresent, portFree(80, "nginx", nginxServes), ...checks.map((each) => ifPending(each, options))],
    steps: [certbotInstalled, renewalHook, renewalTimer, challenges(options, facts), step, renewInTime],
  };
}

const nginxPresent: Requirement = {
  name: "nginx is set up",
  title: "nginx is set up",
  check: (reader) => (reader.stat(sitesEnabledDir) === null ? { reason: "nginx is not set up", hint: setUp } : null),
};

/** A stopped nginx is started by an earlier step. */
const httpPortFree = portFree(80, "nginx", (reader) => isActive(reader, "nginx"));

/** A host that needs no certificate sends no request. */
function ifPending(requirement: Requirement, options: IssueOptions): Requirement {
  return {
    ...requirement,
    async check(reader, warn) {
      const { reason } = await requestFor(reader, await projectOf(reader, options), options);
      return reason === null ? null : requirement.check(reader, warn);
    },
  };
}

/** nginx answers for names without a site too, so that a certificate can be obtained before the site is enabled. */
function challenges({ slug }: IssueOptions, facts: Facts): Step {
  const title = "nginx answers the challenges of a certificate authority";
  const isServed = async (reader: HostReader) => (await draftOf(reader, slug))?.enabled === true;
  // The site of an earlier version answers challenges with an error.
  const site = projectStep({ id: "certs.challenge", title, slug, after: (before) => before }, facts).resources;
  const others = [throwawayCertificate(facts), unknownNames(facts), nginxService([catchAllPath])];
  const only = (resource: Resource, served: boolean): Resource => ({
    ...resource,
    async check(reader, ahead, warn) {
      return (await isServed(reader)) === served ? resource.check(reader, ahead, warn) : [];
    },
  });
  return {
    id: "certs.challenge",
    title,
    resources: [
      ...[acmeDir, ...challengeDirs].map((path) => directory(path, 0o755)),
      ...site.map((each) => only(each, true)),
      ...others.map((each) => only(each, false)),
    ],
  };
}

function certificate(options: IssueOptions): Resource {
  return {
    name: `certificate:${options.slug}`,
    title: `${options.slug} has a certificate`,
    async check(reader, _ahead, warn): Promise<Change[]> {
      const project = await projectOf(reader, options);
      const { reason, request, dropped = [] } = await requestFor(reader, project, options);
      if (reason === null) return [];
      // Another program, such as a mail server, may use the same certificate.
      if (dropped.length > 0) {
        warn(`the new certificate of ${project.domain} does not cover ${few(dropped)} any more: --alias keeps a name`);
      }
      await demandProfiles(reader, options);
      const account = accountFor(reader, request.server);
      const command = certbotCommand(issueArgv({ ...request, account }), reason, {
        again: options.again,
        server: request.server,
      });
      return isUnfinished(reader, project) ? [unfinishedRemoved(project), command] : [command];
    },
  };
}

/** Throws a Problem if browsers would not accept the certificate. */
async function demandValid(reader: HostReader, project: Project): Promise<void> {
  const fault = await refusedBecause(reader, project);
  if (fault !== undefined) throw new Problem("verify-failed", fault.detail, { hint: fault.hint });
}

/**
 * Returns the step that has nginx load the certificate, where the record as it is now uses it. certbot's hook runs only
 * at renewals, and may fail.
 */
export function certificateLoaded({ slug }: IssueOptions): Step {
  const title = `nginx has loaded the certificate of ${slug}`;
  const resource: Resource = {
    name: `certificate:${slug}:loaded`,
    title,
    async check(reader, ahead, warn) {
      const draft = await draftOf(reader, slug);
      if (draft?.enabled !== true || draft.tls !== true) return [];
      const { chainPath } = certificatePathsOf(await projectFrom(reader, slug, draft));
      return nginxService([chainPath]).check(reader, ahead, warn);
    },
  };
  return { id: "certs.load", title, resources: [resource] };
}
