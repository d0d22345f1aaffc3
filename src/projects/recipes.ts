// What changes a project's record and its site. The tree is changed by init, deploy and restore.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { Problem, type Recipe, type Requirement, type Resource, type Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { clients, contentTypes, limits } from "../recipes/nginx.ts";
import { configAccepted } from "../recipes/nginx-accepts.ts";
import { nginxConfig } from "../recipes/nginx-config.ts";
import { setUp } from "../recipes/nginx-fault.ts";
import { nameTooLong } from "../recipes/nginx-names.ts";
import { projectLogPath, sitesEnabledDir } from "../recipes/paths.ts";
import { missingDirectories } from "../resources/directory.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { foreignName } from "./foreign-name.ts";
import type { Draft, Project } from "./project.ts";
import { hasCertificate, projectStep, recordFile, rendered, type Transition, vhostFile, vhostPath } from "./site.ts";
import { hintToFill, hintToMove } from "./site-hints.ts";
import { hintInstead, whyNotPublished } from "./source-path.ts";
import { draftOf, judgeDraft, projectFrom, theProject, theRecord } from "./store.ts";

export type Edit = { [Key in keyof Project]?: Project[Key] | undefined };

export type After = Transition["after"];

export function addProject(project: Project, facts: Facts): Recipe {
  const { slug, domain } = project;
  const after: After = (before) => before ?? project;
  const isNew = requirement(`${slug} is new`, async (see) => {
    if ((await draftOf(see, slug)) === null) return null;
    return { reason: `project ${slug} already exists`, hint: ["edox-ops", "project", "show", slug] };
  });
  const step = projectStep({ id: "project.add", title: `${slug} is registered for ${domain}`, slug, after }, facts);
  const requires = [isNew, publishable(project), usable(slug, after), certified(slug, after, true)];
  return recipe(`project add ${slug}`, `Registered project ${slug}.`, requires, step);
}

/** `undefined` takes a key away. A record that could not be used can be after it. */
export function updateProject(slug: string, edit: Edit, facts: Facts): Recipe {
  const after: After = (before) => {
    return before && edited(before, edit);
  };
  const chosen = edit.tls === true || edit.domain !== undefined;
  const step = projectStep({ id: "project.update", title: `${slug} is as it was asked for`, slug, after }, facts);
  const requires = [
    known(slug),
    publishable(edit),
    usable(slug, after),
    servable(slug, after),
    certified(slug, after, chosen),
    accepted(step, slug, after),
    soleName(slug, after, false),
  ];
  return recipe(`project update ${slug}`, `Updated project ${slug}.`, requires, step);
}

/** Returns the record with these keys changed, and without those whose new value is `undefined`. */
export function edited(before: Draft, edit: Edit): Draft {
  return Object.fromEntries(Object.entries({ ...before, ...edit }).filter(([, value]) => value !== undefined));
}

export function enableProject(slug: string, facts: Facts): Recipe {
  const after: After = (before) => before && { ...before, enabled: true };
  const step = projectStep({ id: "project.enable", title: `${slug} is served`, slug, after }, facts);
  const requires = [
    valid(slug),
    servable(slug, after),
    certified(slug, after, true),
    accepted(step, slug, after),
    soleName(slug, after, false),
  ];
  return recipe(`project enable ${slug}`, `Enabled project site for ${slug}.`, requires, step);
}

export function disableProject(slug: string, facts: Facts): Recipe {
  const after: After = (before) => before && { ...before, enabled: false };
  const transition = { id: "project.disable", title: `${slug} is not served`, slug, after, leaves: true as const };
  const done = `Disabled project site for ${slug}.`;
  return recipe(`project disable ${slug}`, done, [known(slug)], projectStep(transition, facts));
}

export function removeProject(slug: string, keepsVhost: boolean, facts: Facts): Recipe {
  const transition = { id: "project.remove", title: `${slug} is forgotten`, slug, after: () => null };
  const step = projectStep({ ...transition, leaves: true, keepsVhost }, facts);
  return recipe(`project remove ${slug}`, `Removed project ${slug} from managed state.`, [known(slug)], step);
}

/** Removes a record whose key is not a slug. Nothing else on the host can belong to it. */
export function forgetRecord(key: string): Recipe {
  const title = "the record is forgotten";
  const step = { id: "project.remove", title, wants: [recordFile(key, title, async () => null)] };
  return recipe("project remove", `Removed project ${key} from managed state.`, [known(key)], step);
}

/** Makes the directory of the site, and leaves one that is there as it is. */
export function initProject(slug: string): Recipe {
  const tree: Resource = {
    name: `tree:${slug}`,
    title: `the directory of ${slug} is there`,
    async check(see, ahead) {
      const { root_path, owner_group } = await theProject(see, slug);
      const stat = see.stat(root_path);
      if (stat?.type === "directory") return [];
      if (stat !== null) throw new Problem("blocked", `${root_path} is not a directory: move it away`);
      const above = missingDirectories(see, ahead, root_path.slice(0, root_path.lastIndexOf("/")));
      const gid = gidOf(see, owner_group);
      if (gid === null) {
        const { reason, hint } = noGroup(owner_group);
        throw new Problem("blocked", reason, { hint });
      }
      return [...above, { kind: "directory", path: root_path, before: null, mode: 0o755, uid: 0, gid }];
    },
  };
  const step = { id: "project.init", title: tree.title, wants: [tree] };
  const done = `Initialized project directories for ${slug}.`;
  return recipe(`project init ${slug}`, done, [valid(slug)], step);
}

