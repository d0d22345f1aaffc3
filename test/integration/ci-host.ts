// A host that can reach the stand-ins for Docker's and GitLab's repositories, and for the GitLab that it registers
// with.

import { cpSync, writeFileSync } from "node:fs";
import { GitLab } from "../stand-in/gitlab.ts";
import type { Suite } from "./base.ts";
import { type CiPackages, ciPackages } from "./ci-packages.ts";
import { type CiServer, serveFolder } from "./ci-server.ts";
import type { Disk } from "./disk.ts";
import type { Ended } from "./run.ts";
import { TestHost } from "./test-host.ts";

interface Wanted {
  /** The folder that is served in place of all packages. */
  folder?: (all: CiPackages) => string;
  disk?: Disk;
  /** Its link is down when it starts. */
  isDark?: boolean;
  /** The size of the file system of the engine; 8G by default. */
  plainSize?: string;
  /** Whether GitLab uses TLS. */
  tls?: boolean;
}

export class CiHost implements Disposable {
  private constructor(
    readonly host: TestHost,
    readonly packages: CiPackages,
    readonly server: CiServer,
    readonly gitlab: GitLab,
  ) {}

  static async up(suite: Suite, { folder, disk, isDark, plainSize, tls = true }: Wanted = {}): Promise<CiHost> {
    const packages = await ciPackages(suite);
    const plainDir = disk ? undefined : "/var/lib/docker";
    const host = await (isDark
      ? TestHost.dark(suite, disk, plainDir)
      : TestHost.bare(suite, disk, plainDir, undefined, plainSize));
    try {
      const server = await serveFolder(folder?.(packages) ?? packages.folder, host.gateway);
      const gitlab = await GitLab.start({ address: host.gateway, tls });
      if (tls) cpSync(gitlab.caPath, `${host.root}/root/gitlab-ca.pem`);
      return new CiHost(host, packages, server, gitlab);
    } catch (error) {
      host.down();
      throw error;
    }
  }

  /** The flags that point to the stand-ins. */
  get mirrors(): string[] {
    const { docker } = this.packages;
    const { url } = this.server;
    return [
      ...["--docker-apt-url", `${url}${docker.path}`, "--docker-apt-fingerprint", docker.fingerprint],
      ...this.runnerMirror,
    ];
  }

  get runnerMirror(): string[] {
    const { gitlab } = this.packages;
    return ["--runner-apt-url", `${this.server.url}${gitlab.path}`, "--runner-apt-fingerprint", gitlab.fingerprint];
  }

  get registering(): string[] {
    return ["gitlab-runner", "register", "--url", this.gitlab.url, "--ca-file", "/root/gitlab-ca.pem"];
  }

  prepare(...more: string[]): Ended {
    return this.ops("gitlab-runner", "prepare-ci-host", "--yes", ...this.mirrors, ...more);
  }

  ops(...words: string[]): Ended {
    return this.host.run(["edox-ops", ...words]);
  }

  /** The token is in a file that only root can read, because typed commands are logged in the host's journal. */
  secret(name: string, token: string): void {
    writeFileSync(`${this.host.root}/root/${name}`, `${token}\n`, { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    this.gitlab[Symbol.dispose]();
    this.server[Symbol.dispose]();
    this.host.down();
  }
}
