// A test host with a real sshd, for proofs of logins. This machine is the operator's: it connects from outside.

import { afterAll, afterEach, beforeEach, expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Proof } from "../../src/hardening/proof/prove.ts";
import type { SshSession } from "../../src/ssh/session.ts";
import type { Suite } from "./base.ts";
import type { Guarded } from "./guarded-run.ts";
import { type Ended, must, run } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { withSsh } from "./with-ssh.ts";

const program = "/usr/local/bin/guarded-run.js";
/** With Bun's own name, since systemd may run it. */
const bun = "/usr/local/bin/bun";

/** What a guarded step ended with. */
interface GuardResult {
  outcome: string;
  code?: string;
  message?: string;
  hint?: string[];
  notes?: string[];
  /** The time from the failed proof until all was rolled back. */
  restoredMs?: number;
}

interface Client {
  user?: string;
  address?: string;
  port?: number;
}

export class ProofHost implements Disposable {
  private constructor(
    readonly host: TestHost,
    private readonly dir: string,
  ) {}

  remembered = "";

  static async up(suite: Suite): Promise<ProofHost> {
    const dir = mkdtempSync(`${tmpdir()}/edox-proof-`);
    must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${dir}/key`]);
    const entrypoints = [`${import.meta.dir}/guarded-run.ts`];
    const built = await Bun.build({ entrypoints, outdir: dir, target: "bun" });
    if (!built.success) throw new Error("guarded-run.ts cannot be built");
    const host = await TestHost.up(suite, { state: await withSsh(suite) });
    const proof = new ProofHost(host, dir);
    try {
      host.put(process.execPath, bun);
      host.put(`${dir}/guarded-run.js`, program);
      proof.addUser("admin", "sudo");
      // OpenSSH 9.8 and newer ban an address after a few logins that fail, as those of these tests do.
      const penalties = "/etc/ssh/sshd_config.d/00-penalties.conf";
      proof.sh(`echo 'PerSourcePenalties no' >${penalties}; sshd -t || rm ${penalties}; systemctl restart ssh`);
      return proof;
    } catch (error) {
      proof[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.host.down();
    rmSync(this.dir, { recursive: true });
  }

  /** The public key of the operator, as a line of authorized_keys. */
  get publicKey(): string {
    return must(["cat", `${this.dir}/key.pub`]).trim();
  }

  /** Runs a script without a unit of its own, which takes a second. */
  private sh(script: string): Ended {
    return this.host.raw(["/bin/bash", "-c", script]);
  }

  must(script: string): string {
    const { code, stdout, stderr } = this.sh(script);
    if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
    return stdout;
  }

  /** Adds a user with the operator's key. `sudo`: becomes root without a password. `options`: those of the key. */
  addUser(name: string, sudo?: "sudo", options = ""): void {
    const keys = `/home/${name}/.ssh`;
    this.must(`useradd -m -s /bin/bash ${name} && install -d -m 700 -o ${name} -g ${name} ${keys}`);
    writeFileSync(`${this.host.root}${keys}/authorized_keys`, `${options}${options && " "}${this.publicKey}\n`);
    this.must(`chown ${name}: ${keys}/authorized_keys && chmod 600 ${keys}/authorized_keys`);
    if (sudo) this.must(`echo '${name} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/${name}`);
  }

  /** Removes all that a test has added, and starts sshd again, however often systemd has started it. */
  reset(): void {
    const users = `for user in $(ls /home | grep -vx admin); do userdel -rf "$user"; rm -rf "/home/$user"; done`;
    this.sh(`${users}; rm -rf /etc/ssh/sshd_config.d/test.conf /root/.ssh`);
    this.must("systemctl reset-failed ssh; systemctl restart ssh");
  }

