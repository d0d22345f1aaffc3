// People who log in to a test host from this machine with their own keys and passwords, and become root.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { addressOf, password, type State } from "./hardening-state.ts";
import { must } from "./run.ts";
import type { TestHost } from "./test-host.ts";

const names = ["root", "ann", "bob", "cyd"] as const;

/** Someone who logged in at a port of sshd, and became root. */
export interface Admin {
  name: (typeof names)[number];
  port: number;
}

const limitMs = 20_000;

export class People implements Disposable {
  private readonly dir = mkdtempSync(`${tmpdir()}/edox-people-`);
  private used = 0;
  readonly keys: Record<string, string> = {};
  /** The hash of the password. */
  readonly hash = must(["openssl", "passwd", "-6", password]).trim();

  constructor(private readonly host: TestHost) {
    for (const name of names) {
      must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", `${this.dir}/${name}`]);
      this.keys[name] = readFileSync(`${this.dir}/${name}.pub`, "utf8").trim();
    }
    writeFileSync(`${this.dir}/ask`, `#!/bin/sh\necho '${password}'\n`);
    chmodSync(`${this.dir}/ask`, 0o700);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
  }

  /** Returns those who log in now, and become root. */
  async admins(state: State): Promise<Admin[]> {
    const all = state.sshd.ports.flatMap((port) => names.map((name): Admin => ({ name, port })));
    const found = await Promise.all(all.map(async (each) => (await this.isAdmin(state, each)) && each));
    return found.filter((each) => each !== false);
  }

  private async isAdmin(state: State, admin: Admin): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      const { stdout, stderr } = await this.asRoot(state, admin, "id -u").ended;
      if (stdout === "0\n") return true;
      // sshd closes its port for a moment while it loads its files, and drops connections beyond MaxStartups, of which
      // others hold some until their denial.
      if (tries === 20 || !/Connection (refused|reset|closed)|kex_exchange/i.test(stderr)) return false;
      await Bun.sleep(300);
    }
  }

  /** Runs a command as root in a session of this person, from an address that nobody has used lately. */
  asRoot(state: State, { name, port }: Admin, command: string) {
    const options = ["LogLevel=ERROR", "ConnectTimeout=3", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    options.push("IdentitiesOnly=yes", "NumberOfPasswordPrompts=1", `BindAddress=${addressOf(this.used++)}`);
    const person = name === "root" ? state.root : state.people[name];
    const holder = "key" in person && person.key === "shared" ? "ann" : name;
    const words = ["-i", `${this.dir}/${holder}`, "-p", `${port}`, `${name}@${this.host.address}`];
    const sudo = person.hasPassword ? `printf '%s\\n' '${password}' | sudo -S -p ''` : "sudo -n";
    const argv = ["ssh", "-F", "none", "-n", ...options.flatMap((each) => ["-o", each]), ...words];
    const env = person.hasPassword
      ? { SSH_ASKPASS: `${this.dir}/ask`, SSH_ASKPASS_REQUIRE: "force" }
      : { SSH_ASKPASS_REQUIRE: "never" };
    const child = Bun.spawn(["setsid", ...argv, name === "root" ? command : `${sudo} ${command}`], {
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const timer = setTimeout(() => child.kill(), command === "id -u" ? limitMs : 20 * limitMs);
    const ended = Promise.all([child.exited, child.stdout.text(), child.stderr.text()]).then(
      ([code, stdout, stderr]) => {
        clearTimeout(timer);
        return { code, stdout, stderr };
      },
    );
    return { ended };
  }
}
