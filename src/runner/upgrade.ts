// Upgrades GitLab Runner from its own repository.

import { packageState, presentPackages, presentVersion } from "../apt/dpkg.ts";
import { newerVersions, updateLists } from "../apt/lists.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, waitFor } from "../problem/wait.ts";
import { sourcesReadable } from "../resources/apt-readable.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { stoppedService } from "../resources/service.ts";
import { runnerPackages } from "./install.ts";
import { runnerLogPath, runnerSourcePath } from "./paths.ts";
import { demandPackaged, runnerRuns } from "./service.ts";

/** Returns the installed version. Throws a Problem if GitLab Runner is not installed. */
export function installedVersion(reader: HostReader): string {
  const found = presentVersion(reader, "gitlab-runner");
  if (found !== null) return found;
  demandPackaged(reader);
  const hint = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
  throw new Problem("precondition-failed", "GitLab Runner is not installed", { hint });
}

/**
 * Updates the package lists. Throws a Problem if the repository does not respond or is not trusted, because newer
 * versions are then unknown.
 */
export async function fetchLists(host: Host, stop: Stop): Promise<void> {
  await waitFor(host, sourcesReadable(), {}, stop);
  const uri = chosenRepository(host, runnerSourcePath)?.uri;
  const failed = (await updateLists(host, stop)).find((sentence) => uri !== undefined && sentence.includes(uri));
  if (failed === undefined) return;
  const hint = ["sudo", "apt-get", "update"];
  throw new Problem("package-failed", `the repository of gitlab-runner cannot be read: ${failed}`, { hint });
}

/**
 * Returns the packages to install by apt's present lists: those with a newer version, or all if dpkg did not finish
 * one. Its scripts may fail, and its newer version depends on newer versions of the others.
 */
export async function outdatedPackages(reader: HostReader): Promise<string[]> {
  const present = presentPackages(reader, runnerPackages);
  if (present.some((name) => packageState(reader, name) === "incomplete")) return present;
  return [...(await newerVersions(reader, present)).keys()];
}

export function upgrading(): Recipe {
  const newest: Resource = {
    name: "runner:newest",
    title: "GitLab Runner is the newest that its repository has",
    async check(reader) {
      const names = await outdatedPackages(reader);
      return names.length === 0 ? [] : [{ kind: "packages", names }];
    },
  };
  // The service is stopped before its package is replaced, which a dry run does not do.
  const startedAgain: Resource = {
    ...runnerRuns,
    check(reader, ahead, warn) {
      const replaces = ahead.some(({ kind }) => kind === "packages");
      return runnerRuns.check(replaces ? stoppedService(reader, "gitlab-runner") : reader, ahead, warn);
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
        action: "Upgrading GitLab Runner",
        requires: aptUsable(),
        resources: [newest, startedAgain],
      },
    ],
  };
}