  /** Returns the command line of a real session from this machine. */
  session(words: readonly string[], { user = "admin", address = this.host.address, port = 22 }: Client = {}): string[] {
    const options = ["BatchMode=yes", "LogLevel=ERROR", "ConnectTimeout=3", "StrictHostKeyChecking=no"];
    const all = [...options, "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"].flatMap((each) => ["-o", each]);
    return [
      "ssh",
      "-F",
      "none",
      "-n",
      "-i",
      `${this.dir}/key`,
      ...all,
      "-p",
      `${port}`,
      `${user}@${address}`,
      ...words,
    ];
  }

  /** Returns whether a real session from this machine succeeds. */
  logsIn(client: Client = {}): boolean {
    return run(this.session(["true"], client)).code === 0;
  }

  /** Proves from a session of the operator. */
  prove(client?: Client): Proof {
    return this.inSession(["prove"], client);
  }

  sshSession(client?: Client): SshSession | null {
    return this.inSession(["session"], client);
  }

  /** Applies a guarded step from a session of the operator. */
  guard(step: Guarded, client?: Client): GuardResult {
    return this.inSession(["guard", `'${JSON.stringify(step).replaceAll("'", "'\\''")}'`], client);
  }

  private inSession<T>(words: readonly string[], client?: Client): T {
    return parsed(run(this.session(["sudo", bun, program, ...words], client)));
  }

  /** Runs an action on the console of the host, where there is no session. */
  onConsole<T>(...words: string[]): T {
    return this.onConsoleAs([], ...words);
  }

  /** The same by a program that starts it, such as one that drops capabilities. */
  onConsoleAs<T>(by: readonly string[], ...words: string[]): T {
    return parsed(this.host.raw([...by, bun, program, ...words]));
  }

  /** Starts an action in a unit of its own, and returns at once. */
  start(unit: string, ...words: string[]): void {
    const argv = ["systemd-run", "--quiet", `--unit=${unit}`, "--", bun, program, ...words];
    const { code, stderr } = this.host.raw(argv.map((word) => word.replaceAll("$", "$$$$")));
    if (code !== 0) throw new Error(stderr);
  }

  /** Returns what a proof may leave: links, rules, journals, units, files, lines; "" if there is nothing. */
  remains(): string {
    const lines = "grep -rsl edox-ops-probe /home/*/.ssh /root/.ssh /etc/ssh";
    const files = "ls -A /run/edox-ops /var/lib/edox-ops/journal | grep -E 'probe|host'| grep -v '^host.lock$'";
    const units = "ls /etc/systemd/system /run/systemd/system | grep edox-ops";
    const network = "ip -br link | grep probe; ip rule show table 4019; ip -6 rule show table 4019; ip netns list";
    return this.sh(`${lines}; ${files}; ${units}; ${network}; pgrep -fa 'probe-ke[y]'`).stdout;
  }

  /** Returns the users of a proof. */
  names({ logins }: Proof): string[] {
    return [...new Set(logins.map(({ user }) => user.name))].sort();
  }

  /** Remembers the keys that a test must not change, for {@link aroundEach}. */
  rememberKeys(): void {
    this.remembered = this.keys();
  }

  /** Returns a digest of type, mode, owner, size and content of all that belongs to SSH in the homes. */
  keys(): string {
    return this.must(
      "find /home /root -path '*/.ssh*' -printf '%p %y %m %U:%G %s\\n' | sort | sha256sum; find /home /root -path '*/.ssh/*' -type f -print0 | sort -z | xargs -0r cat | sha256sum",
    );
  }
}

/** Has each test of a host leave nothing of its proofs, and no other keys than it found. Stops the host at the end. */
export function aroundEach(host: () => ProofHost): void {
  beforeEach(() => host().rememberKeys());
  afterEach(() => {
    expect(host().remains()).toBe("");
    expect(host().keys()).toBe(host().remembered);
    host().reset();
  });
  afterAll(() => host()?.[Symbol.dispose]());
}

function parsed<T>({ stdout, stderr }: Ended): T {
  try {
    return JSON.parse(stdout) as T;
  } catch {
    throw new Error(`no result: ${stdout}${stderr}`);
  }
}
