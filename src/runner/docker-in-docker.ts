// Configures Docker access for runners: the group, privileged containers, and the volumes that Docker-in-Docker needs.

import { dockerAnswers, hasEngine } from "../docker/engine.ts";
import { isDockerInstalled } from "../docker/recipe.ts";
import { optionalStep } from "../engine/feature.ts";
import type { Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Warn } from "../problem/requirement.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { groupMember } from "../resources/user.ts";
import type { TomlEdit } from "../toml/edit.ts";
import { configTaken } from "./config-taken.ts";
import { runnerUser } from "./names.ts";
import { runnerConfigPath } from "./paths.ts";
import type { Runner, RunnerConfig } from "./runners.ts";
import { isRunnerInstalled } from "./service.ts";
import { isPrivileged, listServedProjects, sharedHostWarning } from "./shared-host.ts";

/**
 * Membership in the group is equivalent to root. Only jobs of the shell executor need it, because the service itself
 * runs as root.
 */
const access: Step = {
  id: "runner.docker.access",
  title: "gitlab-runner is in group docker (equivalent to root), so that shell jobs can use Docker",
  async reasonToSkip(reader) {
    const { runners } = await surveyOf(reader);
    if (!runners.some(({ executor }) => executor === "shell")) {
      return "no runner of this host has the shell executor; group docker is equivalent to root";
    }
    if (gidOf(reader, "docker") !== null) return null;
    if (!hasEngine(reader)) return "there is no Docker on this host";
    const { reason, hint } = noGroup("docker");
    return { reason: `shell jobs cannot use Docker: ${reason}`, hint };
  },
  resources: [
    {
      ...groupMember(runnerUser, "docker", "ci-runner:docker-group", "gitlab-runner is in the group docker"),
      affects: "CI jobs of the shell executor that use Docker",
    },
  ],
};

export const dockerAccess = optionalStep(access, (reader) => isRunnerInstalled(reader) && isDockerInstalled(reader));

/** Imports the parser of config.toml only if the file exists. */
async function configOf(reader: HostReader): Promise<RunnerConfig> {
  if (reader.stat(runnerConfigPath) === null) return { concurrent: 1, runners: [] };
  return (await import("./runners.ts")).readConfig(reader);
}

/** Returns the valid runners, because an invalid one is the fault of another check. */
async function surveyOf(reader: HostReader): Promise<RunnerConfig> {
  if (reader.stat(runnerConfigPath) === null) return { concurrent: 1, runners: [] };
  return (await import("./runners.ts")).surveyConfig(reader);
}

const dindVolumes = ["/cache", "/certs/client"];

/**
 * Returns the step for Docker-in-Docker: privileged containers, and a volume in which the client finds its certificate.
 */
export function dockerConfig(named: readonly string[]): Step {
  const title = "the runners for Docker-in-Docker are privileged and have its volumes";
  const step: Step = {
    id: "runner.docker.config",
    title,
    async reasonToSkip(reader) {
      const { runners } = await configOf(reader);
      demandDocker(runners, named);
      return runners.some(({ executor }) => executor === "docker") ? null : "no runner of this host uses Docker yet";
    },
    resources: [
      {
        name: "ci-runner:docker-privileged",
        title,
        async check(reader, ahead, warn) {
          if (reader.stat(runnerConfigPath) === null) return [];
          const [{ configFile }, { recordOf, readRecord }] = [
            await import("./config-file.ts"),
            await import("./record.ts"),
          ];
          const record = readRecord(reader);
          const editsFor = (config: RunnerConfig, reader: HostReader, warn: Warn) => {
            const edits = dindEdits(config, (runner) => recordOf(record, runner)?.privileged ?? null, named, warn);
            warnOfSites(reader, config, edits, warn);
            return edits;
          };
          return configFile("ci-runner:docker-privileged", title, editsFor).check(reader, ahead, warn);
        },
      },
      configTaken,
    ],
  };
  return optionalStep(step, isRunnerInstalled);
}

/** Warns if a runner that is privileged, or becomes privileged, shares the host with sites. */
function warnOfSites(reader: HostReader, { runners }: RunnerConfig, edits: readonly TomlEdit[], warn: Warn): void {
  const becomes = (index: number): boolean => edits.some((each) => each.kind === "set" && each.index === index);
  const strong = runners.filter(({ docker }, index) => isPrivileged(docker) || becomes(index));
  const warning = sharedHostWarning(
    strong.map(({ name }) => name),
    listServedProjects(reader),
  );
  if (warning !== null) warn(warning);
}

/** Throws a Problem for a name that no runner with the docker executor has. */
function demandDocker(runners: readonly Runner[], named: readonly string[]): void {
  const wrong = named.find((name) => !runners.some((each) => each.name === name && each.executor === "docker"));
  if (wrong === undefined) return;
  const hint = ["edox-ops", "gitlab-runner", "list"];
  throw new Problem("usage", `there is no runner ${wrong} with the docker executor`, { hint });
}

/**
 * Returns the edits that prepare runners for Docker-in-Docker. Runners of edox-ops become privileged if they were
 * registered so, the only docker runner of the host does, and so do those in `named`. Runners that are privileged
 * already get the volumes. Any other foreign runner is left unchanged, with a warning. `required`: whether a runner of
 * edox-ops was registered as privileged; null for a foreign one.
 */
export function dindEdits(
  { runners }: RunnerConfig,
  required: (runner: Runner) => boolean | null,
  named: readonly string[],
  warn: Warn,
): TomlEdit[] {
  const docker = runners.filter(({ executor }) => executor === "docker");
  return runners.flatMap((runner, index): TomlEdit[] => {
    if (!docker.includes(runner)) return [];
    const { name, docker: { privileged = false, volumes = [] } = {} } = runner;
    const makes = named.includes(name) || (required(runner) ?? docker.length === 1);
    if (!makes && !privileged) {
      if (required(runner) === null) {
        warn(`runner ${name} is not privileged and stays unprivileged: pass --runner '${name}' to make it privileged`);
      }
      return [];
    }
    const missing = missingVolumes(volumes, dindVolumes);
    return [
      ...(privileged ? [] : [{ kind: "set" as const, index: index, key: ["docker", "privileged"], value: true }]),
      ...(missing.length === 0
        ? []
        : [{ kind: "add-items" as const, index: index, key: ["docker", "volumes"], items: missing }]),
    ];
  });
}

/** Returns the volumes whose mount point is not in use yet. */
export function missingVolumes(there: readonly string[], required: readonly string[]): string[] {
  const mounted = there.map(mountPoint);
  return required.filter((volume) => !mounted.includes(mountPoint(volume)));
}

/** Returns the mount point of a volume in the container. A volume is PATH, or HOST:PATH with or without options. */
export function mountPoint(volume: string): string {
  const parts = volume.split(":");
  return (parts.length === 1 ? parts[0] : parts[1])?.replace(/(.)\/+$/, "$1") ?? "";
}

/** The requirement of the docker executor: an engine that responds. */
export const dockerThere = {
  name: "ci-runner:docker-answers",
  title: "Docker answers",
  async check(reader: HostReader) {
    if (await dockerAnswers(reader)) return null;
    const hint = ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"];
    return { reason: "no Docker answers on this host, which the docker executor needs", hint };
  },
};
