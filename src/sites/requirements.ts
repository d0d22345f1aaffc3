// What must be true before a project's record or its site is changed.

import type { Step } from "../engine/step.ts";
import { configValid } from "../nginx/accepts.ts";
import { nginxConfig } from "../nginx/config.ts";
import { setUp } from "../nginx/fault.ts";
import { nameTooLong } from "../nginx/names.ts";
import { sitesEnabledDir } from "../nginx/paths.ts";
import { nginxServes } from "../nginx/recipe.ts";
import type { Requirement } from "../problem/requirement.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { portFree } from "../resources/port.ts";
import { namesOf, type Project } from "./project.ts";
import { hasCertificate } from "./serve/certificate-files.ts";
import { hintToIssue, hintToIssueFirst } from "./serve/certificate-hints.ts";
import { foreignName } from "./serve/foreign-name.ts";
import type { Transition } from "./serve/site.ts";
import { hintToFill, hintToMove } from "./serve/site-hints.ts";
import { hintInstead, whyNotPublished } from "./source/source-path.ts";
import { draftOf, judgeDraft, projectFrom, theProject, theRecord } from "./store.ts";
import { readVersions } from "./versions/versions.ts";

export type After = Transition["after"];

export function requirement(title: string, check: Requirement["check"]): Requirement {
  return { name: title, title, check };
}

/** Requires that the project is registered and its record valid. */
export function validRecord(slug: string): Requirement {
  return requirement(`${slug} is registered`, async (reader) => {
    await theProject(reader, slug);
    return null;
  });
}

/** Requires that the project is registered, even with an invalid record. */
export function registered(slug: string): Requirement {
  return requirement(`${slug} is registered`, async (reader) => {
    await theRecord(reader, slug);
    return null;
  });
}

/**
 * Requires that a new source path can ever be deployed. A path that the record already has is checked by its deploys.
 */
export function publishableSource({ source_path }: { source_path?: Project["source_path"] | undefined }): Requirement {
  return requirement("the source path may be published", async (reader) => {
    const never = source_path ? whyNotPublished(reader, source_path) : null;
    if (!source_path || never === null) return null;
    return {
      reason: `--source-path ${source_path} is not published: ${never.reason}`,
      code: "unsafe-source",
      hint: hintInstead(source_path, never),
    };
  });
}

/** Requires that the new record is valid, conflicts with no other project, and names an existing group. */
export function usableRecord(slug: string, after: After): Requirement {
  return requirement(`${slug} does not conflict with another project`, async (reader) => {
    const before = await draftOf(reader, slug);
    const draft = after(before);
    if (draft === null) return null;
    const found = await judgeDraft(reader, slug, draft);
    // A command that fixes a record needs an existing record. A new project conflicts with another one, so the hint
    // lists them all.
    const others = ["sudo", "edox-ops", "project", "list"];
    if ("reason" in found) return { code: "invalid-config", ...found, ...(before === null && { hint: others }) };
    const { owner_group } = found.project;
    return gidOf(reader, owner_group) === null ? noGroup(owner_group) : null;
  });
}

/** Requires that an enabled project can be served. */
export function servableSite(slug: string, after: After): Requirement {
  return requirement(`${slug} can be served`, async (reader) => {
    const before = await draftOf(reader, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(reader, slug, draft);
    if (!project.enabled) return null;
    if (reader.stat(sitesEnabledDir) === null) {
      return { reason: "nginx is not set up", hint: setUp };
    }
    const root = reader.stat(project.root_path);
    const moves = before !== null && before.root_path !== project.root_path;
    // A site of versions needs no tree of its own.
    const isVersioned = root === null && !moves && readVersions(reader, slug).versions.length > 0;
    if (root?.type !== "directory" && !isVersioned) {
      return {
        reason: `${project.root_path} is missing`,
        code: "not-found",
        hint: moves ? hintToMove(reader, before, project) : hintToFill(reader, project),
      };
    }
    const taken = await portFree(80, "nginx", nginxServes).check(reader, () => {});
    return taken ?? nameTooLong(reader, namesOf(project));
  });
}

/**
 * Requires that no foreign site has the same name, because nginx would serve only one of them. With `isNew`, a conflict
 * that this command creates is an error. Otherwise, or where the project is already enabled with that name, it is a
 * warning.
 */
export function soleName(slug: string, after: After, isNew: boolean): Requirement {
  return requirement(`no foreign site has a name of ${slug}`, async (reader, warn) => {
    const before = await draftOf(reader, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(reader, slug, draft);
    if (!project.enabled) return null;
    const { servers } = nginxConfig(reader);
    const served = before?.enabled === true ? [before.domain].concat(before.aliases) : [];
    const added = isNew ? namesOf(project).filter((name) => !served.includes(name)) : [];
    const refused = foreignName(servers, project, added);
    if (refused !== null) return refused;
    const other = foreignName(servers, project, namesOf(project));
    if (other === null) return null;
    warn(`${other.reason}: nginx serves only one of them`);
    return null;
  });
}

/**
 * Requires that nginx accepts the configuration that an enabled site is a part of. `replaced`: files or directories that
 * an earlier step of the run replaces.
 */
export function siteConfigValid(step: Step, slug: string, after: After, replaced: readonly string[] = []): Requirement {
  const requirement = configValid(step, replaced);
  return {
    ...requirement,
    async check(reader, warn) {
      const draft = after(await draftOf(reader, slug));
      const isServed = draft !== null && (await projectFrom(reader, slug, draft)).enabled;
      return isServed ? requirement.check(reader, warn) : null;
    },
  };
}

/**
 * Requires that browsers accept the certificate of a project. A certificate may be missing while the site is disabled.
 * Where `chosen` is false, the fault of a site that already has its certificate is a warning, because rejecting other
 * changes would not fix it.
 */
export function certificatePresent(slug: string, after: After, chosen: boolean): Requirement {
  return requirement(`${slug} has a valid certificate where it uses TLS`, async (reader, warn) => {
    const before = await draftOf(reader, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(reader, slug, draft);
    const has = project.tls && hasCertificate(reader, project);
    if (!project.tls || !(has || project.enabled)) return null;
    const { certificateFaults } = await import("./serve/certificate.ts");
    const faults = certificateFaults(reader, project);
    const stops = faults.find(({ mild }) => !mild);
    if (stops !== undefined && (chosen || !has)) {
      const isIssued = String(stops.hint) === String(hintToIssue(project));
      return { reason: stops.detail, hint: isIssued ? hintToIssueFirst(project, before) : stops.hint };
    }
    for (const { detail } of faults) warn(detail);
    return null;
  });
}
