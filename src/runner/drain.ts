// Drains gitlab-runner and stops it. If its jobs do not end in time, the service is started again.

import { dockerAnswers } from "../docker/engine.ts";
import { dockerSocket } from "../docker/paths.ts";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { invocationOf, isActive } from "../resources/service.ts";
import { parseJson } from "../text/json.ts";
import { runnerUnit } from "./names.ts";
import { type StopSettings, serviceOf } from "./service.ts";

const pollMs = 500;
/** The prefix of the labels that gitlab-runner sets on every container that it starts. */
const label = "com.gitlab.gitlab-runner";

/**
 * Returns the number of jobs of this service that run on this host: processes of the shell executor, and jobs with
 * containers.
 */
export async function jobsRunning(reader: HostReader, { pid }: StopSettings): Promise<number> {
  return shells(reader, pid) + (await containerJobs(reader));
}

function shells(reader: HostReader, pid: number): number {
  if (!(pid > 0)) return 0;
  const group = textOf(reader, `/sys/fs/cgroup/system.slice/${runnerUnit}.service/cgroup.procs`) ?? "";
  return group.split("\n").filter((each) => {
    const stat = textOf(reader, `/proc/${each}/stat`) ?? "";
    return each !== "" && stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === String(pid);
  }).length;
}

async function containerJobs(reader: HostReader): Promise<number> {
  if (!(await dockerAnswers(reader))) return 0;
  const filters = encodeURIComponent(JSON.stringify({ label: [`${label}.managed=true`] }));
  const { body } = await reader.get(`http://docker/containers/json?filters=${filters}`, { socketPath: dockerSocket });
  try {
    const containers = parseJson(new TextDecoder().decode(body)) as { Labels?: Record<string, string> }[];
    return new Set(containers.map(({ Labels }, i) => Labels?.[`${label}.job.id`] ?? i)).size;
  } catch {
    return 0;
  }
}

/**
 * Drains and stops the service within `limitMs`, and returns a function that starts it again. Until it has stopped, the
 * service accepts no new jobs. If jobs do not end in time, or the run is interrupted, the service is started again and
 * a Problem is thrown. The same happens if another program starts the service meanwhile. A service that does not run is
 * left as it is.
 */
export async function drainService(
  host: Host,
  limitMs: number,
  stop: Stop,
  report: (sentence: string) => void,
): Promise<() => Promise<void>> {
  const invocation = invocationOf(host, runnerUnit);
  if (invocation === null) return async () => {};
  const restart = async (): Promise<void> => {
    await host.run(["systemctl", "start", "--no-block", runnerUnit]);
  };
  const service = await serviceOf(host);
  const jobs = await jobsRunning(host, service);
  if (jobs > 0 && !service.drains) {
    const hint = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
    const message = `${countJobs(jobs)} would be aborted: systemd stops ${runnerUnit} at once`;
    throw new Problem("in-use", message, { hint });
  }
  const limit = limitMs < 60_000 ? `${limitMs / 1000} s` : `${limitMs / 60_000} min`;
  if (jobs > 0) report(`waiting at most ${limit} for ${countJobs(jobs)} to end`);
  const end = host.now() + limitMs;
  // From here on a signal does not end this process immediately, because the service must be started again first.
  throwIfInterrupted(stop);
  try {
    const { code, stderr } = await host.run(["systemctl", "stop", "--no-block", runnerUnit]);
    if (code !== 0) {
      const hint = ["systemctl", "status", runnerUnit];
      throw new Problem("command-failed", `systemctl could not stop ${runnerUnit}`, { returncode: code, stderr, hint });
    }
    for (;;) {
      const now = invocationOf(host, runnerUnit);
      if (now === null) return restart;
      if (now !== invocation) throw startedAgainProblem();
      throwIfInterrupted(stop);
      if (host.now() >= end) throw await lateProblem(host, service, limit);
      await host.sleep(pollMs);
    }
  } catch (error) {
    await restart();
    throw error;
  }
}

/** Throws a Problem if another program has started the drained service. */
export function demandStopped(reader: HostReader): void {
  if (isActive(reader, runnerUnit)) throw startedAgainProblem();
}

function startedAgainProblem(): Problem {
  const message = `${runnerUnit} was started by another program while it was being stopped: nothing was changed`;
  return new Problem("concurrent-change", message, { hint: ["systemctl", "status", runnerUnit] });
}

async function lateProblem(host: Host, service: StopSettings, limit: string): Promise<Problem> {
  const left = await jobsRunning(host, service);
  // Jobs of an executor on another host are not counted.
  const what =
    left === 0 ? `${runnerUnit} did not stop within ${limit}` : `${countJobs(left)} did not end within ${limit}`;
  const message = `${what}: nothing was changed, and ${runnerUnit} starts again once it has stopped`;
  return new Problem("timeout", message, { hint: ["sudo", "edox-ops", "gitlab-runner", "status"] });
}

function countJobs(jobs: number): string {
  return `${jobs} running ${jobs === 1 ? "job" : "jobs"}`;
}
