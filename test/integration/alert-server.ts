// A web server that receives the alerts of a test host. It is a process of its own: a test waits for programs of the
// host without answering requests meanwhile.

import { createHmac } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Receivers are told apart by the first word of the path. The server can be down for a while. */
export class AlertServer implements Disposable {
  readonly #dir = mkdtempSync(`${tmpdir()}/edox-alerts-`);
  readonly #hostname: string;
  #process: Bun.Subprocess | undefined;
  #received: Received[] = [];
  port = 0;

  constructor(hostname: string) {
    this.#hostname = hostname;
    writeFileSync(`${this.#dir}/received`, "");
  }

  /** Starts the server, at the same port as before. */
  async start(): Promise<void> {
    const argv = [process.execPath, import.meta.path, this.#hostname, String(this.port), `${this.#dir}/received`];
    const child = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    this.#process = child;
    const { value } = await child.stdout.getReader().read();
    this.port = Number(new TextDecoder().decode(value));
  }

  /** Refuses connections from now on. */
  async stop(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Returns what a receiver has got, and forgets it. */
  take(name: string): Received[] {
    const path = `${this.#dir}/received`;
    const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
    writeFileSync(path, "");
    this.#received.push(...lines.map((line) => JSON.parse(line) as Received));
    const isOwn = (each: Received): boolean => each.path.startsWith(`/${name}/`);
    const own = this.#received.filter(isOwn);
    this.#received = this.#received.filter((each) => !isOwn(each));
    return own;
  }

  [Symbol.dispose](): void {
    this.#process?.kill("SIGKILL");
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Returns the events of messages to a webhook: "failing nginx:active". Throws for a signature that is not of this key. */
export function eventsOf(messages: readonly Received[], key: string): string[] {
  return messages.flatMap(({ headers, body }) => {
    const expected = `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
    if (headers["x-edox-signature"] !== expected) throw new Error(`wrong signature of ${body}`);
    const { events } = JSON.parse(body) as { events: { kind: string; check: string }[] };
    return events.map(({ kind, check }) => `${kind} ${check}`);
  });
}

if (import.meta.main) {
  const [hostname = "", port = "0", path = ""] = process.argv.slice(2);
  const server = Bun.serve({
    ...{ hostname, port: Number(port) },
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const received: Received = {
        path: pathname,
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
      };
      appendFileSync(path, `${JSON.stringify(received)}\n`);
      return new Response("");
    },
  });
  console.log(server.port);
}
