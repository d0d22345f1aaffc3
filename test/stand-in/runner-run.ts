// `run` of the stand-in gitlab-runner: requests jobs, watches its configuration, and handles signals.

import { statSync } from "node:fs";
import { ask, caOf, infoOf, short } from "./runner-api.ts";
import { type Config, newConfig, type Runner, readConfig, systemId } from "./runner-config.ts";
import { type Given, one } from "./runner-flags.ts";
import { type Job, runJob } from "./runner-job.ts";
import { log, Refused, setLog } from "./runner-log.ts";

const lookMs = 3000;
const unhealthyLimit = 3;
const executors = ["shell", "docker"];

interface Known {
  lastUpdate?: string;
  /** The number of consecutive refused requests. */
  refused: number;
  jobs: number;
}

/** Runs until a signal, or until the configuration becomes one that it refuses to start with. */
export async function run(given: Given, path: string): Promise<void> {
  const runs = new Runs(path, one(given, "working-directory") || process.cwd(), one(given, "user"));
  process.on("SIGHUP", () => runs.load());
  process.on("SIGQUIT", () => runs.drain());
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => runs.abort(signal));
  log("info", `Starting multi-runner from ${path}...`, { builds: 0, max_builds: 0 });
  runs.load(true);
  log("info", "listen_address not defined, metrics & debug endpoints disabled", { builds: 0, max_builds: 1 });
  log("info", "[session_server].listen_address not defined, session endpoints disabled", { builds: 0, max_builds: 1 });
  log("info", "Initializing executor providers", { builds: 0, max_builds: 1 });
  setInterval(() => runs.look(), lookMs);
  await runs.ask();
}

class Runs {
  private config: Config = newConfig();
  private loadedMs = 0;
  /** The modification time of an invalid file. Its error is logged once until the file changes. */
  private brokenMs = -1;
  private ending = false;
  private readonly known = new Map<string, Known>();
  private readonly aborts = new Set<AbortController>();
  private wake: () => void = () => {};

  constructor(
    private readonly path: string,
    private readonly dir: string,
    private readonly user: string,
  ) {}

  private get builds(): number {
    return this.aborts.size;
  }

  private get concurrent(): number {
    return Number(this.config.globals.concurrent ?? 1);
  }

  load(first = false): void {
    let config: Config | null = null;
    try {
      config = readConfig(this.path);
      const level = String(config?.globals.log_level ?? "");
      if (level !== "" && !setLog("level", level)) {
        throw new Error(`failed to parse log level: not a valid logrus Level: ${JSON.stringify(level)}`);
      }
    } catch (error) {
      const { message } = error as Error;
      if (first) throw new Refused("fatal", "Service run failed", { error: message });
      log("error", `Failed to load config ${message}`, { builds: this.builds, max_builds: this.concurrent });
      return;
    }
    if (config === null) {
      this.tellMissing();
      return;
    }
    this.loadedMs = this.changedMs();
    this.config = config;
    systemId(this.path);
    if (this.concurrent === 0) {
      throw new Refused("fatal", "'concurrent = 0' means that no jobs will be processed");
    }
    this.known.clear();
    log("info", "Configuration loaded", { builds: this.builds, max_builds: first ? 0 : this.concurrent });
    for (const each of config.runners) this.doubt(each);
    this.wake();
  }

  private doubt(runner: Runner): void {
    const fields = { runner: short(runner.token), runner_name: runner.name };
    if (runner.token.trim() === "") {
      log("warning", "Runner token is empty or whitespace; this runner will be skipped during job polling.", fields);
    }
    if (Number(runner.request_concurrency ?? 1) === 1) {
      log("warning", "CONFIGURATION: Long polling issues detected.", fields);
    }
  }

  private tellMissing(): void {
    log("error", `Failed to load config stat ${this.path}: no such file or directory`, {
      builds: this.builds,
      max_builds: this.concurrent,
    });
  }

  private changedMs(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.mtimeMs ?? -1;
  }

  /** Reloads a newer file only. A file that was restored with its old modification time is ignored until SIGHUP. */
  look(): void {
    const now = this.changedMs();
    if (now === -1) {
      this.tellMissing();
      return;
    }
    if (now <= this.loadedMs || now === this.brokenMs) return;
    this.load();
    if (this.loadedMs !== now) this.brokenMs = now;
  }

