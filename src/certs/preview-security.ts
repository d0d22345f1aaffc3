// How previews with host names are served: with a certificate for all, with one for each, or over plain HTTP.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import type { Project } from "../sites/project.ts";
import { previewAuthority } from "./issue/previews.ts";
import { findPreviewCertificate, type PreviewSecurity } from "./preview-certificate.ts";

/** Returns how the next deploy has a preview served. */
export async function securityFor(reader: HostReader, project: Project): Promise<PreviewSecurity> {
  const found = await findPreviewCertificate(reader, project);
  if ("lineage" in found || found.isUnknown) return found;
  try {
    const authority = previewAuthority(reader, project);
    if ("site" in authority) return { each: found.reason };
    return { reason: `${found.reason}, and ${authority.reason}` };
  } catch (error) {
    if (error instanceof UnknownStateError) return { reason: found.reason, isUnknown: true };
    throw error;
  }
}
