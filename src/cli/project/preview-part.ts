// A preview in the JSON document.

import type { Document } from "../../report/schema.ts";
import type { Preview, PreviewSize } from "../../sites/previews/list.ts";
import { previewFront } from "../../sites/previews/names.ts";
import type { Project } from "../../sites/project.ts";
import { frontUrl } from "../../sites/serve/answer.ts";

export type PreviewPart = NonNullable<Document["previews"]>[number];

/** Returns the part for a preview. `project`: a slug if the project has no valid record. */
export function previewPart(preview: Preview, project: Project | string, size: PreviewSize | null): PreviewPart {
  const { name, path, deployedMs, metadata, fault } = preview;
  const isServed = typeof project !== "string" && project.enabled && project.previews !== undefined;
  return {
    project: typeof project === "string" ? project : project.slug,
    name,
    url: isServed ? frontUrl(previewFront(project, name)) : null,
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
