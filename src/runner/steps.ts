// GitLab Runner on a host: its user, its package, its service, and what it may do with Docker.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { Problem, type Recipe, type Resource, type Step, type Warn } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { dockerAnswers, dockerInstall, type Mirror } from "../recipes/docker.ts";
import { ciHostLogPath, replacedDir, runnerConfigPath, runnerInstallLogPath } from "../recipes/paths.ts";
import { aptFree } from "../resources/apt-lock.ts";
import { aptRepository, chosenRepository } from "../resources/apt-repository.ts";
import { certificatesWhole } from "../resources/certificates.ts";
import { missingDirectories } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { gidOf } from "../resources/group.ts";
import { dpkgConfigured, installed } from "../resources/package.ts";
import { platform } from "../resources/platform.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { service } from "../resources/service.ts";
import { member, systemUser } from "../resources/user.ts";
import { configTaken } from "./config-taken.ts";
import type { ConfigEdit } from "./config-text.ts";
import type { Runner, RunnerConfig } from "./runners.ts";

const user = "gitlab-runner";
const home = "/home/gitlab-runner";
export const runnerPackages = ["gitlab-runner", "gitlab-runner-helper-images"];
export const runnerSourcePath = "/etc/apt/sources.list.d/runner_gitlab-runner.sources";
export const runnerKeyPath = "/etc/apt/keyrings/runner_gitlab-runner-archive-keyring.asc";
export const runnerPinPath = "/etc/apt/preferences.d/edox-ops-gitlab-runner";
export const drainPath = "/etc/systemd/system/gitlab-runner.service.d/edox-ops.conf";
export const unitPath = "/etc/systemd/system/gitlab-runner.service";
/** Of the repository's metadata, as docs.gitlab.com names it; prolonged every two years, and the same. */
const runnerFingerprint = "F6403F6544A38863DAA0B6E03F01618A51312F3F";
/** Two hours, as GitLab's documentation has it: what runs longer is ended. */
export const drainSeconds = 7200;

export interface Mirrors {
  docker: Mirror;
  runner: Mirror;
}

const official: Mirrors = { docker: {}, runner: {} };

export function gitlabRunnerInstall(facts: Facts, see: HostReader, { runner }: Mirrors = official): Recipe {
  return {
    command: "gitlab-runner install",
    logPath: runnerInstallLogPath,
    done: "GitLab Runner installed successfully.",
    failed: "GitLab Runner installation failed at step",
    requires: [platform(facts)],
    steps: runnerSteps(facts, see, runner),
  };
}

/** `named`: runners that are made privileged because somebody says so. */
export function prepareCiHost(
  facts: Facts,
  see: HostReader,
  mirrors: Mirrors = official,
  named: readonly string[] = [],
): Recipe {
  return {
    command: "gitlab-runner prepare-ci-host",
    logPath: ciHostLogPath,
    done: [
      "CI host prepared successfully.",
      "Register a runner with the token that GitLab shows under Settings, CI/CD, Runners:",
      "  sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --token -",
    ].join("\n"),
    failed: "CI host preparation failed at step",
    requires: [platform(facts)],
    steps: [
      dockerInstall(facts, see, mirrors.docker),
      ...runnerSteps(facts, see, mirrors.runner),
      dockerAccess,
      dockerConfig(named),
      { id: "prepare-ci-host.complete", title: "this host is ready for a runner", wants: [], mark: true },
    ],
  };
}

function runnerSteps(facts: Facts, see: HostReader, mirror: Mirror): Step[] {
  const chosen = chosenRepository(see, runnerSourcePath);
  const folder = facts.id === "ubuntu" ? "ubuntu" : "debian";
  const uri = mirror.uri ?? chosen?.uri ?? `https://packages.gitlab.com/runner/gitlab-runner/${folder}`;
  const repository = aptRepository({
    name: "gitlab-runner",
    uri,
    suite: facts.codename,
    component: "main",
    architecture: facts.architecture,
    fingerprint: mirror.fingerprint ?? chosen?.fingerprint ?? runnerFingerprint,
    keyOrigin: mirror.key ?? new URL("/gpgkey/gpg.key", uri).href,
    keyPath: runnerKeyPath,
    sourcePath: runnerSourcePath,
    keepDir: replacedDir,
  });
  return [
    {
      id: "runner.user.create",
      title: `the user ${user} is there`,
      wants: [systemUser({ name: user, home, shell: "/bin/bash" }, `runner:user:${user}`)],
    },
    {
      id: "runner.install",
      title: "GitLab Runner is installed, from GitLab's own repository",
      requires: [firstBootDone, clockSet, aptFree],
      wants: [
        { ...dpkgConfigured, name: "runner:dpkg-configured" },
        repository.older,
        { ...installed("ca-certificates"), name: "runner:ca-certificates" },
        { ...certificatesWhole, name: "runner:certificates" },
        repository.key,
        repository.source,
        pin(new URL(uri).hostname),
        ...runnerPackages.map(installed),
      ],
    },
    {
      id: "runner.service.install",
      title: "gitlab-runner runs, starts at boot, and lets jobs end before it does",
      needs: [{ step: "runner.install", resource: installed("gitlab-runner") }],
      wants: [unitInstalled, drain, drainLoaded, runnerRuns],
    },
  ];
}

