// The status of the runners of this host, for people and scripts.

import { packageState } from "../apt/dpkg.ts";
import { commandToFinish } from "../apt/finish.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { isEnabled } from "../resources/unit-file.ts";
import { linesOf, oneLine, shellLine } from "../text/lines.ts";
import { jobsRunning } from "./drain.ts";
import { runnerConfigPath } from "./paths.ts";
import { readRecord, recordFaults, recordOf } from "./record.ts";
import { verify } from "./registration/gitlab.ts";
import { systemIdOf } from "./registration/system-id.ts";
import { type Runner, surveyConfig } from "./runners.ts";
import { runnerKeepsRunning, serviceOf, unitPath } from "./service.ts";

export interface ServiceStatus {
  installed: boolean;
  /** Whether it starts at boot, by `systemctl is-enabled`. The Python version used this key. */
  service_installed: boolean;
  service_active: boolean;
  summary: string;
  version: string;
}

export interface RunnerStatus {
  name: string;
  url: string;
  executor: string;
  privileged: boolean;
  volumes: string[];
  ours: boolean;
  /** "yes", or the reason why not. */
  accepted: string;
}

export async function serviceStatus(reader: HostReader): Promise<ServiceStatus> {
  const { code, stdout } = await reader.probe(["gitlab-runner", "--version"]);
  const installed = code !== 127;
  const isKnown = reader.stat(unitPath) !== null;
  const service_installed = isKnown && isEnabled(reader, "gitlab-runner");
  const service_active = await runnerKeepsRunning(reader);
  const version = /^Version: +(\S+)/m.exec(linesOf(stdout).join("\n"))?.[1] ?? "";
  const finish = packageState(reader, "gitlab-runner") === "incomplete" ? commandToFinish(reader) : null;
  const summary = !installed
    ? "gitlab-runner is not installed"
    : finish !== null
      ? `gitlab-runner is installed in part: dpkg did not finish it (run: ${shellLine(finish)})`
      : !isKnown
        ? "gitlab-runner is installed, but systemd has no unit of it"
        : `gitlab-runner is installed, and its service is ${service_active ? "active" : "not active"}${service_installed ? "" : " and not enabled"}`;
  return { installed, service_installed, service_active, summary, version };
}

/**
 * Returns the status of each runner. Their GitLabs are contacted in parallel. `faults`: a sentence for each runner that
 * cannot be used.
 */
export async function runnerStatuses(host: Host): Promise<{ runners: RunnerStatus[]; faults: string[] }> {
  const record = readRecord(host);
  const systemId = systemIdOf(host);
  const none = { runners: [], invalid: [] };
  const { runners, invalid } = host.stat(runnerConfigPath) === null ? none : surveyConfig(host);
  const statuses = await Promise.all(
    runners.map(async (runner) => {
      const { name, url, executor, docker } = runner;
      return {
        ...{ name, url, executor },
        privileged: docker?.privileged ?? false,
        volumes: docker?.volumes ?? [],
        ours: recordOf(record, runner) !== null,
        accepted: await accepted(host, runner, systemId),
      };
    }),
  );
  return { runners: statuses, faults: [...invalid, ...recordFaults(record)] };
}

export async function accepted(host: Host, runner: Runner, systemId: string | null): Promise<string> {
  // GitLab would register every new system ID as another host.
  if (systemId === null) return "not asked: gitlab-runner has not run on this host yet";
  try {
    const server = { url: runner.url, caPath: runner["tls-ca-file"], impatient: true as const };
    await verify(host, server, runner.token, systemId);
    return "yes";
  } catch (error) {
    return oneLine(Problem.of(error).message);
  }
}

export interface RunnerLoad {
  /** The number of running jobs. */
  jobs: number;
  stop_signal: string;
  /** Infinity means no limit. */
  stop_seconds: number;
}

export async function runnerLoad(reader: HostReader): Promise<RunnerLoad> {
  const service = await serviceOf(reader);
  return {
    jobs: await jobsRunning(reader, service),
    stop_signal: service.killSignal,
    stop_seconds: service.stopSeconds,
  };
}
