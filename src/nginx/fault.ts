// Provides hints for a configuration that nginx refuses.

import { installedPackage } from "../apt/dpkg.ts";
import type { HostReader } from "../host/host.ts";
import { hintToShow } from "../problem/show-file.ts";
import {
  catchAllPath,
  clientsPath,
  limitsPath,
  rulesDir,
  sitesAvailableDir,
  sitesEnabledDir,
  sitesIncludePath,
  tlsPath,
  typesPath,
} from "./paths.ts";

/** The command that sets a host up for sites. */
export const setUp = ["sudo", "edox-ops", "bootstrap", "--yes"];

const written = [limitsPath, clientsPath, typesPath, tlsPath, catchAllPath, sitesIncludePath];
const site = new RegExp(
  `^(?:(?:${sitesAvailableDir}|${sitesEnabledDir})/edox-ops-([a-z0-9-]+)|${rulesDir}/([a-z0-9-]+)[.](?:maps|server))$`,
);
const slugOf = (path: string): string | undefined => {
  const [, ofSite, ofRules] = site.exec(path) ?? [];
  return ofSite ?? ofRules;
};

/** The link of a site leads to no file. nginx reports the line that includes all sites. */
const missingFile = /open\(\) "([^"]+)" failed \(2: /;

/** certbot finishes the replacement of a certificate in which it was killed, whenever it runs again. */
const halfReplaced = /"\/etc\/letsencrypt\/live\/[^"]+".*key values mismatch/;

/**
 * Returns the command for the fault in this output of `nginx -t`. It rewrites a file of edox-ops, and shows the faulty
 * line of any other file. nginx reports one fault at a time.
 */
export function hintToMend(stderr: string): string[] {
  const missing = slugOf(missingFile.exec(stderr)?.[1] ?? "");
  if (missing !== undefined) return ["sudo", "edox-ops", "project", "enable", missing];
  const [, path = "", line] = / in (\/\S+):(\d+)\s*$/m.exec(stderr) ?? [];
  const slug = slugOf(path);
  if (slug !== undefined) return ["sudo", "edox-ops", "project", "render-nginx", slug];
  if (written.includes(path)) return setUp;
  if (line !== undefined) return hintToShow(path, line);
  return halfReplaced.test(stderr) ? ["sudo", "edox-ops", "certs", "renew", "--yes"] : ["sudo", "nginx", "-t"];
}

/**
 * Returns the command that restores a missing nginx.conf. The file belongs to a package: apt restores a deleted one
 * only with --force-confmiss.
 */
export function hintToConfigure(reader: HostReader): string[] {
  const owner = ["nginx-common", "nginx"].find((name) => installedPackage(reader, name) !== null);
  if (owner === undefined) return setUp;
  return ["sudo", "apt-get", "-o", "Dpkg::Options::=--force-confmiss", "install", "--reinstall", owner];
}
