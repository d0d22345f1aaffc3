// The recipes that change a project's record and its site. The commands init, deploy and restore change the tree.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { configValid } from "../nginx/accepts.ts";
import { nginxConfig } from "../nginx/config.ts";
import { setUp } from "../nginx/fault.ts";
import { nameTooLong } from "../nginx/names.ts";
import { sitesEnabledDir } from "../nginx/paths.ts";
import { clients, contentTypes, limits } from "../nginx/recipe.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { missingDirectories } from "../resources/directory.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { parentOf } from "../text/path.ts";
import { projectLogPath } from "./paths.ts";
import type { Draft, Project } from "./project.ts";
import { foreignName } from "./serve/foreign-name.ts";
import {
  hasCertificate,
  projectStep,
  recordFile,
  siteText,
  type Transition,
  vhostFile,
  vhostPath,
} from "./serve/site.ts";
import { hintToFill, hintToMove } from "./serve/site-hints.ts";
import { hintInstead, whyNotPublished } from "./source/source-path.ts";
import { draftOf, judgeDraft, projectFrom, theProject, theRecord } from "./store.ts";

type Edit = { [Key in keyof Project]?: Project[Key] | undefined };

export type After = Transition["after"];

export function addProject(project: Project, facts: Facts): Recipe {
  const { slug, domain } = project;
  const after: After = (before) => before ?? project;
  const isNew = requirement(`${slug} is new`, async (reader) => {
    if ((await draftOf(reader, slug)) === null) return null;
    return {
      reason: `project ${slug} already exists`,
      code: "already-exists",
      hint: ["edox-ops", "project", "show", slug],
    };
  });
  const step = projectStep({ id: "project.add", title: `${slug} is registered for ${domain}`, slug, after }, facts);
  const requires = [
    isNew,
    publishableSource(project),
    usableRecord(slug, after),
    certificatePresent(slug, after, true),
  ];
  return recipe(`project add ${slug}`, `Registered project ${slug}.`, requires, step);
}

/** Returns the recipe of `project update`. `undefined` removes a key. An update may make an invalid record valid. */
export function updateProject(slug: string, edit: Edit, facts: Facts): Recipe {
  const after: After = (before) => {
    return before && applyEdit(before, edit);
  };
  const chosen = edit.tls === true || edit.domain !== undefined;
  const step = projectStep({ id: "project.update", title: `${slug} is as it was asked for`, slug, after }, facts);
  const requires = [
    registered(slug),
    publishableSource(edit),
    usableRecord(slug, after),
    servableSite(slug, after),
    certificatePresent(slug, after, chosen),
    siteConfigValid(step, slug, after),
    soleName(slug, after, false),
  ];
  return recipe(`project update ${slug}`, `Updated project ${slug}.`, requires, step);
}

/** Returns the record with these changes. A key whose new value is `undefined` is removed. */
export function applyEdit(before: Draft, edit: Edit): Draft {
  return Object.fromEntries(Object.entries({ ...before, ...edit }).filter(([, value]) => value !== undefined));
}

export function enableProject(slug: string, facts: Facts): Recipe {
  const after: After = (before) => before && { ...before, enabled: true };
  const step = projectStep({ id: "project.enable", title: `${slug} is served`, slug, after }, facts);
  const requires = [
    validRecord(slug),
    servableSite(slug, after),
    certificatePresent(slug, after, true),
    siteConfigValid(step, slug, after),
    soleName(slug, after, false),
  ];
  return recipe(`project enable ${slug}`, `Enabled project site for ${slug}.`, requires, step);
}

export function disableProject(slug: string, facts: Facts): Recipe {
  const after: After = (before) => before && { ...before, enabled: false };
  const transition = { id: "project.disable", title: `${slug} is not served`, slug, after, leaves: true as const };
  const done = `Disabled project site for ${slug}.`;
  return recipe(`project disable ${slug}`, done, [registered(slug)], projectStep(transition, facts));
}

export function removeProject(slug: string, keepsVhost: boolean, facts: Facts): Recipe {
  const transition = { id: "project.remove", title: `${slug} is forgotten`, slug, after: () => null };
  const step = projectStep({ ...transition, leaves: true, keepsVhost }, facts);
  return recipe(`project remove ${slug}`, `Removed project ${slug} from managed state.`, [registered(slug)], step);
}

/** Removes a record whose key is not a slug. No other state on the host can belong to it. */
export function forgetRecord(key: string): Recipe {
  const title = "the record is forgotten";
  const step = { id: "project.remove", title, resources: [recordFile(key, title, async () => null)] };
  return recipe("project remove", `Removed project ${key} from managed state.`, [registered(key)], step);
}

