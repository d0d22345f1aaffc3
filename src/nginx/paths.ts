import { stateDir } from "../engine/paths.ts";

/** A certificate without an owner, for an nginx that cannot refuse a connection without one. */
export const certificatePath = `${stateDir}/unknown-names.pem`;
export const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
/** Read by the http block, like the limits. */
export const clientsPath = "/etc/nginx/conf.d/edox-ops-clients.conf";
/** Included by each site, but not by the http block: foreign sites keep nginx's own types. */
export const typesPath = "/etc/nginx/edox-ops-types.conf";
export const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";
/** Exists only if nginx.conf itself does not include the enabled sites. */
export const sitesIncludePath = "/etc/nginx/conf.d/edox-ops-sites.conf";
export const sitesAvailableDir = "/etc/nginx/sites-available";
export const sitesEnabledDir = "/etc/nginx/sites-enabled";
/** Where certbot proves control of a domain. No deploy touches it. */
export const acmeDir = "/var/lib/edox-ops/acme";
