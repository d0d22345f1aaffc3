// The generated sites on a test host, each deployed by the jobs that the host prints for its project on GitLab.

import { expect } from "bun:test";
import { rmSync } from "node:fs";
import { GitLabProject } from "./gitlab-project.ts";
import { must } from "./run.ts";
import type { SiteReader } from "./site-reader.ts";
import { printedFor, type Site } from "./site-sources.ts";
import { buildOf, pipelineFor } from "./sites.ts";
import type { TestHost } from "./test-host.ts";

export interface Published {
  host: TestHost;
  reader: SiteReader;
  /** The folder of the generated sites. */
  sites: string;
  projects: Map<Site, SiteProject>;
}

export class SiteProject implements Disposable {
  private readonly gitlab: GitLabProject;

  /** Adds a project on the host, and one on GitLab with the keys and the jobs that the host prints. */
  constructor(host: TestHost, site: Site) {
    const { code, stdout, stderr } = host.sh(`set -e
      edox-ops project add ${site} --domain ${site}.test
      edox-ops project init ${site}
      edox-ops project key add ${site} --generate --name deploy
      edox-ops project key add ${site} --generate --name previews --previews-only
      edox-ops project ci ${site} --generator ${printedFor[site]} --host ${host.address} >/srv/${site}.yml`);
    expect([code, stderr]).toEqual([0, ""]);
    const keys = stdout.match(/^-----BEGIN OPENSSH PRIVATE KEY-----$[\s\S]*?^-----END OPENSSH PRIVATE KEY-----$/gm);
    const printed = host.sh(`cat /srv/${site}.yml`).stdout;
    // The cached sites are what the printed job builds.
    expect(buildOf(printed)).toEqual(buildOf(pipelineFor(site)));
    this.gitlab = new GitLabProject({ ".gitlab-ci.yml": printed });
    this.gitlab.set({ DEPLOY_KEY: keys?.[0] ?? "", PREVIEW_KEY: keys?.[1] ?? "" });
  }

  switchTo(branch: string): void {
    this.gitlab.git("switch", "--quiet", "--force-create", branch);
  }

  /**
   * Runs a job that deploys what the job `build` has left: `built`, and empty files with the names `more`. Returns the
   * report of the job.
   */
  async deploy(
    job: "deploy" | "preview" | "version",
    event: Readonly<Record<string, string>>,
    { built, more = [] }: { built: string; more?: readonly string[] },
  ): Promise<string> {
    const artifact = `${this.gitlab.dir}/public`;
    rmSync(artifact, { recursive: true, force: true });
    must(["cp", "-r", built, artifact]);
    for (const name of more) must(["touch", `${artifact}/${name}`]);
    const { code, log } = await this.gitlab.runAlone(job, event);
    expect([code, code === 0 ? "" : log]).toEqual([0, ""]);
    return this.gitlab.dotenv(job, `.edox-ops/${job}.env`);
  }

  [Symbol.dispose](): void {
    this.gitlab[Symbol.dispose]();
  }
}