/** Creates the directory of the site. An existing directory stays unchanged. */
export function initProject(slug: string): Recipe {
  const tree: Resource = {
    name: `tree:${slug}`,
    title: `the directory of ${slug} is there`,
    async check(reader, ahead) {
      const { root_path, owner_group } = await theProject(reader, slug);
      const stat = reader.stat(root_path);
      if (stat?.type === "directory") return [];
      if (stat !== null) throw new Problem("conflict", `${root_path} is not a directory: move it away`);
      const above = missingDirectories(reader, ahead, parentOf(root_path));
      const gid = gidOf(reader, owner_group);
      if (gid === null) {
        const { code, reason, hint } = noGroup(owner_group);
        throw new Problem(code, reason, { hint });
      }
      return [...above, { kind: "directory", path: root_path, before: null, mode: 0o755, uid: 0, gid }];
    },
  };
  const step = { id: "project.init", title: tree.title, resources: [tree] };
  const done = `Initialized project directories for ${slug}.`;
  return recipe(`project init ${slug}`, done, [validRecord(slug)], step);
}

/** Writes the nginx site, whether the project is enabled or not. */
export function renderProject(slug: string, facts: Facts): Recipe {
  const text = async (reader: HostReader) => Text.of(siteText(reader, await theProject(reader, slug), facts));
  // The site may be enabled already, and uses the settings of these files.
  const resources = [limits, clients, contentTypes, vhostFile(slug, text)];
  const step = { id: "project.render-nginx", title: `the site of ${slug} is as its record says`, resources };
  return recipe(
    `project render-nginx ${slug}`,
    `Rendered nginx config to ${vhostPath(slug)}`,
    [validRecord(slug)],
    step,
  );
}

export function recipe(command: string, done: string, requires: Requirement[], step: Step): Recipe {
  return { command, logPath: projectLogPath, done, failed: `${command} failed at step`, requires, steps: [step] };
}

export function requirement(title: string, check: Requirement["check"]): Requirement {
  return { name: title, title, check };
}

/** Requires that the project is registered and its record valid. */
function validRecord(slug: string): Requirement {
  return requirement(`${slug} is registered`, async (reader) => {
    await theProject(reader, slug);
    return null;
  });
}

/** Requires that the project is registered, even with an invalid record. */
function registered(slug: string): Requirement {
  return requirement(`${slug} is registered`, async (reader) => {
    await theRecord(reader, slug);
    return null;
  });
}

/**
 * Requires that a new source path can ever be deployed. A path that the record already has is checked by its deploys.
 */
function publishableSource({ source_path }: Edit): Requirement {
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
  return requirement(`${slug} takes nothing from another project`, async (reader) => {
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
function servableSite(slug: string, after: After): Requirement {
  return requirement(`${slug} can be served`, async (reader) => {
    const before = await draftOf(reader, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(reader, slug, draft);
    if (!project.enabled) return null;
    if (reader.stat(sitesEnabledDir) === null) {
      return { reason: "nginx is not set up", hint: setUp };
    }
    if (reader.stat(project.root_path)?.type !== "directory") {
      const moves = before !== null && before.root_path !== project.root_path;
      return {
        reason: `${project.root_path} is missing`,
        code: "not-found",
        hint: moves ? hintToMove(reader, before, project) : hintToFill(reader, project),
      };
    }
    return nameTooLong(reader, project.domain);
  });
}

/**
 * Requires that no foreign site has the same domain, because nginx would serve only one of them. With `isNew`, a
 * conflict that this command creates is an error. Otherwise, or where the project is already enabled with its domain,
 * it is a warning.
 */
export function soleName(slug: string, after: After, isNew: boolean): Requirement {
  return requirement(`no foreign site has the domain of ${slug}`, async (reader, warn) => {
    const before = await draftOf(reader, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(reader, slug, draft);
    const other = project.enabled ? foreignName(nginxConfig(reader).servers, project) : null;
    if (other === null) return null;
    if (isNew && !(before?.enabled === true && before.domain === project.domain)) return other;
    warn(`${other.reason}: nginx serves only one of them`);
    return null;
  });
}

/** Requires that nginx accepts the configuration that an enabled site is a part of. */
function siteConfigValid(step: Step, slug: string, after: After): Requirement {
  const requirement = configValid(step);
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
    const draft = after(await draftOf(reader, slug));
    if (draft === null) return null;
    const project = await projectFrom(reader, slug, draft);
    const has = project.tls && hasCertificate(reader, project);
    if (!project.tls || !(has || project.enabled)) return null;
    const { certificateFaults } = await import("./serve/certificate.ts");
    const faults = certificateFaults(reader, project);
    const stops = faults.find(({ mild }) => !mild);
    if (stops !== undefined && (chosen || !has)) return { reason: stops.detail, hint: stops.hint };
    for (const { detail } of faults) warn(detail);
    return null;
  });
}
