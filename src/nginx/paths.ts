import { stateDir } from "../engine/paths.ts";

/** A certificate without an owner, for an nginx that cannot refuse a connection without one. */
export const certificatePath = `${stateDir}/unknown-names.pem`;
export const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
/** Read by the http block, like the limits. */
export const clientsPath = "/etc/nginx/conf.d/edox-ops-clients.conf";
/** Included by each site, but not by the http block: foreign sites keep nginx's own types. */
export const typesPath = "/etc/nginx/edox-ops-types.conf";
/** Included by each server of ours that speaks TLS, but not by the http block: foreign sites keep their settings. */
export const tlsPath = "/etc/nginx/edox-ops-tls.conf";
/** Included by each site while the module exists that it is for. */
export const brotliPath = "/etc/nginx/edox-ops-brotli.conf";
export const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";
/** Exists only if nginx.conf itself does not include the enabled sites. */
export const sitesIncludePath = "/etc/nginx/conf.d/edox-ops-sites.conf";
export const sitesAvailableDir = "/etc/nginx/sites-available";
export const sitesEnabledDir = "/etc/nginx/sites-enabled";
/** Redirects and headers of the sites that have some. */
export const rulesDir = "/etc/nginx/edox-ops-rules";
/** Where certbot proves control of a domain. No deploy touches it. */
export const acmeDir = "/var/lib/edox-ops/acme";

export const nginxLogDir = "/var/log/nginx";

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [certificatePath, "certificate for requests with an unknown host name, if nginx cannot refuse them without one"],
  [limitsPath, "limits that all sites share"],
  [clientsPath, "how the clients of sites are counted"],
  [typesPath, "content types that all sites share"],
  [tlsPath, "TLS settings that all sites share"],
  [brotliPath, "serves brotli files that lie beside pages, if nginx has the module"],
  [catchAllPath, "server that closes requests for unknown host names"],
  [sitesIncludePath, "include of the enabled sites, if nginx.conf has none"],
  [sitesAvailableDir, "nginx sites, enabled or not"],
  [sitesEnabledDir, "links to the enabled nginx sites"],
  [rulesDir, "redirects and headers of sites, compiled from their files _redirects and _headers"],
  [acmeDir, "responses to HTTP challenges of certbot"],
  [nginxLogDir, "logs of nginx; the access log of a site is edox-ops-SLUG.access.log"],
];
