import { docsRoot, logDir } from "../engine/paths.ts";

/** Files of earlier releases that open pages of those releases may still request. */
export const assetsDir = `${docsRoot}/.edox-ops-assets`;
export const projectLogPath = `${logDir}/project.log`;
