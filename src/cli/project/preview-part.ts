// A preview in the JSON document.

import type { HostReader } from "../../host/host.ts";
import type { Document } from "../../report/schema.ts";
import { servedPreviewFront } from "../../sites/previews/front.ts";
import type { Preview, PreviewSize } from "../../sites/previews/list.ts";
import type { Project } from "../../sites/project.ts";
import { frontUrl } from "../../sites/serve/answer.ts";

export type PreviewPart = NonNullable<Document["previews"]>[number];

/** Returns the part for a preview that was removed. */
export function removedPart(preview: Preview, slug: string): PreviewPart {
  return { ...partOf(preview, null), project: slug, url: null };
}

/** Returns the part for a preview of a project. */
export function previewPart(
  reader: HostReader,
  preview: Preview,
  project: Project,
  size: PreviewSize | null,
): PreviewPart {
  const isServed = project.enabled && project.previews !== undefined;
  const url = isServed ? frontUrl(servedPreviewFront(reader, project, preview.name)) : null;
  return { ...partOf(preview, size), project: project.slug, url };
}

function partOf(preview: Preview, size: PreviewSize | null): PreviewPart {
  const { name, path, deployedMs, metadata, fault } = preview;
  return {
    project: "",
    name,
    url: null,
    path,
    created: metadata?.created ?? null,
    deployed: deployedMs === null ? null : new Date(deployedMs).toISOString(),
    expires: metadata?.expires ?? null,
    bytes: size?.bytes ?? null,
    own_bytes: size?.ownBytes ?? null,
    branch: metadata?.branch ?? null,
    key: metadata?.key ?? null,
    ...(fault !== null && { fault }),
  };
}
