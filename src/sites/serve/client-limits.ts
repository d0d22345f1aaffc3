// Request limits per client address, and how nginx learns that address behind a proxy.

import type { Project } from "../project.ts";

/** A page requests its files at once, even on a site with a low rate. */
const smallestBurst = 100;
/** A project with its own rate gets the same burst in seconds as the default. */
const burstSeconds = 4;
const zoneOf = ({ slug }: Project): string => `edox_ops_rate_${slug}`;

/**
 * Returns the rate limit zone of a project with its own rate, or "". Only the rate may change under one name: nginx
 * rejects a reload that changes the key of a zone.
 */
export function clientZone(project: Project): string {
  const { rate_limit } = project;
  if (typeof rate_limit !== "number") return "";
  return `limit_req_zone $edox_ops_client zone=${zoneOf(project)}:1m rate=${rate_limit}r/s;\n`;
}

/** Returns the directives that limit each client address. */
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
 * Returns the directives that take the client address from a proxy. The client address is the last one in the header
 * that is not a proxy's, because entries that the client itself wrote precede it.
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
