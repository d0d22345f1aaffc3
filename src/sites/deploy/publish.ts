// The record and the site of a project that is published. They change together with its tree, or not at all.

import { installedPackage } from "../../apt/dpkg.ts";
import { converge, type Options } from "../../engine/converge.ts";
import type { Facts } from "../../engine/facts.ts";
import { docsRoot } from "../../engine/paths.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { Recipe, Step, StepResult } from "../../engine/step.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { refusal } from "../../nginx/accepts.ts";
import { setUp } from "../../nginx/fault.ts";
import { nameTooLong } from "../../nginx/names.ts";
import { sitesEnabledDir } from "../../nginx/paths.ts";
import { nginxServes } from "../../nginx/recipe.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { portFree } from "../../resources/port.ts";
import { namesOf, type Project } from "../project.ts";
import { recipe } from "../recipe.ts";
import { type After, certificatePresent, requirement, soleName, usableRecord } from "../requirements.ts";
import { certificatePathsOf } from "../serve/certificate-files.ts";
import type { Credential } from "../serve/password.ts";
import { encryptedPassword } from "../serve/password-faults.ts";
import { unservedProblem } from "../serve/served.ts";
import { type Promised, projectStep, vhostLinkPath } from "../serve/site.ts";
import { draftOf, projectFrom } from "../store.ts";
import type { DeployRequest } from "./plan.ts";

/** A recipe that serves a project, and the resulting project. */
export interface Publication {
  recipe: Recipe;
  /** Throws a Problem where the record would be invalid. */
  projectIn(reader: HostReader): Promise<Project>;
}

/**
 * Returns the recipe that registers or changes a project and serves it. Its requirements cover everything that can be
 * checked before the first write, except for the tree, which the deploy checks. `after` must return a record. A
 * promised certificate is checked by the caller, once it exists.
 */
export function publication(
  slug: string,
  after: After,
  facts: Facts,
  { certificate, credential }: { certificate?: Promised | undefined; credential?: Credential | undefined } = {},
): Publication {
  const projectIn = async (reader: HostReader): Promise<Project> => {
    return projectFrom(reader, slug, after(await draftOf(reader, slug)) ?? {});
  };
  const title = `${slug} is registered and served`;
  const step = projectStep({ id: "project.publish", title, slug, after, certificate, credential }, facts);
  const requires = [
    prepared,
    usableRecord(slug, after),
    replaceable(slug, projectIn),
    ...(certificate === "promised" ? [] : [certificatePresent(slug, after, true)]),
    servedOn(80, projectIn),
    servedOn(443, projectIn),
    publishedConfigValid(slug, step, async (reader) => {
      return certificate === undefined ? [] : [certificatePathsOf(await projectIn(reader))].flatMap(Object.values);
    }),
    soleName(slug, after, true),
    encryptedPassword(slug, after),
  ];
  return { recipe: recipe(`project publish ${slug}`, `Published project ${slug}.`, requires, step), projectIn };
}

const prepared = requirement("this host is set up for sites", async (reader) => {
  if ([sitesEnabledDir, docsRoot].every((dir) => reader.stat(dir) !== null)) return null;
  return { reason: "nginx is not set up", hint: setUp };
});

/** Requires that the site's directory is a directory or missing, and that nginx can serve the names. */
function replaceable(slug: string, projectIn: Publication["projectIn"]): Requirement {
  return requirement(`${slug} can be served`, async (reader) => {
    const project = await projectIn(reader);
    const { root_path } = project;
    if ((reader.stat(root_path)?.type ?? "directory") !== "directory") {
      return {
        reason: `${root_path} is not a directory: move it away`,
        code: "conflict",
        hint: ["ls", "-ld", root_path],
      };
    }
    return nameTooLong(reader, namesOf(project));
  });
}

/** Requires that no other program listens on a port of the site. */
function servedOn(port: 80 | 443, projectIn: Publication["projectIn"]): Requirement {
  const free = portFree(port, "nginx", nginxServes);
  const check: Requirement["check"] = async (reader, warn) => {
    return port === 80 || (await projectIn(reader)).tls ? free.check(reader, warn) : null;
  };
  return { ...free, check };
}

/**
 * Requires that nginx can start and accepts its current configuration. A fault in a file that the step replaces does
 * not count, because nginx tests the new file before it is used. `replaced` returns files that an earlier step replaces.
 */
function publishedConfigValid(
  slug: string,
  step: Step,
  replaced: (reader: HostReader) => Promise<string[]>,
): Requirement {
  return requirement("nginx accepts its configuration", async (reader) => {
    const [result] = await converge([step], reader, {});
    if (result?.problem) throw result.problem;
    const changes = result?.changes ?? [];
    if (changes.length === 0) return null;
    if (installedPackage(reader, "nginx") === null) return { reason: "nginx is not installed", hint: setUp };
    const fault = await refusal(reader);
    const changed = changes.flatMap((change) => ("path" in change ? [change.path] : []));
    const ownPaths = [vhostLinkPath(slug), ...changed, ...(await replaced(reader))];
    return fault !== null && ownPaths.some((path) => fault.reason.includes(path)) ? null : fault;
  });
}

/** Time in milliseconds that an old nginx worker may still answer after a reload. */
const settleMs = 1000;
const pollMs = 50;

interface SiteChange {
  /** The results of the step, once it has run. */
  results: StepResult[];
  /** Changes the record and the site, and probes the page. On failure it rolls both back and throws the problem. */
  probe(): Promise<null>;
}

/** Returns the probe of a deploy. It runs when the new tree is live, so that a failure also rolls back the tree. */
export function siteChange({ steps }: Recipe, request: DeployRequest, options: Options & { act: Host }): SiteChange {
  const { act: host } = options;
  const results: StepResult[] = [];
  return {
    results,
    async probe() {
      const verified = steps.map((step) => ({ ...step, verify: () => siteServed(settleMs) }));
      results.push(...(await converge(verified, snapshot(host), options)));
      const problem = results.find((result) => result.problem)?.problem;
      if (problem) throw problem;
      if (results.every(({ outcome }) => outcome === "ok")) await siteServed(0);
      return null;
    },
  };

  async function siteServed(ms: number): Promise<void> {
    const end = host.now() + ms;
    for (;;) {
      const why = await unservedProblem(request.probe);
      if (why === null) return;
      if (host.now() >= end) throw why;
      await host.sleep(pollMs);
    }
  }
}
