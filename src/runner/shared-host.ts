// Warns about a privileged runner and public sites on one host: a job with root access can change every site.

import type { HostReader } from "../host/host.ts";
import { sitesEnabledDir } from "../nginx/paths.ts";
import { Problem } from "../problem/problem.ts";
import { few } from "../text/lines.ts";
import { runnerConfigPath } from "./paths.ts";
import type { Runner } from "./runners.ts";

const prefix = "edox-ops-";

/** Returns the projects whose sites nginx serves. */
export function listServedProjects(reader: HostReader): string[] {
  const sites = (reader.list(sitesEnabledDir) ?? []).filter((name) => name.startsWith(prefix));
  return sites.map((name) => name.slice(prefix.length));
}

/**
 * Returns whether a job can gain root on the host. Privileged services count too, unless only listed images may be
 * privileged.
 */
export function isPrivileged(docker: Runner["docker"]): boolean {
  if (docker === undefined) return false;
  const { privileged, services_privileged: services, allowed_privileged_services: allowed } = docker;
  return privileged || (services === true && !(Array.isArray(allowed) && allowed.length > 0));
}

/**
 * Returns the names of this host's privileged runners, or none if config.toml is invalid, which other checks report.
 */
export async function privilegedRunners(reader: HostReader): Promise<string[]> {
  if (reader.stat(runnerConfigPath) === null) return [];
  const { surveyConfig } = await import("./runners.ts");
  try {
    return surveyConfig(reader).runners.flatMap(({ name, docker }) => (isPrivileged(docker) ? [name] : []));
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

/** Returns the warning for these privileged runners beside these sites, or null if there are no runners or no sites. */
export function sharedHostWarning(runners: readonly string[], projects: readonly string[]): string | null {
  if (runners.length === 0 || projects.length === 0) return null;
  const runner = `runner ${few(runners)} is privileged on the host that serves ${few(projects)}`;
  return `${runner}: each of its jobs can change these sites; use --profile ci-rootless, or a host of its own`;
}