  drain(): void {
    if (this.builds > 0) {
      log("warning", "Starting graceful shutdown, waiting for builds to finish", {
        StopSignal: "quit",
        builds: this.builds,
      });
    }
    this.ending = true;
    this.endWhenIdle();
  }

  abort(signal: string): void {
    const said =
      "Graceful shutdown not finished properly. To gracefully clean up running plugins please use SIGQUIT (ctrl-\\) instead of SIGINT (ctrl-c)";
    const StopSignal = signal === "SIGINT" ? "interrupt" : "terminated";
    log("warning", said, { StopSignal, error: `received stop signal: ${StopSignal}` });
    log("warning", "Starting forceful shutdown", { StopSignal, "shutdown-timeout": "30s" });
    this.ending = true;
    for (const each of this.aborts) each.abort();
    this.endWhenIdle();
  }

  private endWhenIdle(): void {
    if (!this.ending || this.builds > 0) return;
    log("info", "All workers stopped.", { builds: 0 });
    process.exit(0);
  }

  /** Requests jobs for each runner once per interval, one after the other. */
  async ask(): Promise<void> {
    for (let at = 0; ; at++) {
      const { runners, globals } = this.config;
      const interval = (Number(globals.check_interval ?? 0) || 3) * 1000;
      const runner = runners[at % Math.max(1, runners.length)];
      if (runner !== undefined && !this.ending) void this.askFor(runner);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.wake = resolve;
      await Promise.race([promise, Bun.sleep(interval / Math.max(1, runners.length))]);
    }
  }

  private async askFor(runner: Runner): Promise<void> {
    const { url, token, executor, name } = runner;
    const state = this.known.get(token + url) ?? { refused: 0, jobs: 0 };
    this.known.set(token + url, state);
    const limit = Number(runner.limit ?? 0);
    if (token.trim() === "" || state.refused >= unhealthyLimit) return;
    if (this.builds >= this.concurrent || (limit > 0 && state.jobs >= limit)) return;
    const fields = { runner: short(token), runner_name: name };
    if (!executors.includes(executor)) {
      log("error", `Executor ${JSON.stringify(executor)} is not known; marking Runner as unhealthy`, fields);
      state.refused = unhealthyLimit;
      return;
    }
    const info = { info: infoOf(executor), token, system_id: systemId(this.path) };
    const body = { ...info, ...(state.lastUpdate && { last_update: state.lastUpdate }) };
    const asked = { method: "POST", url, path: "jobs/request", token, body, ...caOf(runner), once: true } as const;
    const answer = await ask(asked);
    const update = answer.headers.get("X-GitLab-Last-Update");
    if (update) state.lastUpdate = update;
    if (answer.status === 201 || answer.status === 204) state.refused = 0;
    if (answer.status === 201 && answer.json !== null) return this.take(runner, answer.json as unknown as Job, state);
    if (answer.status === 204) return;
    if (answer.status === 403) log("error", "Checking for jobs... forbidden", { ...fields, status: answer.outcome });
    else if (answer.outcome.startsWith("only http")) {
      log("error", "Checking for jobs... client error", { ...fields, status: answer.outcome });
    } else {
      log("warning", "Checking for jobs... failed", { ...fields, status: answer.outcome });
      return;
    }
    state.refused += 1;
    if (state.refused < unhealthyLimit) return;
    const counts = { unhealthy_requests: state.refused, unhealthy_requests_limit: unhealthyLimit };
    const disabled = `Runner ${JSON.stringify(url + short(token))} is unhealthy and will be disabled for 1h0m0s seconds!`;
    log("error", disabled, counts);
  }

  private async take(runner: Runner, job: Job, state: Known): Promise<void> {
    const abort = new AbortController();
    this.aborts.add(abort);
    state.jobs += 1;
    log("info", "Checking for jobs... received", { job: job.id, repo_url: job.git_info?.repo_url ?? "" });
    try {
      await runJob(runner, job, { dir: this.dir, user: this.user, signal: abort.signal });
    } finally {
      this.aborts.delete(abort);
      state.jobs -= 1;
      this.endWhenIdle();
      this.wake();
    }
  }
}
