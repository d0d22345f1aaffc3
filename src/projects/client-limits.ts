// How much each client of a site may ask for, and how the site knows the client's address behind a proxy.

import type { Project } from "./project.ts";

/** A page asks for its files at once, even where its readers may do little afterwards. */
const smallestBurst = 100;
/** As many seconds of a project's own rate are served at once as with the default. */
const burstSeconds = 4;
const zoneOf = ({ slug }: Project): string => `edox_ops_rate_${slug}`;

/**
 * Returns the zone of a project that has a rate of its own, or "". Under one name only the rate may change: nginx refuses
 * a reload in which a zone has another key.
 */
export function clientZone(project: Project): string {
  const { rate_limit } = project;
  if (typeof rate_limit !== "number") return "";
  return `limit_req_zone $edox_ops_client zone=${zoneOf(project)}:1m rate=${rate_limit}r/s;\n`;
}

/** Returns the limits of each client address. */
export function clientLimits(project: Project): string[] {
  const { rate_limit } = project;
  if (rate_limit === "off") return [];
  const requests =
    rate_limit === undefined
      ? [
          "# A page with 80 files, and the readers behind one address: 2,000 at once are served, then 500 a second.",
          "limit_req zone=edox_ops_client burst=2000 nodelay;",
        ]
      : [`limit_req zone=${zoneOf(project)} burst=${Math.max(smallestBurst, burstSeconds * rate_limit)} nodelay;`];
  return [
    ...requests,
    "limit_req_status 429;",
    "# HTTP/2 counts each file that is under way as a connection of its own: 128 a browser.",
    "limit_conn edox_ops_client_conn 1000;",
    "limit_conn_status 429;",
    "",
  ];
}

/**
 * Returns what makes the address that a proxy forwards the client's. It is the last one in the header that is not a
 * proxy's: what the client itself wrote there stands before it.
 */
export function clientAddress({ real_ip_from: proxies }: Project): string[] {
  if (proxies === undefined) return [];
  return [
    "# Only these proxies are trusted to name the client's address.",
    ...proxies.map((network) => `set_real_ip_from ${network};`),
    "real_ip_header X-Forwarded-For;",
    "real_ip_recursive on;",
  ];
}
