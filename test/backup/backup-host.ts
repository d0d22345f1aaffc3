// A host with real trees and a repository that is set up, for the functions below the commands.

import { mkdirSync } from "node:fs";
import { readRepository } from "../../src/backup/repository.ts";
import type { Access, Settings } from "../../src/backup/settings.ts";
import type { Host } from "../../src/host/host.ts";
import { Secret } from "../../src/text/secret.ts";
import { project, TreeHost } from "../sites/tree.ts";
import { FakeRestic } from "./fake-restic.ts";

export class BackupHost implements Disposable {
  readonly disk = new TreeHost();
  readonly restic: FakeRestic;
  readonly settings: Settings = { repository: "/repo", host: "alpha", with_releases: false, keep: null };
  readonly access: Access = {
    repository: readRepository("/repo"),
    password: new Secret("canary-password"),
    environment: new Map(),
  };
  readonly host: Host;
  readonly trees = this.disk.trees;
  /** Locks of projects that were taken. */
  readonly locked: string[] = [];

  constructor(version?: "0.14" | "0.18") {
    this.restic = new FakeRestic(this.disk.root, version);
    Object.assign(this.restic, { exists: true });
    const run: Host["run"] = async (argv, options) =>
      this.restic.answer(argv, options) ?? { code: 127, stdout: "", stderr: "" };
    this.host = Object.assign(this.disk.host, { run, probe: run });
    mkdirSync(`${this.disk.root}/var/lib`, { recursive: true });
    this.disk.write("/proc/sys/kernel/hostname", "alpha\n");
    this.disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: project }));
    this.disk.write("/var/www/docs/demo/index.html", "home");
    this.disk.write("/var/www/docs/demo/a/page.html", "page");
    this.disk.write("/var/www/docs/demo/link.html", "-> index.html");
  }

  get tools() {
    const { host, trees, locked } = this;
    const lockProject = async (path: string) => {
      locked.push(path);
      return () => void locked.push(`released ${path}`);
    };
    return { host, trees, lockProject, stop: () => null };
  }

  [Symbol.dispose](): void {
    this.disk[Symbol.dispose]();
    this.restic[Symbol.dispose]();
  }
}
