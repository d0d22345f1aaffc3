// The certificates of a project that is removed.

import { renewalConfigDir } from "../../certs/paths.ts";
import type { HostReader } from "../../host/host.ts";
import type { Project } from "../../sites/project.ts";
import { lineOf } from "../../text/lines.ts";

export interface Certificates {
  /** Those of single previews that are deleted with the files. */
  deleted: readonly string[];
  /** A line for what stays. */
  notes: readonly string[];
}

/**
 * Returns the certificates of a project, or none for null. certbot renews each until it is deleted. `deletes`: whether the
 * previews and their nginx site are removed.
 */
export async function certificatesOf(
  reader: HostReader,
  project: Project | null,
  deletes: boolean,
): Promise<Certificates> {
  if (project === null) return { deleted: [], notes: [] };
  const { domain } = project;
  const { previewLineages } = await import("../../certs/preview-lineages.ts");
  const previews = previewLineages(reader, project);
  const site = reader.stat(`${renewalConfigDir}/${domain}.conf`) === null ? [] : [leftNote(domain)];
  if (deletes) return { deleted: previews, notes: site };
  if (previews.length <= 1) return { deleted: [], notes: [...site, ...previews.map(leftNote)] };
  const several = lineOf`Left the certificates of ${previews.length} previews, which certbot renews; to choose those to delete: sudo certbot delete`;
  return { deleted: [], notes: [...site, several] };
}

function leftNote(name: string): string {
  return lineOf`Left the certificate of ${name}, which certbot renews; to delete it: sudo certbot delete --cert-name ${name}`;
}
