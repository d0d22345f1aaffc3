import { docsRoot, logDir } from "../engine/paths.ts";

/** Files of earlier releases that open pages of those releases may still request. */
export const assetsDir = `${docsRoot}/.edox-ops-assets`;
export const projectLogPath = `${logDir}/project.log`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [assetsDir, "files of earlier releases that open pages may still request"],
  [projectLogPath, "log of the project commands"],
];
