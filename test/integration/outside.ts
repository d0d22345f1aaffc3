// Clients of a test host that reach it over its link: what they can connect to, and log in to.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { type Ended, must, run } from "./run.ts";
import type { TestHost } from "./test-host.ts";

const limitMs = 700;

/** An address of the host, and of a client that connects to it. */
export interface Way {
  to: string;
  from: string;
}

/** Returns whether a packet to the port gets an answer: a connection, or a refusal because no program listens. */
function answers({ to, from }: Way, port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect({ host: to, port, localAddress: from });
  const timer = setTimeout(() => resolve(false), limitMs);
  socket.once("connect", () => resolve(true));
  socket.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") resolve(true);
    else if (error.code !== "ETIMEDOUT") reject(error);
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** Returns those of the ports that are open from outside. */
export async function openPorts(way: Way, ports: readonly number[]): Promise<number[]> {
  const open = await Promise.all(ports.map((port) => answers(way, port)));
  return ports.filter((_, index) => open[index]);
}

/** Returns the same for each of these ways, by name. */
export async function openOn<Name extends string>(
  ways: Record<Name, Way>,
  ports: readonly number[],
): Promise<Record<Name, number[]>> {
  const names = Object.keys(ways) as Name[];
  const open = await Promise.all(names.map(async (name) => [name, await openPorts(ways[name], ports)] as const));
  return Object.fromEntries(open) as Record<Name, number[]>;
}

/** A client of the SSH server that has a key of root. */
export class SshClient implements Disposable {
  private readonly dir = mkdtempSync(`${tmpdir()}/edox-outside-`);

  constructor(private readonly host: TestHost) {
    must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${this.dir}/key`]);
  }

  get publicKey(): string {
    return readFileSync(`${this.dir}/key.pub`, "utf8");
  }

  argv(port: number, from: string, words: readonly string[]): string[] {
    const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=2"];
    const flags = [...options, "LogLevel=ERROR"].flatMap((each) => ["-o", each]);
    const target = ["-i", `${this.dir}/key`, "-b", from, "-p", String(port), `root@${this.host.address}`];
    return ["ssh", "-F", "none", ...flags, ...target, ...words];
  }

  /** Logs in from this address, and runs a command. */
  login(port: number, from: string, ...words: string[]): Ended {
    return run(["timeout", "60", ...this.argv(port, from, words.length === 0 ? ["true"] : words)]);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
  }
}
