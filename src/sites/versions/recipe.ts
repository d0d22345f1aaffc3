// The recipe that changes aliases, titles and the default of versions. What follows from the trees on the disk, the list
// of versions and the nginx site, is written with them.

import { type Change, Text } from "../../engine/change.ts";
import type { Facts } from "../../engine/facts.ts";
import { overlay } from "../../engine/overlay.ts";
import type { Recipe, Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { file } from "../../resources/file.ts";
import type { Publication } from "../deploy/publish.ts";
import type { Draft, Project } from "../project.ts";
import { recipe } from "../recipe.ts";
import { requirement, siteConfigValid, validRecord } from "../requirements.ts";
import { projectStep } from "../serve/site.ts";
import { draftOf, projectFrom, theProject } from "../store.ts";
import { indexText } from "./index-file.ts";
import {
  aliasPath,
  hintToList,
  indexPath,
  readTitles,
  readVersions,
  titlesPath,
  versionNamed,
  withTrees,
} from "./versions.ts";

export interface VersionsChange {
  slug: string;
  /** A version that the run deploys. */
  added?: string;
  /** A version that the run removes, with its aliases. */
  removed?: string;
  /** A version that the run renames. */
  renamed?: { from: string; to: string };
  /** The version that each of these aliases leads to; null removes the alias. */
  aliases?: ReadonlyMap<string, string | null>;
  /** The title of the added version; undefined keeps it. */
  title?: string | undefined;
  /** The new default version or alias; null removes the default, and undefined keeps it. */
  defaultName?: string | null;
}

/** Returns the record with the new default version. */
function recordAfter({ renamed, defaultName }: VersionsChange): (before: Draft | null) => Draft | null {
  return (before) => {
    if (before === null) return null;
    const { default_version: old, ...rest } = before;
    const kept = renamed !== undefined && old === renamed.from ? renamed.to : old;
    const name = defaultName === undefined ? kept : (defaultName ?? undefined);
    if (name === old) return before;
    return name === undefined ? rest : { ...before, default_version: name };
  };
}

/**
 * Returns where each alias leads to after the change; null for one that is removed. An alias of a version that does not
 * exist, because a person removed it, goes too.
 */
function aliasesAfter(reader: HostReader, { slug, aliases = new Map() }: VersionsChange): Map<string, string | null> {
  const found = readVersions(reader, slug);
  const targets = [...found.aliases].map(([alias, target]): [string, string | null] => {
    return [alias, found.versions.some(({ name }) => name === target) ? target : null];
  });
  return new Map([...targets, ...aliases]);
}

function step(change: VersionsChange, facts: Facts): Step {
  const { slug, added, renamed } = change;
  const after = recordAfter(change);
  const title = `the versions of ${slug} are listed and served`;
  const transition = { id: "project.versions", title, slug, after };
  const links: Resource = {
    name: `aliases:${slug}`,
    title: `the aliases of ${slug} lead to its versions`,
    check(reader): Change[] {
      return [...aliasesAfter(reader, change)].flatMap(([alias, target]): Change[] => {
        const path = aliasPath(slug, alias);
        const before = reader.readLink(path);
        return before === target ? [] : [{ kind: "link", path, before, after: target }];
      });
    },
  };
  const titles = file({
    name: `titles:${slug}`,
    title: `the titles of the versions of ${slug} are recorded`,
    path: titlesPath(slug),
    mode: 0o644,
    text(reader) {
      const { [renamed?.from ?? ""]: moved, ...known } = readTitles(reader, slug);
      const all: Record<string, string> = { ...known, ...(renamed && moved !== undefined && { [renamed.to]: moved }) };
      if (added !== undefined && change.title !== undefined) all[added] = change.title;
      const names = readVersions(reader, slug).versions.map(({ name }) => name);
      const kept = Object.entries(all).filter(([name, text]) => names.includes(name) && text !== name);
      return kept.length === 0 ? null : Text.of(`${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
    },
  });
  const index = indexFile(slug, async (reader) => {
    return (after(await draftOf(reader, slug)) as Partial<Project> | null)?.default_version;
  });
  const site = projectStep(transition, facts);
  const resources = [links, titles, index, ...site.resources].map((resource) => ({
    ...resource,
    check: (...[reader, ...more]: Parameters<Resource["check"]>) =>
      resource.check(withTrees(reader, slug, change), ...more),
  }));
  return { ...site, resources };
}

/** Returns the resource that lists the versions. It exists while a project has versions. */
export function indexFile(
  slug: string,
  defaultOf: (reader: HostReader) => string | undefined | Promise<string | undefined>,
): Resource {
  return file({
    name: `versions:${slug}`,
    title: `the versions of ${slug} are listed`,
    path: indexPath(slug),
    mode: 0o644,
    async text(reader, ahead) {
      const found = readVersions(overlay(reader, ahead), slug);
      return found.versions.length === 0 ? null : Text.of(indexText(found, await defaultOf(reader)));
    },
  });
}

/** Requires that each name stands for one thing: a version, or an alias of one version. */
function names(change: VersionsChange): Requirement {
  const { slug, added, renamed, aliases = new Map<string, string | null>(), defaultName } = change;
  return requirement(`the names of the versions of ${slug} are unique`, (reader) => {
    const before = readVersions(reader, slug);
    const hint = hintToList(slug);
    for (const name of [added, renamed?.to]) {
      const target = name === undefined ? undefined : before.aliases.get(name);
      if (target === undefined) continue;
      return { code: "conflict", reason: `${name} is an alias of ${target}, so no version can have that name`, hint };
    }
    if (renamed !== undefined) {
      const [from, to] = [renamed.from, renamed.to].map((each) => before.versions.some(({ name }) => name === each));
      if (from && to) return { code: "already-exists", reason: `${slug} already has a version ${renamed.to}`, hint };
      // One whose trees were moved already is completed.
      if (!from && !to) return { code: "not-found", reason: `${slug} has no version ${renamed.from}`, hint };
    }
    const after = readVersions(withTrees(reader, slug, change), slug);
    for (const [alias, target] of aliases) {
      if (after.versions.some(({ name }) => name === alias)) {
        return { code: "conflict", reason: `${alias} is a version of ${slug}, so no alias can have that name`, hint };
      }
      if (target !== null && !after.versions.some(({ name }) => name === target)) {
        return { code: "not-found", reason: `${slug} has no version ${target}`, hint };
      }
    }
    const isKnown = defaultName && (aliases.get(defaultName) ?? versionNamed(after, defaultName)) !== null;
    if (!defaultName || isKnown) return null;
    return { code: "not-found", reason: `${slug} has no version or alias ${defaultName}`, hint };
  });
}

/** Returns the recipe of a command that changes versions. */
export function versionsRecipe(command: string, done: string, change: VersionsChange, facts: Facts): Recipe {
  const { slug } = change;
  const only = step(change, facts);
  const requires = [validRecord(slug), names(change), siteConfigValid(only, slug, recordAfter(change))];
  return recipe(command, done, requires, only);
}

/** Returns what changes together with the tree of a version that is deployed. */
export function versionPublication(change: VersionsChange, facts: Facts): Publication {
  const { slug } = change;
  return {
    recipe: versionsRecipe(`project deploy ${slug}`, `Deployed ${slug}.`, change, facts),
    async projectIn(reader) {
      await theProject(reader, slug);
      return projectFrom(reader, slug, recordAfter(change)(await draftOf(reader, slug)) ?? {});
    },
  };
}
