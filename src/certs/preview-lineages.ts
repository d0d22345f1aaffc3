// The certificates of single previews. Their lineages and the previews on the disk are the only state.

import { type Change, Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { nginxConfig } from "../nginx/config.ts";
import { acmeDir } from "../nginx/paths.ts";
import { Problem } from "../problem/problem.ts";
import { isPreviewName, previewDomainOf, previewHostOf } from "../sites/previews/names.ts";
import { previewNames } from "../sites/previews/present.ts";
import type { Project } from "../sites/project.ts";
import { projectStep } from "../sites/serve/site.ts";
import { certbot, certbotFree } from "./certbot-run.ts";
import { readLineages } from "./lineage.ts";
import { certsLogPath, liveDir, renewalConfigDir, renewalsDir } from "./paths.ts";
import { projectsIn } from "./projects.ts";
import { webrootsOf } from "./renewal-config.ts";

/** A prune waits for this, and the timer runs again in an hour. */
const certbotWaitMs = 30_000;

/**
 * Returns the lineages of single previews of a project. One that another project or another authenticator uses is none of
 * them.
 */
export function previewLineages(reader: HostReader, project: Project): string[] {
  const { previews, preview_certificate } = project;
  if (previews === undefined) return [];
  const end = `.${previewDomainOf(project)}`;
  const all = (reader.list(renewalConfigDir) ?? []).filter((file) => file.endsWith(`${end}.conf`));
  if (all.length === 0) return [];
  const taken = new Set(projectsIn(reader).flatMap(({ names }) => names));
  return [...readLineages(reader).lineages.values()].flatMap(({ name, certificate, settings }) => {
    if (!name.endsWith(end) || !isPreviewName(name.slice(0, -end.length))) return [];
    const isOwn = webrootsOf(settings).join(" ") === acmeDir && certificate?.names.join(" ") === name.toLowerCase();
    const isUsed = taken.has(name.toLowerCase()) || name === preview_certificate;
    return isOwn && !isUsed ? [name] : [];
  });
}

/** Returns those that the project does not need: the preview is removed, or a certificate covers all previews. */
export function unusedPreviewLineages(reader: HostReader, project: Project): string[] {
  const all = previewLineages(reader, project);
  if (all.length === 0 || project.previews !== "host" || project.preview_certificate !== undefined) return all;
  const needed = new Set(previewNames(reader, project.slug).map((name) => previewHostOf(project, name)));
  return all.filter((name) => !needed.has(name));
}

/** Returns the recipe that has nginx no longer use these lineages of a project, and then deletes them. */
export function lineagesDeleted(slug: string, lineages: readonly string[], facts: Facts): Recipe {
  const command = "project previews prune";
  const title = `nginx serves ${slug} without the certificates of removed previews`;
  return {
    ...{ command, logPath: certsLogPath, requires: [], failed: `${command} failed at step` },
    done: "Deleted the certificates of removed previews.",
    steps: [
      projectStep({ id: "certs.preview", title, slug, after: (before) => before }, facts),
      {
        id: "certs.delete",
        title: `the certificates of removed previews of ${slug} are deleted`,
        requires: [{ ...certbotFree, waitMs: certbotWaitMs }],
        resources: lineages.map(lineageDeleted),
      },
    ],
  };
}

/** nginx refuses a configuration with a missing certificate, so that one that it uses stays. */
function lineageDeleted(name: string): Resource {
  return {
    name: `certificate:${name}:deleted`,
    title: `the certificate ${name} is deleted`,
    check(reader): Change[] {
      const result = textOf(reader, `${renewalsDir}/${name}`);
      const forgotten: Change[] =
        result === null ? [] : [{ kind: "removal", path: `${renewalsDir}/${name}`, before: Text.of(result) }];
      if (reader.stat(`${renewalConfigDir}/${name}.conf`) === null) return forgotten;
      if (nginxConfig(reader).paths.some((path) => path.startsWith(`${liveDir}/${name}/`))) {
        throw new Problem("conflict", `nginx uses the certificate ${name}, so that it stays`);
      }
      const argv = certbot("delete", "--cert-name", name);
      return [{ kind: "command", argv, reason: `no preview uses ${name}` }, ...forgotten];
    },
  };
}
