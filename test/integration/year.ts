// A simulated year of certificates. libfaketime moves the clock of certbot and of pebble: certbot runs on it, and so does
// qemu, which runs pebble, because a Go program asks the kernel itself. The machine's clock and nginx's stay.
//
// What is not as in reality: certbot's modules are loaded once, and each run is a fork of that process with the command's
// own entry point. Its clock runs faster while it waits for pebble. Everything else is Debian's, unchanged.

import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:tls";
import { Dns } from "./dns.ts";
import { become, certificatePath, installPebble, runPebble } from "./pebble.ts";
import type { TestHost } from "./test-host.ts";

export const daySeconds = 86_400;
const clockPath = "/srv/clock";
const fastClockPath = "/srv/clock-fast";
const library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const portOf = (days: number): number => 14000 + days;

/** Reads the arguments of a run from each line, and prints its exit code. */
const certbotRuns = `
import os, sys
from certbot import main
from certbot._internal.plugins import disco

disco.PluginsRegistry.find_all()
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            sys.argv = ["certbot", *line.split()]
            code = main.main(sys.argv[1:]) or 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
`;

export interface Served {
  serial: string;
  /** Seconds of the epoch. */
  from: number;
  to: number;
}

/** Moves the clocks of certbot on a host and of its authorities, which are on the same host or on another. */
export class Year implements Disposable {
  private readonly startMs = Date.now();
  private offsetSeconds = 0;
  private readonly certbot: Bun.Subprocess<"pipe", "pipe", Bun.BunFile>;
  private readonly answers: AsyncIterator<string>;

  /** Starts the process whose forks run certbot. certbot has to be installed. */
  constructor(
    private readonly host: TestHost,
    private readonly ca: TestHost,
    private readonly lifetimes: readonly number[],
  ) {
    writeFileSync(`${host.root}/srv/certbot-runs.py`, certbotRuns);
    const variables = [`FAKETIME_TIMESTAMP_FILE=${fastClockPath}`, "FAKETIME_NO_CACHE=1", `LD_PRELOAD=${library}`];
    const argv = host.entering(["env", "-C", "/root", "HOME=/root", ...variables, "python3", "/srv/certbot-runs.py"]);
    const stderr = Bun.file(`${host.root}/srv/certbot-runs.log`);
    this.certbot = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr });
    this.answers = lines(this.certbot.stdout);
  }

  /**
   * Starts an authority for each lifetime, in days. `ca` has to be a Debian 12, whose emulator of the same architecture
   * loads libraries, and may be the host itself. `domains` lead to the host.
   */
  static prepare(host: TestHost, ca: TestHost, lifetimes: readonly number[], domains: readonly string[]): void {
    const install = (each: TestHost, packages: string): void => {
      const { code, stderr } = each.sh(`apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends ${packages}`);
      if (code !== 0) throw new Error(`${packages} cannot be installed: ${stderr}`);
    };
    install(ca, "ca-certificates curl openssl qemu-user");
    for (const each of new Set([host, ca])) {
      install(each, "faketime");
      for (const path of [clockPath, fastClockPath]) writeFileSync(`${each.root}${path}`, "+0\n");
    }
    installPebble(ca);
    if (ca !== host) {
      writeFileSync(`${host.root}${certificatePath}`, readFileSync(`${ca.root}${certificatePath}`));
      host.sh(`echo ${ca.address} pebble >>/etc/hosts; update-ca-certificates`);
    }
    const dns = new Dns(ca);
    dns.start([...new Set([host, ca])]);
    for (const domain of domains) dns.set(domain, { a: [host.address] });
    const environment = {
      FAKETIME_TIMESTAMP_FILE: clockPath,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      LD_PRELOAD: library,
    };
    for (const days of lifetimes) {
      const process = { port: portOf(days), address: "0.0.0.0", lifetimeSeconds: days * daySeconds };
      runPebble(ca, { ...process, under: ["/usr/bin/qemu-x86_64"], environment });
    }
  }

  /** The simulated time, in seconds of the epoch. */
  get now(): number {
    return this.startMs / 1000 + this.offsetSeconds;
  }

  /** Returns the directory of the authority with this lifetime. */
  static directory(days: number): string {
    return `https://pebble:${portOf(days)}/dir`;
  }

  /** Moves the clocks to this many seconds after the start. */
  moveTo(seconds: number): void {
    // The real seconds that passed are not simulated ones.
    this.offsetSeconds = seconds;
    const offset = Math.round(seconds - (Date.now() - this.startMs) / 1000);
    const sign = offset < 0 ? "" : "+";
    for (const each of new Set([this.host, this.ca])) writeFileSync(`${each.root}${clockPath}`, `${sign}${offset}\n`);
    writeFileSync(`${this.host.root}${fastClockPath}`, `${sign}${offset} x20\n`);
  }

  /** Runs certbot at the simulated time, and returns its exit code. */
  async run(...argv: readonly string[]): Promise<number> {
    this.certbot.stdin.write(`${argv.join(" ")}\n`);
    this.certbot.stdin.flush();
    const { value } = await this.answers.next();
    return Number(value);
  }

  /** Makes all authorities refuse connections, or answer again. */
  become(state: "up" | "down"): void {
    become(this.ca, this.lifetimes.map(portOf), state);
  }

  /** Returns what nginx presents for a domain now. */
  async served(domain: string): Promise<Served> {
    const { promise, resolve, reject } = Promise.withResolvers<Served>();
    // The simulated dates are not valid now.
    const options = { host: this.host.address, port: 443, servername: domain, rejectUnauthorized: false };
    const socket = connect(options, () => {
      const { serialNumber, valid_from, valid_to } = socket.getPeerCertificate();
      resolve({ serial: serialNumber, from: Date.parse(valid_from) / 1000, to: Date.parse(valid_to) / 1000 });
      socket.end();
    });
    socket.on("error", reject);
    return promise;
  }

  [Symbol.dispose](): void {
    this.certbot.stdin.end();
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    rest += decoder.decode(piece, { stream: true });
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
      yield rest.slice(0, at);
      rest = rest.slice(at + 1);
    }
  }
}
