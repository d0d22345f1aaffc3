// A small GitLab for tests: what a runner asks of it, with the answers and refusals of the real one, and a way to make it
// answer otherwise. A process of its own, since the one that runs the hosts waits for them; it ends with that one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { certify } from "./certificate.ts";
import { respond, state } from "./gitlab-api.ts";

export { tokens } from "./gitlab-api.ts";

/** In the place of the real answer. */
export interface Answer {
  /** Part of a path, `/runners/verify`; every request where it is missing. */
  path?: string;
  /** How often; once where it is missing. */
  times?: number;
  /** Waits before it answers. */
  delayMs?: number;
  /** The real answer comes, after the delay, where it is missing. */
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
  /** Only the runner with this token gets it. */
  token?: string;
}

export interface JobState {
  id: number;
  state: "pending" | "running" | "success" | "failed" | "canceled";
  trace: string;
  failureReason?: string;
  exitCode?: number;
}

interface Place {
  /** This machine's, as the host sees it. */
  address: string;
  tls?: boolean;
}

export class GitLab implements Disposable {
  /** Up when it returns. With `tls` it has a certificate for its address and for `gateway`, by an authority of its own. */
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
    /** Of the authority that its certificate is by; there with `tls` only. */
    readonly caPath: string,
    private readonly control: string,
  ) {}

  /** The next requests are answered like this, one after the other; what was said before is forgotten. */
  async answer(...answers: Answer[]): Promise<void> {
    await this.tell("answer", answers);
  }

  /** All since it started, in their order, also those that were answered otherwise. */
  async requests(path = ""): Promise<Asked[]> {
    return ((await this.tell("requests")) as Asked[]).filter((each) => each.path.includes(path));
  }

  /** A runner that somebody made in the web interface: its token, of the kind that `register --token` takes. */
  async addRunner(token?: string): Promise<string> {
    return (await this.tell("runner", token)) as string;
  }

  /** From now on this token is refused, of whatever kind it is. */
  async refuse(token: string): Promise<void> {
    await this.tell("refuse", token);
  }

  /** As an instance where registration tokens are switched off, which is the default since GitLab 17. */
  async disallowRegistrationTokens(): Promise<void> {
    await this.tell("disallow");
  }

  async addJob(job: WantedJob): Promise<number> {
    return (await this.tell("job", job)) as number;
  }

  async job(id: number): Promise<JobState> {
    return (await this.tell("state", id)) as JobState;
  }

  /** When it came to one of these states. */
  async jobUntil(id: number, states: JobState["state"][], limitMs = 30_000): Promise<JobState> {
    for (const end = Date.now() + limitMs; ; await Bun.sleep(100)) {
      const job = await this.job(id);
      if (states.includes(job.state)) return job;
      if (Date.now() > end) throw new Error(`job ${id} is ${job.state}\n${job.trace}`);
    }
  }

  private async tell(what: string, value?: unknown): Promise<unknown> {
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
