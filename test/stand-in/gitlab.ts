// A small GitLab for tests: it responds to a runner like the real one, refusals included, or as a test plans. It is a
// separate process, because the one that runs the hosts blocks on them, and it ends with that one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { certify } from "./certificate.ts";
import { respond, state } from "./gitlab-api.ts";

export { tokens } from "./gitlab-api.ts";

/** A planned response in place of the real one. */
export interface Answer {
  /** Part of a path, such as `/runners/verify`. Without it, every request matches. */
  path?: string;
  /** How many times it applies. The default is once. */
  times?: number;
  /** The delay before the response. */
  delayMs?: number;
  /** The status. Without it, the real response follows after the delay. */
  status?: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: string | object;
}

export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface WantedJob {
  script: string[] | string;
  image?: string;
  variables?: Record<string, string>;
  /** Only the runner with this token receives the job. */
  token?: string;
  /** The number of its project. The default is 1. */
  project?: number;
  /** Whether its branch or tag is protected. The default is true. */
  isProtected?: boolean;
}

/**
 * What the owner of a runner sets in GitLab. `runners/verify` shows none of it. Its lock is not among it: that forbids
 * to assign further projects, and changes nothing about the jobs that it receives.
 */
export interface RunnerSettings {
  /** It receives no job. */
  paused?: boolean;
  /** `ref_protected`: it receives the jobs of protected branches and tags only. */
  accessLevel?: "not_protected" | "ref_protected";
  /** It receives the jobs of this project only. */
  project?: number | undefined;
}

export interface JobState {
  id: number;
  state: "pending" | "running" | "success" | "failed" | "canceled";
  trace: string;
  failureReason?: string;
  exitCode?: number;
}

interface Place {
  /** This machine's address, as seen by the host. */
  address: string;
  tls?: boolean;
}

export class GitLab implements Disposable {
  /**
   * Starts the server and returns when it listens. With `tls` it has a certificate of a private authority for its
   * address and for `gateway`.
   */
  static async start({ address, tls = false }: Place): Promise<GitLab> {
    const dir = mkdtempSync(`${tmpdir()}/edox-gitlab-`);
    if (tls) certify(dir, address);
    const argv = [process.execPath, import.meta.path, address, tls ? dir : ""];
    const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    child.unref();
    for await (const chunk of child.stdout) {
      const [port, control] = JSON.parse(new TextDecoder().decode(chunk)) as number[];
      const url = `${tls ? "https" : "http"}://${address}:${port}`;
      return new GitLab(child, url, `${dir}/ca.pem`, `http://127.0.0.1:${control}`);
    }
    throw new Error("the stand-in for GitLab did not start");
  }

  private constructor(
    private readonly child: Bun.Subprocess,
    readonly url: string,
    /** The authority of its certificate. It exists only with `tls`. */
    readonly caPath: string,
    private readonly control: string,
  ) {}

  /** Plans the responses to the next requests, in order. Earlier plans are discarded. */
  async answer(...answers: Answer[]): Promise<void> {
    await this.command("answer", answers);
  }

  /** Returns all requests since the start in order, including those with a planned response. */
  async requests(path = ""): Promise<Asked[]> {
    return ((await this.command("requests")) as Asked[]).filter((each) => each.path.includes(path));
  }

  /**
   * Registers a runner as in the web interface, or changes the settings of a known one. Returns its token, which
   * `register --token` accepts.
   */
  async addRunner(token?: string, settings: RunnerSettings = {}): Promise<string> {
    return (await this.command("runner", { token, settings })) as string;
  }

  /** Refuses this token from now on, of any kind. */
  async refuse(token: string): Promise<void> {
    await this.command("refuse", token);
  }

  /** Disables registration tokens, which is the default since GitLab 17. */
  async disallowRegistrationTokens(): Promise<void> {
    await this.command("disallow");
  }

  async addJob(job: WantedJob): Promise<number> {
    return (await this.command("job", job)) as number;
  }

  async job(id: number): Promise<JobState> {
    return (await this.command("state", id)) as JobState;
  }

  /** Waits until the job has one of these states, and returns it. */
  async jobUntil(id: number, states: JobState["state"][], limitMs = 30_000): Promise<JobState> {
    for (const end = Date.now() + limitMs; ; await Bun.sleep(100)) {
      const job = await this.job(id);
      if (states.includes(job.state)) return job;
      if (Date.now() > end) throw new Error(`job ${id} is ${job.state}\n${job.trace}`);
    }
  }

  private async command(what: string, value?: unknown): Promise<unknown> {
    const response = await fetch(`${this.control}/${what}`, { method: "POST", body: JSON.stringify(value ?? null) });
    return response.json();
  }

  [Symbol.dispose](): void {
    this.child.kill();
    rmSync(this.caPath.replace(/\/ca\.pem$/, ""), { recursive: true, force: true });
  }
}

function serve(hostname: string, dir: string): (number | undefined)[] {
  const tls = { cert: Bun.file(`${dir}/cert.pem`), key: Bun.file(`${dir}/key.pem`) };
  const options = { hostname, port: 0, idleTimeout: 120, fetch: respond };
  const server = dir === "" ? Bun.serve(options) : Bun.serve({ ...options, tls });
  const control = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      return Response.json(state.steer(new URL(request.url).pathname.slice(1), await request.json()) ?? null);
    },
  });
  return [server.port, control.port];
}

if (import.meta.main) {
  const [address = "", dir = ""] = process.argv.slice(2);
  process.stdin.on("end", () => process.exit()).resume();
  console.log(JSON.stringify(serve(address, dir)));
}
