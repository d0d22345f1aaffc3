// The question of `project update`, and of `project publish` for a project that exists.

import type { HostReader } from "../../host/host.ts";
import { previewNames } from "../../sites/previews/present.ts";
import { namesOf, type Project } from "../../sites/project.ts";
import { applyEdit } from "../../sites/recipe.ts";
import { servedNames } from "../../sites/serve/names.ts";
import { isProtected } from "../../sites/serve/password-lines.ts";
import { theRecord } from "../../sites/store.ts";
import { few } from "../../text/lines.ts";

/**
 * Returns the question if these changes take a name of a live site offline, end its HTTPS or replace its tree; null
 * otherwise.
 */
export async function updateQuestion(
  reader: HostReader,
  slug: string,
  changes: Partial<Project>,
): Promise<string | null> {
  const record = await theRecord(reader, slug);
  if (!("project" in record) || (await servedNames(reader, slug)).length === 0) return null;
  const before = record.project;
  const after = applyEdit(before, changes) as Project;
  const names = namesOf(after).map((name) => name.toLowerCase());
  const lost = namesOf(before).filter((name) => !names.includes(name.toLowerCase()));
  const endsHttps = before.tls && !after.tls;
  const opened = (["site", "previews"] as const).find((part) => isProtected(before, part) && !isProtected(after, part));
  const hasPreviews = before.previews !== undefined && previewNames(reader, slug).length > 0;
  const parts = [
    ...(lost.length > 0 ? [`take ${few(lost)} offline`] : []),
    ...(hasPreviews && after.previews === undefined ? [`take the previews of ${slug} offline`] : []),
    ...(endsHttps ? [`serve ${after.domain} without HTTPS`] : []),
    ...(opened === undefined
      ? []
      : [`serve ${opened === "site" ? after.domain : `the previews of ${slug}`} without a password`]),
    ...(before.root_path === after.root_path ? [] : [`serve ${after.root_path} in place of ${before.root_path}`]),
  ];
  if (parts.length === 0) return null;
  const period = before.hsts ? "a year" : "a day";
  const note = `Browsers that know ${before.domain} refuse HTTP for it for up to ${period} (HSTS).\n`;
  const question = parts.join(" and ");
  return `${endsHttps ? note : ""}${question.slice(0, 1).toUpperCase()}${question.slice(1)}?`;
}
