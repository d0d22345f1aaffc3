// A host in a temporary directory, with a project that can be deployed.

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { deploy } from "../../src/sites/deploy/deploy.ts";
import type { DeployRequest } from "../../src/sites/deploy/plan.ts";
import { cleanUp, makeDirsAbove, openAbove } from "../../src/sites/deploy/releases.ts";
import { restoreRequest } from "../../src/sites/deploy/requests.ts";
import type { Project } from "../../src/sites/project.ts";
import { siteTarget } from "../../src/sites/target.ts";

export const project: Project = {
  slug: "demo",
  domain: "demo.test",
  root_path: "/var/www/docs/demo",
  source_path: null,
  branch: "main",
  owner_group: "mine",
  enabled: false,
  tls: false,
};

export class TreeHost implements Disposable {
  readonly root = mkdtempSync(`${tmpdir()}/edox-trees-`);
  readonly host = localHost(this.root);
  readonly trees = localTrees(this.root);
  /** Milliseconds that are added to the clock. */
  ahead = 0;

  constructor() {
    const host = this.host;
    Object.assign(host, { now: () => Date.now() + this.ahead });
    for (const dir of ["etc", "var/www/docs/demo", "srv/site", "run"])
      mkdirSync(`${this.root}/${dir}`, { recursive: true });
    this.write("/etc/group", `mine:x:${process.getegid?.()}:\n`);
    this.write("/srv/site/index.html", "home");
  }

  /** Writes a file, or a symlink if the content is "-> target". */
  write(path: string, content: string): void {
    mkdirSync(dirname(this.root + path), { recursive: true });
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), this.root + path);
    else writeFileSync(this.root + path, content);
  }

  mode(path: string, mode: number): void {
    chmodSync(this.root + path, mode);
  }

  /** Sets the modification time, in Unix seconds. */
  time(path: string, seconds: number): void {
    utimesSync(this.root + path, seconds, seconds);
  }

  remove(path: string): void {
    rmSync(this.root + path, { recursive: true });
  }

  text(path: string): string {
    return readFileSync(this.root + path, "utf8");
  }

  stat(path: string) {
    return lstatSync(this.root + path);
  }

  list(path: string): string[] {
    return readdirSync(this.root + path).sort();
  }

  /** Deploys as the command does, with the cleanup of an earlier deploy before and its own after. */
  async deploy(more: Partial<DeployRequest> = {}) {
    const { host, trees } = this;
    const target = more.target ?? siteTarget(more.project ?? project);
    const notes = cleanUp(host, trees, target);
    const dir = more.dir ?? "/srv/site";
    makeDirsAbove(host, target);
    const { live, close } = openAbove(trees, target, host.uid);
    const letGo = (): void => {
      close();
      more.letGo?.();
    };
    const request: DeployRequest = {
      project,
      target,
      base: null,
      dir,
      live,
      name: dir,
      of: "others",
      keep: 5,
      backup: true,
      allowEmpty: false,
      probe: null,
      again: ["sudo", "edox-ops", "project", "deploy", project.slug, "--source", dir],
      ...more,
      letGo,
    };
    const done = await this.run(request);
    return { ...done, notes: [...notes, ...done.notes] };
  }

  /** Restores as the command does. Returns null where there is nothing to restore. */
  async restore(typed: string | null = null, keep = 5) {
    const { host, trees } = this;
    cleanUp(host, trees, siteTarget(project));
    const choices = { keep, backup: true, allowEmpty: false, asks: false, again: [], dryRun: false };
    const request = await restoreRequest(host, trees, { project, typed, choices });
    return request && this.run(request);
  }

  async run(request: DeployRequest) {
    try {
      return await deploy(this.host, this.trees, request);
    } finally {
      request.letGo?.();
      cleanUp(this.host, this.trees, request.target);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
