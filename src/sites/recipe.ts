// The recipes that change a project's record and its site. The commands init, deploy and restore change the tree.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { brotli, clients, contentTypes, limits, tlsSettings } from "../nginx/recipe.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { missingDirectories } from "../resources/directory.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { parentOf } from "../text/path.ts";
import { projectLogPath } from "./paths.ts";
import type { Draft, Project } from "./project.ts";
import {
  type After,
  certificatePresent,
  publishableSource,
  registered,
  requirement,
  servableSite,
  siteConfigValid,
  soleName,
  usableRecord,
  validRecord,
} from "./requirements.ts";
import { servedRules } from "./rules/dormant.ts";
import { rulesAbsent, rulesPresent, textsFor } from "./rules/resources.ts";
import { accessLog } from "./serve/access-log.ts";
import type { Credential } from "./serve/password.ts";
import { encryptedPassword } from "./serve/password-faults.ts";
import { type Promised, projectStep, recordFile, siteText, vhostFile, vhostPath } from "./serve/site.ts";
import { draftOf, theProject } from "./store.ts";

type Edit = { [Key in keyof Project]?: Project[Key] | undefined };

export function addProject(project: Project, facts: Facts, credential?: Credential): Recipe {
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
  const title = `${slug} is registered for ${domain}`;
  const step = projectStep({ id: "project.add", title, slug, after, credential }, facts);
  const requires = [
    isNew,
    publishableSource(project),
    usableRecord(slug, after),
    certificatePresent(slug, after, true),
    encryptedPassword(slug, after),
  ];
  return recipe(`project add ${slug}`, `Registered project ${slug}.`, requires, step);
}

interface UpdateOptions {
  certificate?: Promised | undefined;
  credential?: Credential | undefined;
  /** A sentence for the end. */
  note?: string;
}

/**
 * Returns the recipe of `project update`. `undefined` removes a key. An update may make an invalid record valid. A
 * promised certificate is checked by the caller, once it exists.
 */
export function updateProject(
  slug: string,
  edit: Edit,
  facts: Facts,
  { certificate, credential, note = "" }: UpdateOptions = {},
): Recipe {
  const after: After = (before) => {
    return before && applyEdit(before, edit);
  };
  const chosen = edit.tls === true || edit.domain !== undefined || edit.aliases !== undefined;
  const title = `${slug} has the requested settings`;
  const step = projectStep({ id: "project.update", title, slug, after, certificate, credential }, facts);
  const requires = [
    registered(slug),
    publishableSource(edit),
    usableRecord(slug, after),
    servableSite(slug, after),
    ...(certificate === "promised" ? [] : [certificatePresent(slug, after, chosen)]),
    siteConfigValid(step, slug, after),
    soleName(slug, after, false),
    encryptedPassword(slug, after),
  ];
  const next = edit.precompress === undefined ? "" : " The next deploy writes or removes the compressed files.";
  return recipe(`project update ${slug}`, `Updated project ${slug}.${next}${note}`, requires, step);
}

/** Returns the record with these changes. A key whose new value is `undefined` is removed. */
export function applyEdit(before: Draft, edit: Edit): Draft {
  // The names of all previews end with the domain.
  const isMoved = edit.domain !== undefined && edit.domain !== before.domain;
  const after = { ...before, ...(isMoved && { preview_certificate: undefined }), ...edit };
  return Object.fromEntries(Object.entries(after).filter(([, value]) => value !== undefined));
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
    encryptedPassword(slug, after),
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
  const transition = { id: "project.remove", title: `${slug} is not registered`, slug, after: () => null };
  const step = projectStep({ ...transition, leaves: true, keepsVhost }, facts);
  return recipe(`project remove ${slug}`, `Removed project ${slug} from managed state.`, [registered(slug)], step);
}

/** Removes a record whose key is not a slug. No other state on the host can belong to it. */
export function forgetRecord(key: string): Recipe {
  const title = "the record is removed";
  const step = { id: "project.remove", title, resources: [recordFile(key, title, async () => null)] };
  return recipe("project remove", `Removed project ${key} from managed state.`, [registered(key)], step);
}

/** Creates the directory of the site. An existing directory stays unchanged. */
export function initProject(slug: string): Recipe {
  const tree: Resource = {
    name: `tree:${slug}`,
    title: `the directory of ${slug} exists`,
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
  const texts = async (reader: HostReader) => {
    const project = await theProject(reader, slug);
    return textsFor(project, servedRules(reader, project));
  };
  const shared = [limits, clients, contentTypes, tlsSettings(facts), brotli, accessLog(slug)];
  const resources = [...shared, rulesPresent(slug, texts), vhostFile(slug, text), rulesAbsent(slug, texts)];
  const step = { id: "project.render-nginx", title: `the nginx site of ${slug} matches its record`, resources };
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
