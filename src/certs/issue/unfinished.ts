// What is in the place of a lineage though certbot cannot use it: an unfinished or a damaged one, or foreign files.

import type { Change } from "../../engine/change.ts";
import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import type { Project } from "../../sites/project.ts";
import { vhostPath } from "../../sites/serve/site.ts";
import { type Lineage, readLineages } from "../lineage.ts";
import { archiveDir, liveDir, renewalConfigDir } from "../paths.ts";

/**
 * Returns whether certbot had begun to write the lineage of a project. Its renewal configuration, which certbot creates
 * first and writes last, is empty: certbot was killed or the disk was full, and can neither use nor delete it. Files that
 * the site of the project is served with are kept.
 */
export function isUnfinished(reader: HostReader, { slug, domain }: Pick<Project, "slug" | "domain">): boolean {
  const conf = reader.stat(`${renewalConfigDir}/${domain}.conf`);
  if (conf?.type !== "file" || conf.size > 0) return false;
  return textOf(reader, vhostPath(slug))?.includes(`${liveDir}/${domain}/`) !== true;
}

/** Returns the change that removes an unfinished lineage. The renewal configuration is last, so that it can be repeated. */
export function unfinishedRemoved({ domain }: Pick<Project, "domain">): Change {
  const paths = [`${liveDir}/${domain}`, `${archiveDir}/${domain}`, `${renewalConfigDir}/${domain}.conf`];
  const argv = "rm -rf".split(" ").concat(paths);
  return { kind: "command", argv, reason: `an earlier run did not finish the certificate ${domain}` };
}

/** Returns the lineage. Throws a Problem for a damaged one: certbot would name a new one DOMAIN-0001 beside it. */
export function lineageOf(reader: HostReader, domain: string): Lineage {
  const { lineages, broken } = readLineages(reader);
  const lineage = lineages.get(domain);
  if (lineage !== undefined) return lineage;
  const { reason = "it is damaged", path = "" } = broken.get(domain) ?? {};
  // certbot fails to delete a lineage whose configuration does not name its files.
  const hint =
    reader.stat(path)?.size === 0
      ? ["sudo", "mv", path, `${path}.old`]
      : ["sudo", "certbot", "delete", "--cert-name", domain, "--non-interactive"];
  throw new Problem("conflict", `certbot cannot use its certificate ${domain}: ${reason}`, { hint });
}

/** Throws a Problem if there are files that certbot did not make: it refuses to write over them. */
export async function demandFree(reader: HostReader, project: Project): Promise<void> {
  const { slug, domain } = project;
  const dirs = [`${liveDir}/${domain}`, `${archiveDir}/${domain}`];
  const taken = dirs.find((dir) => (reader.list(dir)?.length ?? 0) > 0);
  if (taken === undefined) return;
  const { certificateFaults } = await import("../../sites/serve/certificate.ts");
  const isUsable = certificateFaults(reader, project).every(({ mild }) => mild);
  const use = ["sudo", "edox-ops", "project", "update", slug, "--tls"];
  const message = `${taken} has a certificate that certbot does not manage: ${isUsable ? "use it, or move it away" : "move it away"}`;
  throw new Problem("conflict", message, { hint: isUsable ? use : ["sudo", "mv", taken, `${taken}.old`] });
}
