import { docsRoot, logDir } from "../engine/paths.ts";

/** Files of earlier releases that open pages of those releases may still request. */
export const assetsDir = `${docsRoot}/.edox-ops-assets`;
/** The trees of versions, in a directory for each project. */
export const versionsDir = `${docsRoot}/.edox-ops-versions`;
/** The trees of previews, in a directory for each project. */
export const previewsDir = `${docsRoot}/.edox-ops-previews`;
/** The file of a project has its slug in the place of SLUG. */
export const passwordPathOfSlug = "/etc/nginx/edox-ops-password-SLUG";
export const projectLogPath = `${logDir}/project.log`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [assetsDir, "files of earlier releases that open pages may still request"],
  [versionsDir, "versions of the sites"],
  [previewsDir, "previews of the sites"],
  [passwordPathOfSlug, "user and hashed password of a site, for root and nginx"],
  [projectLogPath, "log of the project commands"],
];