/** A distribution has an old one of the same name: it is never chosen, also where GitLab's cannot be reached. */
function pin(host: string): Resource {
  const names = runnerPackages.join(" ");
  const text = [
    "# Written by edox-ops: GitLab's own packages, and nobody else's of the same name.",
    `Package: ${names}`,
    `Pin: origin ${host}`,
    "Pin-Priority: 900",
    "",
    `Package: ${names}`,
    "Pin: release *",
    "Pin-Priority: -1",
    "",
  ].join("\n");
  return file({
    name: "apt:pin:gitlab-runner",
    title: "apt takes gitlab-runner from its own repository only",
    path: runnerPinPath,
    mode: 0o644,
    keepDir: replacedDir,
    text: () => Text.of(text),
  });
}

const drainText = [
  "# Written by edox-ops: with SIGTERM jobs are aborted, with SIGQUIT they end first. Only the runner is told: the processes",
  "# of a shell's job are in its control group, and would die of the same signal.",
  "[Service]",
  "KillSignal=SIGQUIT",
  "KillMode=mixed",
  `TimeoutStopSec=${drainSeconds}`,
  "",
].join("\n");

const drain: Resource = (() => {
  const written = file({
    name: "runner:drain",
    title: "a stop of gitlab-runner lets its jobs end",
    path: drainPath,
    mode: 0o644,
    keepDir: replacedDir,
    text: () => Text.of(drainText),
  });
  return {
    ...written,
    async check(see, ahead, warn) {
      const changes = await written.check(see, ahead, warn);
      return changes.length === 0 ? [] : [...missingDirectories(see, ahead, parentOf(drainPath)), ...changes];
    },
  };
})();

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

const unitInstalled: Resource = {
  name: "runner:unit",
  title: "systemd knows gitlab-runner",
  check(see, ahead) {
    const comes = ahead.some((change) => change.kind === "packages" && change.names.includes("gitlab-runner"));
    if (comes || see.stat(unitPath) !== null) return [];
    const argv = ["gitlab-runner", "install", `--user=${user}`, `--working-directory=${home}`];
    return [{ kind: "command", argv, lack: "systemd does not know gitlab-runner" }];
  },
};

/** Written is not loaded: only systemd knows by which signal it would stop. */
const drainLoaded: Resource = {
  name: "runner:drain-loaded",
  title: "systemd stops gitlab-runner with SIGQUIT",
  async check(see, ahead) {
    const reload = {
      kind: "command" as const,
      argv: ["systemctl", "daemon-reload"],
      lack: "systemd would abort its jobs",
    };
    if (see.stat(unitPath) === null || ahead.some((change) => "path" in change && change.path === drainPath))
      return [reload];
    return (await serviceOf(see)).drains ? [] : [reload];
  },
};

export interface Service {
  /** Whether a stop lets its jobs end. */
  drains: boolean;
  /** By which signal systemd stops it, and after how many seconds it is killed. */
  killSignal: string;
  stopSeconds: number;
  /** 0 where it does not run. */
  pid: number;
}

export async function serviceOf(see: HostReader): Promise<Service> {
  const wanted = "--property=KillSignal,KillMode,TimeoutStopUSec,MainPID";
  const { stdout } = await see.probe(["systemctl", "show", "gitlab-runner", wanted]);
  const told = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1] ?? "";
  const signals: Record<string, string> = { "3": "SIGQUIT", "15": "SIGTERM" };
  const killSignal = signals[told("KillSignal")] ?? `signal ${told("KillSignal")}`;
  return {
    drains: killSignal === "SIGQUIT" && ["mixed", "process"].includes(told("KillMode")),
    killSignal,
    stopSeconds: secondsOf(told("TimeoutStopUSec")),
    pid: Number(told("MainPID")),
  };
}

/** systemd writes "2h", "1min 30s", "infinity". */
function secondsOf(span: string): number {
  if (span === "infinity") return Number.POSITIVE_INFINITY;
  const units: Record<string, number> = { d: 86_400, h: 3600, min: 60, s: 1, ms: 0.001 };
  const parts = [...span.matchAll(/(\d+)(d|h|min|ms|s)/g)];
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}

export const runnerRuns: Resource = service({
  unit: "gitlab-runner",
  name: "runner:service",
  taken: () => true,
});

