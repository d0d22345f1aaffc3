// Where the nginx site of a project is.

import { sitesAvailableDir, sitesEnabledDir } from "../../nginx/paths.ts";

export const vhostPath = (slug: string): string => `${sitesAvailableDir}/edox-ops-${slug}`;
export const vhostLinkPath = (slug: string): string => `${sitesEnabledDir}/edox-ops-${slug}`;
