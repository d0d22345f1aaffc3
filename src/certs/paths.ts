import { logDir } from "../engine/paths.ts";

/** certbot runs it after each renewal. The Python version wrote a hook of the same name. */
export const hookPath = "/etc/letsencrypt/renewal-hooks/deploy/edox-ops-reload-nginx.sh";
/** Contains the result of the hook's last run, in a file for each lineage. */
export const renewalsDir = "/var/lib/edox-ops/renewals";
export const renewalConfigDir = "/etc/letsencrypt/renewal";
export const liveDir = "/etc/letsencrypt/live";
export const archiveDir = "/etc/letsencrypt/archive";
export const certsLogPath = `${logDir}/certs.log`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [renewalConfigDir, "renewal settings of certbot, of which edox-ops changes single lines"],
  [liveDir, "certificates in use, by the name of their lineage"],
  [archiveDir, "all certificates of each lineage"],
  [hookPath, "hook of certbot that has nginx load a renewed certificate"],
  [renewalsDir, "results of that hook"],
  [certsLogPath, "log of the commands about certificates"],
];
