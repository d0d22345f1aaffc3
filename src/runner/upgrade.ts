// Upgrades GitLab Runner from its own repository.

import { newerVersions, updateLists } from "../apt/apt.ts";
import { packageState, presentPackages, presentVersion } from "../apt/dpkg.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { met, type Stop } from "../problem/wait.ts";
import { sourcesReadable } from "../resources/apt-readable.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { stopped } from "../resources/service.ts";
import { runnerPackages, runnerSourcePath } from "./install.ts";
import { runnerLogPath } from "./paths.ts";
import { demandPackaged, runnerRuns } from "./service.ts";

/** Returns the installed version. Throws a Problem if GitLab Runner is not installed. */
export function installedVersion(see: HostReader): string {
  const found = presentVersion(see, "gitlab-runner");
  if (found !== null) return found;
  demandPackaged(see);
  const hint = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
  throw new Problem("requirement", "GitLab Runner is not installed", { hint });
}

/**
 * Updates the package lists. Throws a Problem if the repository does not respond or is not trusted, because newer
 * versions are then unknown.
 */
export async function fetchLists(host: Host, stop: Stop): Promise<void> {
  await met(sourcesReadable(), host, {}, stop);
  const uri = chosenRepository(host, runnerSourcePath)?.uri;
  const failed = (await updateLists(host, stop)).find((sentence) => uri !== undefined && sentence.includes(uri));
  if (failed === undefined) return;
  const hint = ["sudo", "apt-get", "update"];
  throw new Problem("command-failed", `the repository of gitlab-runner cannot be read: ${failed}`, { hint });
}

/**
 * Returns the packages to install by apt's present lists: those with a newer version, or all if dpkg did not finish
 * one. Its scripts may fail, and its newer version depends on newer versions of the others.
 */
export async function outdated(see: HostReader): Promise<string[]> {
  const present = presentPackages(see, runnerPackages);
  if (present.some((name) => packageState(see, name) === "incomplete")) return present;
  return [...(await newerVersions(present, see)).keys()];
}

export function upgrading(): Recipe {
  const newest: Resource = {
    name: "runner:newest",
    title: "GitLab Runner is the newest that its repository has",
    async check(see) {
      const names = await outdated(see);
      return names.length === 0 ? [] : [{ kind: "packages", names }];
    },
  };
  // The service is stopped before its package is replaced, which a dry run does not do.
  const startedAgain: Resource = {
    ...runnerRuns,
    check(see, ahead, warn) {
      const replaces = ahead.some(({ kind }) => kind === "packages");
      return runnerRuns.check(replaces ? stopped(see, "gitlab-runner") : see, ahead, warn);
    },
  };
  return {
    command: "gitlab-runner upgrade",
    logPath: runnerLogPath,
    done: "GitLab Runner is up to date.",
    failed: "Upgrading failed at step",
    requires: [],
    steps: [
      {
        id: "runner.upgrade",
        title: "GitLab Runner is the newest, and runs",
        requires: aptUsable(),
        wants: [newest, startedAgain],
      },
    ],
  };
}
