// Runs the installer as an operator does: a shell reads the script from a pipe.

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { Ended } from "../integration/run.ts";

export const shells = { dash: ["dash"], busybox: ["busybox", "sh"], bash: ["bash"] } as const;
export type Shell = keyof typeof shells;

const usual = "sh sed grep tail head cat cp mv rm mkdir chmod uname od dpkg dpkg-deb dpkg-query tar xz gzip sha256sum \
openssl df id sync wc flock stat readlink env".split(" ");

/** Gives the installer its own /run and certificate store, so that those of the machine do not change. */
const ownMachine = `mount --bind "$0/run" /run; mount --bind "$0/certs" /etc/ssl/certs; PATH=$INSTALL_PATH; exec "$@"`;

/** Ten seconds before the limit of a test. */
const lateMs = 110_000;

/** The environment of one test: the folder to install to, and the programs on PATH. */
export class Ground implements Disposable {
  readonly top = mkdtempSync(`${tmpdir()}/edox-install-`);
  readonly dir = `${this.top}/bin`;
  readonly target = `${this.dir}/edox-ops`;
  private readonly path = `${this.top}/path`;

  constructor(client: "curl" | "wget" | "busybox" | "none", without: readonly string[] = []) {
    mkdirSync(this.dir);
    mkdirSync(this.path);
    mkdirSync(`${this.top}/run`, { mode: 0o755 });
    mkdirSync(`${this.top}/certs`);
    for (const name of usual) if (!without.includes(name)) this.link(name, name);
    // Pauses between retries are skipped in tests.
    this.fake("sleep", '[ "$1" = 1 ] || [ "$1" = 2 ] || exec /bin/sleep "$1"');
    if (client === "busybox") this.link("busybox", "wget");
    else if (client !== "none") this.link(client, client);
  }

  private link(program: string, name: string): void {
    const found = Bun.which(program);
    if (found === null) throw new Error(`${program} is missing: sudo sh test/need.sh`);
    symlinkSync(found, `${this.path}/${name}`);
  }

  /** The names of the files in the install folder. */
  get left(): string[] {
    return readdirSync(this.dir).sort();
  }

  /** Creates a program with this name, which is found before the real one. */
  fake(name: string, script: string): void {
    rmSync(`${this.path}/${name}`, { force: true });
    writeFileSync(`${this.path}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /**
   * Runs the installer. `authority`: the certificate of the server's authority. `until`: sends Ctrl-C when it resolves.
   * `within`: a script that runs the installer as `"$@"`, as root in its own mount namespace.
   */
  async install(
    script: string,
    authority: string,
    more: {
      shell?: Shell;
      env?: Record<string, string>;
      args?: readonly string[];
      within?: string;
      until?: Promise<unknown>;
    } = {},
  ): Promise<Ended> {
    const [program = "", ...words] = shells[more.shell ?? "dash"];
    const handed = more.args ? ["-s", "--", ...more.args] : [];
    const argv = [Bun.which(program) ?? program, ...words, ...handed];
    const unshared = ["unshare", "--mount", ...(process.geteuid?.() === 0 ? [] : ["--map-root-user"])];
    const inside = [...unshared, "/bin/sh", "-euc", ownMachine, this.top];
    const within = more.within === undefined ? [] : ["/bin/sh", "-euc", more.within, "sh"];
    this.trust(authority);
    const env = { HOME: this.top, EDOX_INSTALL_DIR: this.dir, ...more.env };
    // Set here, because a shell drops the functions that bash exports.
    const environment = ["/usr/bin/env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
    // The process gets a session of its own, as on a terminal.
    const child = Bun.spawn(["setsid", ...inside, ...within, ...environment, ...argv], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", INSTALL_PATH: this.path },
      stdin: new Blob([script]),
      stdout: "pipe",
      stderr: "pipe",
    });
    void more.until?.then(() => process.kill(-child.pid, "SIGINT"));
    const late = setTimeout(() => console.error(`the installer still runs:\n${processesOf(child.pid)}`), lateMs);
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    clearTimeout(late);
    return { code, stdout, stderr };
  }

  /** Installs the certificate under both names by which OpenSSL finds it. */
  private trust(authority: string): void {
    const certs = `${this.top}/certs`;
    copyFileSync(authority, `${certs}/ca-certificates.crt`);
    const { stdout } = Bun.spawnSync(["openssl", "x509", "-noout", "-hash", "-in", authority]);
    copyFileSync(authority, `${certs}/${stdout.toString().trim()}.0`);
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

/** Returns a line for each process of a session: its number, its state, what it waits for in the kernel, and its words. */
function processesOf(session: number): string {
  const lines = readdirSync("/proc").map((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [state, , , owner] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (owner !== String(session)) return "";
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      return `${pid} ${state} ${readFileSync(`/proc/${pid}/wchan`, "latin1")} ${words}\n`;
    } catch {
      // It is no process, or has ended.
      return "";
    }
  });
  return lines.join("");
}
