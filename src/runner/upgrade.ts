// A newer GitLab Runner, under nobody's job: it drains first, so that the package's own scripts find it stopped.

import { installPackages, newerVersions, updateLists } from "../engine/apt.ts";
import { installedPackage, packageField } from "../engine/dpkg.ts";
import { Problem } from "../engine/step.ts";
import type { Stop } from "../engine/wait.ts";
import type { Host, HostReader } from "../host/host.ts";
import { isActive } from "../resources/service.ts";
import { drained } from "./drain.ts";
import { runnerPackages } from "./steps.ts";

export interface Upgraded {
  from: string;
  /** The same where there was nothing newer. */
  to: string;
  warnings: string[];
}

/** Throws a Problem where it is not installed, does not drain in time, or apt fails: the service runs then as it did. */
export async function upgrade(
  host: Host,
  drainMs: number,
  stop: Stop,
  tell: (sentence: string) => void,
): Promise<Upgraded> {
  const from = versionOf(host);
  if (from === null) {
    const hint = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
    throw new Problem("requirement", "GitLab Runner is not installed", { hint });
  }
  const warnings = await updateLists(host, stop);
  const newer = await newerVersions(runnerPackages, host);
  if (!newer.has("gitlab-runner")) return { from, to: from, warnings };
  const restart = await drained(host, drainMs, stop, tell);
  try {
    const names = runnerPackages.filter((name) => installedPackage(host, name) !== null);
    warnings.push(...(await installPackages({ kind: "packages", names }, host, stop)));
  } finally {
    // The package's own scripts start it, when they came that far.
    if (!isActive(host, "gitlab-runner")) await restart();
  }
  return { from, to: versionOf(host) ?? from, warnings: [...new Set(warnings)] };
}

function versionOf(see: HostReader): string | null {
  const found = installedPackage(see, "gitlab-runner");
  return found && packageField(found, "Version");
}