/** Writes the site's file, whether it is served or not. */
export function renderProject(slug: string, facts: Facts): Recipe {
  const text = async (see: HostReader) => Text.of(rendered(see, await theProject(see, slug), facts));
  // The site may be enabled already, and uses what these files have.
  const wants = [limits, clients, contentTypes, vhostFile(slug, text)];
  const step = { id: "project.render-nginx", title: `the site of ${slug} is as its record says`, wants };
  return recipe(`project render-nginx ${slug}`, `Rendered nginx config to ${vhostPath(slug)}`, [valid(slug)], step);
}

export function recipe(command: string, done: string, requires: Requirement[], step: Step): Recipe {
  return { command, logPath: projectLogPath, done, failed: `${command} failed at step`, requires, steps: [step] };
}

export function requirement(title: string, check: Requirement["check"]): Requirement {
  return { name: title, title, check };
}

/** It is registered, and its record can be used. */
function valid(slug: string): Requirement {
  return requirement(`${slug} is registered`, async (see) => {
    await theProject(see, slug);
    return null;
  });
}

/** It is registered, whether its record can be used or not. */
function known(slug: string): Requirement {
  return requirement(`${slug} is registered`, async (see) => {
    await theRecord(see, slug);
    return null;
  });
}

/** A source path that is given can ever be deployed. One that the record has already is judged by its deploys. */
function publishable({ source_path }: Edit): Requirement {
  return requirement("the source path may be published", async (see) => {
    const never = source_path ? whyNotPublished(source_path, see) : null;
    if (!source_path || never === null) return null;
    return {
      reason: `--source-path ${source_path} is not published: ${never.reason}`,
      hint: hintInstead(source_path, never),
    };
  });
}

/** The record that it is to have can be used, takes nothing from another project, and names a group of this host. */
export function usable(slug: string, after: After): Requirement {
  return requirement(`${slug} takes nothing from another project`, async (see) => {
    const before = await draftOf(see, slug);
    const draft = after(before);
    if (draft === null) return null;
    const found = await judgeDraft(see, slug, draft);
    // What mends a record needs one that is there: a new one takes its domain or its tree from another.
    const others = ["sudo", "edox-ops", "project", "list"];
    if ("reason" in found) return before === null ? { reason: found.reason, hint: others } : found;
    const { owner_group } = found.project;
    return gidOf(see, owner_group) === null ? noGroup(owner_group) : null;
  });
}

/** What is to be served can be. */
function servable(slug: string, after: After): Requirement {
  return requirement(`${slug} can be served`, async (see) => {
    const before = await draftOf(see, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(see, slug, draft);
    if (!project.enabled) return null;
    if (see.stat(sitesEnabledDir) === null) {
      return { reason: "nginx is not set up", hint: setUp };
    }
    if (see.stat(project.root_path)?.type !== "directory") {
      const moves = before !== null && before.root_path !== project.root_path;
      return {
        reason: `${project.root_path} is missing`,
        hint: moves ? hintToMove(see, before, project) : hintToFill(see, project),
      };
    }
    return nameTooLong(see, project.domain);
  });
}

/**
 * No site that this program does not manage has the domain too: nginx would serve only one of them. `isNew`: the command
 * alone makes it so, and is refused; otherwise, and where the project has its domain already, this is a warning.
 */
export function soleName(slug: string, after: After, isNew: boolean): Requirement {
  return requirement(`no foreign site has the domain of ${slug}`, async (see, warn) => {
    const before = await draftOf(see, slug);
    const draft = after(before);
    if (draft === null) return null;
    const project = await projectFrom(see, slug, draft);
    const other = project.enabled ? foreignName(nginxConfig(see).servers, project) : null;
    if (other === null) return null;
    if (isNew && !(before?.enabled === true && before.domain === project.domain)) return other;
    warn(`${other.reason}: nginx serves only one of them`);
    return null;
  });
}

/** nginx accepts the configuration that a served site is a part of. */
function accepted(step: Step, slug: string, after: After): Requirement {
  const requirement = configAccepted(step);
  return {
    ...requirement,
    async check(see, warn) {
      const draft = after(await draftOf(see, slug));
      const isServed = draft !== null && (await projectFrom(see, slug, draft)).enabled;
      return isServed ? requirement.check(see, warn) : null;
    },
  };
}

/**
 * Browsers accept the certificate that a project is, or would be, served with. One that is missing may still come while
 * the site is disabled. A site that is served already keeps its certificate through other changes (`chosen` is false):
 * its fault is a warning then, because refusing those would not mend it.
 */
export function certified(slug: string, after: After, chosen: boolean): Requirement {
  return requirement(`${slug} has a valid certificate where it uses TLS`, async (see, warn) => {
    const draft = after(await draftOf(see, slug));
    if (draft === null) return null;
    const project = await projectFrom(see, slug, draft);
    const has = project.tls && hasCertificate(see, project);
    if (!project.tls || !(has || project.enabled)) return null;
    const { certificateFaults } = await import("./certificate.ts");
    const faults = certificateFaults(see, project);
    const stops = faults.find(({ mild }) => !mild);
    if (stops !== undefined && (chosen || !has)) return { reason: stops.detail, hint: stops.hint };
    for (const { detail } of faults) warn(detail);
    return null;
  });
}
