// A host with two served sites and a deploy key, whose sessions run in this process.

import type { DeployKey } from "../../src/deploy-keys/record.ts";
import type { Host } from "../../src/host/host.ts";
import type { Trees } from "../../src/host/trees.ts";
import { typed, variables } from "../cli/typed.ts";
import { SiteHost } from "../sites/site-host.ts";

const settings = { max_size: 2 ** 31, max_files: 1000, rate: 1000 };
const keysPath = "/etc/edox-ops/deploy-keys.json";

/** What a client sends: its command line, and its stdin in pieces. */
export interface Client {
  id?: string | undefined;
  request?: string | undefined;
  stdin?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  connection?: string;
  /** The error code of stdout. */
  broken?: string;
}

export class KeysHost implements Disposable {
  private constructor(readonly site: SiteHost) {}

  static async up(): Promise<KeysHost> {
    const made = new KeysHost(await SiteHost.bootstrapped());
    const { disk, fake } = made.site;
    disk.write("/srv/site/index.html", "home");
    for (const slug of ["demo", "other"]) {
      const { exit, err } = await made.site.type(`project publish ${slug} --domain ${slug}.test --source /srv/site`);
      if (exit !== 0) throw new Error(err);
    }
    fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    await made.add("demo --generate");
    return made;
  }

  get host(): Host {
    return this.site.host;
  }

  /** Adds a key as an admin types it. */
  async add(words: string) {
    const added = await this.site.type(`project key add ${words}`);
    if (added.exit !== 0) throw new Error(added.err);
    return added;
  }

  /** Changes the recorded keys. */
  edit(change: (key: DeployKey) => void): void {
    const record = JSON.parse(this.site.fake.text(keysPath) ?? "");
    for (const key of record.keys) change(Object.assign(key, settings));
    this.site.fake.put(keysPath, JSON.stringify(record), { mode: 0o600 });
  }

  /** Runs a session as sshd and sudo do, and returns its exit code and output. `read`: whether stdin was read. */
  async session({ id = "demo/ci", request, stdin = [], connection = "192.0.2.7 40000 192.0.2.1 22", broken }: Client) {
    let read = false;
    const pieces = (async function* () {
      read = true;
      yield* stdin;
    })();
    const { trees } = this.site;
    const fed: Trees = { ...trees, unpack: (from, ...more) => trees.unpack(from === "-" ? pieces : from, ...more) };
    const names = { EDOX_OPS_KEY: id, SSH_ORIGINAL_COMMAND: request, SSH_CONNECTION: connection };
    for (const [name, value] of Object.entries(names)) if (value !== undefined) variables[name] = value;
    try {
      const ended = await typed("deploy-session", this.host, undefined, broken, undefined, fed);
      return { ...ended, read };
    } finally {
      for (const name of Object.keys(names)) delete variables[name];
    }
  }

  /** Returns the whole state of the host, without the logs, the locks and the count of deploys. */
  state(): Record<string, string> {
    const all = Object.entries(this.site.snapshot());
    return Object.fromEntries(all.filter(([path]) => !path.startsWith("/var/log/") && !path.startsWith("/run/")));
  }

  log(): string[] {
    return (this.site.fake.text("/var/log/edox-ops/deploy-keys.log") ?? "").split("\n").filter(Boolean);
  }

  [Symbol.dispose](): void {
    this.site[Symbol.dispose]();
  }
}
