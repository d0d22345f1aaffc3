// Runs one job of the stand-in gitlab-runner: its script runs in a shell or in a container, and its trace goes to
// GitLab.

import { mkdirSync } from "node:fs";
import { ask, caOf, infoOf, short, version } from "./runner-api.ts";
import type { Runner, Table } from "./runner-config.ts";
import { log } from "./runner-log.ts";

export interface Job {
  id: number;
  token: string;
  job_info?: { name?: string; project_name?: string };
  git_info?: { repo_url?: string };
  variables?: { key: string; value: string }[];
  steps?: { name: string; script: string[] }[];
  image?: { name?: string };
}

interface Place {
  dir: string;
  user: string;
  signal: AbortSignal;
}

type Outcome = { state: "success" } | { state: "failed"; failure_reason: string; exit_code?: number };

export async function runJob(runner: Runner, job: Job, place: Place): Promise<void> {
  const trace = new Trace(runner, job);
  await trace.update({ state: "running", output: {} });
  trace.add(
    `Running with gitlab-runner ${version} (a stand-in for tests)\n  on ${runner.name} ${short(runner.token)}\n`,
  );
  trace.add(`Preparing the "${runner.executor}" executor\n`);
  const timer = setInterval(() => void trace.send(), 1000);
  let outcome: Outcome;
  try {
    outcome =
      runner.executor === "docker"
        ? await inContainer(runner, job, place, trace)
        : await inShell(runner, job, place, trace);
  } catch (error) {
    trace.add(`ERROR: Job failed (system failure): ${(error as Error).message}\n`);
    outcome = { state: "failed", failure_reason: "runner_system_failure" };
    log("error", `Job failed (system failure): ${(error as Error).message}`, { job: job.id });
  } finally {
    clearInterval(timer);
  }
  if (place.signal.aborted) outcome = { state: "failed", failure_reason: "runner_interrupted" };
  if (outcome.state === "success") {
    trace.add("Job succeeded\n");
    log("info", "Job succeeded", { job: job.id, runner: short(runner.token) });
  } else if (outcome.exit_code !== undefined) {
    trace.add(`ERROR: Job failed: exit code ${outcome.exit_code}\n`);
    log("warning", `Job failed: exit code ${outcome.exit_code}`, { job: job.id, runner: short(runner.token) });
  }
  await trace.send();
  await trace.update({ ...outcome, ...trace.sums() });
}

/** The output of the job, and how much of it GitLab has received. */
class Trace {
  private text: Buffer = Buffer.alloc(0);
  private sent = 0;
  private sending: Promise<void> = Promise.resolve();

  constructor(
    private readonly runner: Runner,
    private readonly job: Job,
  ) {}

  add(piece: string | Uint8Array): void {
    this.text = Buffer.concat([this.text, Buffer.from(piece as Uint8Array)]);
  }

  send(): Promise<void> {
    this.sending = this.sending.then(async () => {
      const end = this.text.length;
      if (end === this.sent) return;
      const body = this.text.subarray(this.sent, end).toString();
      const headers = { "Content-Range": `${this.sent}-${end - 1}` };
      const { status } = await this.ask("PATCH", `jobs/${this.job.id}/trace?debug_trace=false`, body, headers);
      if (status === 202) this.sent = end;
    });
    return this.sending;
  }

  sums(): object {
    const checksum = `crc32:${Bun.hash.crc32(this.text).toString(16).padStart(8, "0")}`;
    return { checksum, output: { checksum, bytesize: this.text.length } };
  }

  async update(state: object): Promise<void> {
    const { token } = this.job;
    await this.ask("PUT", `jobs/${this.job.id}`, { info: infoOf(this.runner.executor), token, ...state });
  }

  private ask(method: "PUT" | "PATCH", path: string, body: object | string, headers: Record<string, string> = {}) {
    const { url } = this.runner;
    const { token } = this.job;
    return ask({ method, url, path, token, tokenHeader: "JOB-TOKEN", body, headers, ...caOf(this.runner) });
  }
}

function scriptOf({ variables = [], steps = [] }: Job): string {
  const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  const set = variables.map(({ key, value }) => `export ${key}=${quoted(value)}`);
  return ["set -eo pipefail 2>/dev/null || set -e", ...set, ...steps.flatMap(({ script }) => script)].join("\n");
}

