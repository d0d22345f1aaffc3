import type { HostReader } from "../host/host.ts";
import { keepsRunning } from "../resources/service.ts";
import { isEnabled, isMasked } from "../resources/unit-file.ts";
import { few } from "../text/lines.ts";
import { sitesEnabledDir } from "./paths.ts";

/** The paths of the links of all sites of edox-ops begin with it. */
export const ourSites = `${sitesEnabledDir}/edox-ops-`;

/**
 * Returns the sites of edox-ops that a fault of nginx affects, or undefined if there are none. `online` describes them
 * while nginx runs; without it, the fault affects no site then.
 */
export async function affectedSites(reader: HostReader, online?: string): Promise<string | undefined> {
  const sites = (reader.list(sitesEnabledDir) ?? []).filter((name) =>
    `${sitesEnabledDir}/${name}`.startsWith(ourSites),
  );
  if (sites.length === 0) return undefined;
  const state = (await keepsRunning(reader, "nginx")) ? online : "offline";
  if (state === undefined) return undefined;
  const names = few(sites.map((name) => `${sitesEnabledDir}/${name}`.slice(ourSites.length)));
  return sites.length === 1 ? `the site ${names} (${state})` : `all ${sites.length} sites: ${names} (${state})`;
}

/** Returns the sites that a service of nginx in the wrong state affects: it does not run, or not as configured. */
export function affectedByService(reader: HostReader): Promise<string | undefined> {
  const starts = isEnabled(reader, "nginx") && !isMasked(reader, "nginx");
  return affectedSites(reader, starts ? "online, with the previous configuration" : "online until nginx stops");
}
