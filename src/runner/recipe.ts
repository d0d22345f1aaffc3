// The recipes of a CI host: the content and order of the steps.

import { dockerConfigAccepted } from "../docker/config.ts";
import { dockerInstall } from "../docker/recipe.ts";
import type { Facts } from "../engine/facts.ts";
import type { Recipe, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement } from "../problem/requirement.ts";
import type { Mirror } from "../resources/apt-repository.ts";
import { foreignPackages, platform } from "../resources/platform.ts";
import { dockerAccess, dockerConfig } from "./docker-in-docker.ts";
import { runnerSteps } from "./install.ts";
import { ciHostLogPath, runnerConfigPath, runnerInstallLogPath } from "./paths.ts";

interface Mirrors {
  docker: Mirror;
  runner: Mirror;
}

type ChosenMirrors = { [Name in keyof Mirrors]?: Mirrors[Name] | undefined };

const official: Mirrors = { docker: {}, runner: {} };

/** A running gitlab-runner keeps the configuration that it has loaded, but its next start would fail. */
const configReadable: Requirement = {
  name: "runner:config-file",
  title: "gitlab-runner can read its configuration",
  async check(reader) {
    if (reader.stat(runnerConfigPath) !== null) (await import("./runners.ts")).surveyConfig(reader);
    return null;
  },
};

export function gitlabRunnerInstall(facts: Facts, { runner }: Mirrors = official): Recipe {
  return {
    command: "gitlab-runner install",
    logPath: runnerInstallLogPath,
    done: "GitLab Runner installed successfully.",
    failed: "GitLab Runner install failed at step",
    requires: [platform(facts), foreignPackages(facts), configReadable],
    steps: runnerSteps(facts, runner),
  };
}

/**
 * Returns the recipe for runners that another host registered, which had these mirrors. Their configuration stays as it
 * is.
 */
export function movedRunners(facts: Facts, hasEngine: boolean, mirrors: ChosenMirrors): Recipe {
  const all: Mirrors = { docker: mirrors.docker ?? {}, runner: mirrors.runner ?? {} };
  const { requires, steps, ...rest } = gitlabRunnerInstall(facts, all);
  if (!hasEngine) return { ...rest, requires, steps };
  return {
    ...rest,
    requires: [...requires, dockerConfigAccepted],
    steps: [dockerInstall(facts, all.docker), ...steps, dockerAccess],
  };
}

/** Returns the command that registers the first runner, or null if there is one. */
function registerFirst(reader: HostReader): string[] | null {
  if (textOf(reader, runnerConfigPath)?.includes("[[runners]]")) return null;
  const words = ["register", "--profile", "ci", "--url", "https://gitlab.com", "--token", "-"];
  return ["sudo", "edox-ops", "gitlab-runner", ...words];
}

/**
 * Returns the recipe for a CI host. `named`: runners that become privileged because the command line names them.
 * `imageSteps`: the steps that load images into the engine.
 */
export function prepareCiHost(
  facts: Facts,
  mirrors: Mirrors = official,
  named: readonly string[] = [],
  imageSteps: readonly Step[] = [],
): Recipe {
  return {
    command: "gitlab-runner prepare-ci-host",
    logPath: ciHostLogPath,
    done: [
      "CI runner host prepared successfully.",
      "Register a runner with the token that GitLab shows under Settings, CI/CD, Runners:",
      "  sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --token -",
    ].join("\n"),
    failed: "CI runner host preparation failed at step",
    closing: { ready: "CI host ready", next: registerFirst },
    requires: [platform(facts), foreignPackages(facts), configReadable, dockerConfigAccepted],
    steps: [
      dockerInstall(facts, mirrors.docker),
      ...imageSteps,
      ...runnerSteps(facts, mirrors.runner),
      dockerAccess,
      dockerConfig(named),
      { id: "prepare-ci-host.complete", title: "this host is ready for a runner", resources: [], mark: true },
    ],
  };
}