async function inShell(runner: Runner, job: Job, { dir, user, signal }: Place, trace: Trace): Promise<Outcome> {
  const builds = String(runner.builds_dir ?? `${dir}/builds`);
  const at = `${builds}/${short(runner.token)}/0/group/${job.job_info?.project_name ?? "project"}`;
  mkdirSync(at, { recursive: true });
  if (user === "") return ended(await spawned(["bash"], scriptOf(job), signal, trace, at));
  Bun.spawnSync(["chown", "-R", `${user}:`, builds]);
  const group = Bun.spawnSync(["id", "-g", user]).stdout.toString().trim();
  // Unlike su, setpriv creates no session of its own, which an abort would not reach.
  const become = [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${group}`,
    "--init-groups",
    "env",
    `HOME=${dir}`,
    `USER=${user}`,
  ];
  return ended(await spawned([...become, "bash"], scriptOf(job), signal, trace, at));
}

async function inContainer(runner: Runner, job: Job, { signal }: Place, trace: Trace): Promise<Outcome> {
  await daemon(signal);
  const docker = (runner.docker ?? {}) as Table;
  const image = job.image?.name || String(docker.image);
  present(image, [docker.pull_policy ?? "always"].flat() as string[], trace);
  const name = `runner-${short(runner.token)}-project-1-concurrent-0-${job.id}`.replace(/[^\w.-]/g, "");
  const volumes = ([docker.volumes ?? []].flat() as string[]).flatMap((each) => ["--volume", each]);
  const flags = [
    ...["run", "--rm", "--interactive", "--name", name, "--label", "com.gitlab.gitlab-runner.managed=true"],
    ...["--pull", "never", "--entrypoint", ""],
    ...(docker.privileged === true ? ["--privileged"] : []),
    ...(docker.network_mode ? ["--network", String(docker.network_mode)] : []),
    ...volumes,
  ];
  signal.addEventListener("abort", () => Bun.spawnSync(["docker", "rm", "--force", name], { stderr: "ignore" }));
  trace.add(`Using docker image ${image} ...\n`);
  return ended(await spawned(["docker", ...flags, image, "sh"], scriptOf(job), signal, trace));
}

/** Waits for the daemon with three attempts, like the real one. */
async function daemon(signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { success, stderr } = Bun.spawnSync(["sh", "-c", "exec docker info"], { stdout: "ignore" });
    if (success) return;
    if (attempt === 3 || signal.aborted) throw new Error(`getting docker info: ${stderr.toString().trim()}`);
    await Bun.sleep(3000);
  }
}

function present(image: string, policies: string[], trace: Trace): void {
  const has = () => Bun.spawnSync(["docker", "image", "inspect", image]).success;
  let said = "";
  for (const policy of policies) {
    if (policy !== "always" && has()) return;
    if (policy === "never") {
      said = `No such image: ${image}`;
      continue;
    }
    trace.add(`Pulling docker image ${image} ...\n`);
    const { success, stderr } = Bun.spawnSync(["docker", "pull", "--quiet", image], { stdout: "ignore" });
    if (success) return;
    said = stderr.toString().trim();
    trace.add(`WARNING: Failed to pull image with policy "${policy}": ${said}\n`);
  }
  throw new Error(
    `failed to pull image ${JSON.stringify(image)} with specified policies [${policies.join(" ")}]: ${said}`,
  );
}

function ended(code: number): Outcome {
  return code === 0 ? { state: "success" } : { state: "failed", failure_reason: "script_failure", exit_code: code };
}

/** Runs a script in a new session, so that an abort kills all its processes. */
async function spawned(argv: string[], script: string, signal: AbortSignal, trace: Trace, cwd = "/"): Promise<number> {
  const child = Bun.spawn(["setsid", "sh", "-c", 'exec "$@" 2>&1', "sh", ...argv], {
    cwd,
    stdin: new Blob([script]),
    stdout: "pipe",
    stderr: "ignore",
  });
  const aborted = new Promise<number>((resolve) => {
    signal.addEventListener("abort", () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {}
      // A process that left the session may hold the pipe open for long.
      resolve(-1);
    });
  });
  const read = async (): Promise<number> => {
    for await (const piece of child.stdout) trace.add(piece);
    return child.exited;
  };
  return Promise.race([read(), aborted]);
}
