// What to type where nginx refuses its configuration.

import {
  catchAllPath,
  clientsPath,
  limitsPath,
  sitesAvailableDir,
  sitesEnabledDir,
  sitesIncludePath,
  typesPath,
} from "./paths.ts";

const written = [limitsPath, clientsPath, typesPath, catchAllPath, sitesIncludePath];
const site = new RegExp(`^(?:${sitesAvailableDir}|${sitesEnabledDir})/edox-ops-([a-z0-9-]+)$`);

/**
 * Returns the command for a fault in these words of `nginx -t`: it writes a file of edox-ops anew, and shows the faulty
 * line of any other. nginx reports one fault at a time.
 */
export function hintToMend(stderr: string): string[] {
  const [, path = "", line] = / in (\/\S+):(\d+)\s*$/m.exec(stderr) ?? [];
  const slug = site.exec(path)?.[1];
  if (slug !== undefined) return ["sudo", "edox-ops", "project", "render-nginx", slug];
  if (written.includes(path)) return ["sudo", "edox-ops", "bootstrap", "--yes"];
  return line === undefined ? ["sudo", "nginx", "-t"] : ["sudo", "sed", "-n", `${line}p`, path];
}