/** The group is as good as root: only jobs of a shell need it, since the service itself runs as root. */
export const dockerAccess: Step = {
  id: "runner.docker.access",
  title: "gitlab-runner is in the group docker, which is as good as root: jobs of a shell use Docker",
  async unwanted(see) {
    const { runners } = await configOf(see);
    if (!runners.some(({ executor }) => executor === "shell")) {
      return "no runner of this host has the shell executor; the group docker is as good as root";
    }
    return gidOf(see, "docker") === null ? "there is no Docker on this host" : null;
  },
  wants: [member(user, "docker", "ci-runner:docker-group", "gitlab-runner is in the group docker")],
};

/** The editor of config.toml is loaded where there is one. */
async function configOf(see: HostReader): Promise<RunnerConfig> {
  if (see.stat(runnerConfigPath) === null) return { concurrent: 1, runners: [] };
  return (await import("./runners.ts")).readConfig(see);
}

export const dindVolumes = ["/cache", "/certs/client"];

/** Docker-in-Docker needs privileged containers, and a place where the client finds its certificate. */
export function dockerConfig(named: readonly string[]): Step {
  const title = "the runners for Docker-in-Docker are privileged and have its volumes";
  return {
    id: "runner.docker.config",
    title,
    async unwanted(see) {
      const { runners } = await configOf(see);
      demandDocker(runners, named);
      return runners.some(({ executor }) => executor === "docker") ? null : "no runner of this host uses Docker yet";
    },
    wants: [
      {
        name: "ci-runner:docker-privileged",
        title,
        async check(see, ahead, warn) {
          if (see.stat(runnerConfigPath) === null) return [];
          const [{ configFile }, { ours, readRecord }] = [
            await import("./config-file.ts"),
            await import("./record.ts"),
          ];
          const record = readRecord(see);
          const edits = (config: RunnerConfig, _: HostReader, tell: Warn) =>
            dindEdits(config, (runner) => ours(record, runner)?.privileged ?? null, named, tell);
          return configFile("ci-runner:docker-privileged", title, edits).check(see, ahead, warn);
        },
      },
      configTaken,
    ],
  };
}

/** Throws a Problem for a name that no runner for Docker has. */
function demandDocker(runners: readonly Runner[], named: readonly string[]): void {
  const wrong = named.find((name) => !runners.some((each) => each.name === name && each.executor === "docker"));
  if (wrong === undefined) return;
  const hint = ["edox-ops", "gitlab-runner", "list"];
  throw new Problem("usage", `there is no runner ${wrong} with the docker executor`, { hint });
}

/**
 * Ours as they were registered, the only one of the host, those that are named, and the volumes of those that are
 * privileged already. Every other is somebody's decision: it is named and left. `wanted`: whether one of ours was
 * registered as privileged; null for another's.
 */
export function dindEdits(
  { runners }: RunnerConfig,
  wanted: (runner: Runner) => boolean | null,
  named: readonly string[],
  warn: Warn,
): ConfigEdit[] {
  const docker = runners.filter(({ executor }) => executor === "docker");
  return runners.flatMap((runner, index): ConfigEdit[] => {
    if (!docker.includes(runner)) return [];
    const { name, docker: { privileged = false, volumes = [] } = {} } = runner;
    const makes = named.includes(name) || (wanted(runner) ?? docker.length === 1);
    if (!makes && !privileged) {
      if (wanted(runner) === null) {
        warn(
          `runner ${name} is not privileged, and is left so: say --runner '${name}' to have it for Docker-in-Docker`,
        );
      }
      return [];
    }
    const missing = missingVolumes(volumes, dindVolumes);
    return [
      ...(privileged ? [] : [{ kind: "set" as const, runner: index, key: ["docker", "privileged"], value: true }]),
      ...(missing.length === 0
        ? []
        : [{ kind: "add-items" as const, runner: index, key: ["docker", "volumes"], items: missing }]),
    ];
  });
}

/** Those that nothing is mounted in the place of yet. */
export function missingVolumes(there: readonly string[], wanted: readonly string[]): string[] {
  const mounted = there.map(mountPoint);
  return wanted.filter((volume) => !mounted.includes(mountPoint(volume)));
}

/** Where in the container a volume is: PATH, or HOST:PATH with options or without. */
function mountPoint(volume: string): string {
  const parts = volume.split(":");
  return (parts.length === 1 ? parts[0] : parts[1])?.replace(/(.)\/+$/, "$1") ?? "";
}

/** What a Docker executor needs of the host. */
export const dockerThere = {
  name: "ci-runner:docker-answers",
  title: "Docker answers",
  async check(see: HostReader) {
    if (await dockerAnswers(see)) return null;
    const hint = ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"];
    return { reason: "no Docker answers on this host, which the docker executor needs", hint };
  },
};
