// The files with the rules of a site below /etc/nginx, as resources.

import { type Change, Text } from "../../engine/change.ts";
import { overlay } from "../../engine/overlay.ts";
import type { Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { rulesDir } from "../../nginx/paths.ts";
import { limits } from "../../nginx/recipe.ts";
import { hasLoadedFiles } from "../../nginx/running.ts";
import { missingDirectories } from "../../resources/directory.ts";
import { file } from "../../resources/file.ts";
import type { Project } from "../project.ts";
import { ruleMapsPath, ruleServerPath } from "../serve/rule-lines.ts";
import { ownHeaders } from "../serve/site-headers.ts";
import { type Rules, type RuleTexts, ruleTexts } from "./rules.ts";

type TextsOf = (reader: HostReader) => Promise<RuleTexts | null>;

/** Returns the paths of both files. */
export const rulePaths = (slug: string): string[] => [ruleMapsPath(slug), ruleServerPath(slug)];

/** Returns whether nginx may have rules of the site. A deploy may have been killed between a removal and the reload. */
export function mayHaveLoaded(reader: HostReader, slug: string): boolean {
  if (rulePaths(slug).some((path) => reader.stat(path) !== null)) return true;
  return reader.stat(rulesDir) !== null && !hasLoadedFiles(reader, [rulesDir]);
}

/** Returns what nginx gets for these rules of a project. */
export function textsFor(project: Project, rules: Rules | null): RuleTexts | null {
  if (rules === null) return null;
  const site = { slug: project.slug, own: ownHeaders(project), previews: project.previews === "path" };
  const key = JSON.stringify(site);
  const known = compiled.get(rules);
  if (known?.key === key) return known.texts;
  const texts = ruleTexts(site, rules);
  compiled.set(rules, { key, texts });
  return texts;
}

/** Each check of a run needs the same texts. */
const compiled = new WeakMap<Rules, { key: string; texts: RuleTexts }>();

/** Returns a resource for both files, which precedes the site that includes them. Without rules it does nothing. */
export function rulesPresent(slug: string, textsOf: TextsOf): Resource {
  return {
    name: `rules:${slug}`,
    title: `nginx has the redirects and headers of ${slug}`,
    async check(reader, ahead, warn) {
      const texts = await textsOf(reader);
      if (texts === null) return [];
      const changes = missingDirectories(reader, ahead, rulesDir);
      for (const each of filesOf(slug, texts)) changes.push(...(await each.check(reader, ahead, warn)));
      // nginx has room for their variables before a site includes them.
      return [...changes, ...(await room(reader, [...ahead, ...changes], warn))];
    },
  };
}

/** Returns a resource that removes both files, which follows the site. With rules it does nothing. */
export function rulesAbsent(slug: string, textsOf: TextsOf): Resource {
  return {
    name: `no-rules:${slug}`,
    title: `nginx has no redirects and headers that ${slug} lost`,
    async check(reader, ahead, warn) {
      if ((await textsOf(reader)) !== null) return [];
      const changes: Change[] = [];
      for (const each of filesOf(slug, null)) changes.push(...(await each.check(reader, ahead, warn)));
      if (changes.length === 0) return [];
      return [...changes, ...(await room(reader, [...ahead, ...changes], warn))];
    },
  };
}

/** Sizes nginx's tables for the rules after these changes. An earlier resource of the step may size them as well. */
const room: Resource["check"] = (reader, ahead, warn) => limits.check(overlay(reader, ahead), ahead, warn);

function filesOf(slug: string, texts: RuleTexts | null): Resource[] {
  const [maps, server] = [texts?.maps, texts?.server];
  return [[ruleMapsPath(slug), maps] as const, [ruleServerPath(slug), server] as const].map(([path, text]) =>
    file({ name: path, title: path, path, mode: 0o644, text: () => (text === undefined ? null : Text.of(text)) }),
  );
}
