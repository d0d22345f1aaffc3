// Where nginx serves a preview now.

import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import type { Project } from "../project.ts";
import type { FrontPage } from "../serve/answer.ts";
import { certificatePathsOf } from "../serve/certificate-files.ts";
import { vhostPath } from "../serve/site.ts";
import { previewFront, previewHostOf } from "./names.ts";

/**
 * Returns the front page of a preview. Its own certificate counts once the nginx site names it: a certificate that came
 * without a change of the site is not served.
 */
export function servedPreviewFront(reader: HostReader, project: Project, name: string): FrontPage {
  const { chainPath } = certificatePathsOf({ domain: previewHostOf(project, name) });
  const isCertified = textOf(reader, vhostPath(project.slug))?.includes(` ${chainPath};`) === true;
  return previewFront(project, name, isCertified);
}
