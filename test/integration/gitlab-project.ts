// A project on GitLab, whose jobs run on this machine: the job file, the variables and the events are those of GitLab.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { stringify } from "yaml";
import { top } from "../docs/markdown.ts";
import { type Ended, limited, must, run } from "./run.ts";

type Event = Readonly<Record<string, string>>;

interface Log {
  code: number;
  log: string;
}

/** The variables of events, as far as the jobs of edox-ops read them. */
export const events = {
  default: { CI_DEFAULT_BRANCH: "main", CI_COMMIT_BRANCH: "main" },
  merge: {
    ...{ CI_DEFAULT_BRANCH: "main", CI_PIPELINE_SOURCE: "merge_request_event", CI_COMMIT_BRANCH: "" },
    ...{ CI_PROJECT_ID: "7", CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "7" },
  },
} as const;

/** The variables of a pipeline for a tag, in a project that publishes each tag as a version. */
export function tagged(name: string): Record<string, string> {
  return { CI_DEFAULT_BRANCH: "main", CI_COMMIT_BRANCH: "", CI_COMMIT_TAG: name, EDOX_OPS_VERSIONS: "true" };
}

export class GitLabProject implements Disposable {
  readonly dir: string;

  constructor(files: Record<string, string>, parent = tmpdir()) {
    this.dir = mkdtempSync(`${parent}/edox-gitlab-`);
    this.git("init", "--quiet", "--initial-branch=main");
    // A remote of ssh would be looked up with ssh.
    this.git("remote", "add", "origin", "https://gitlab.test/group/docs.git");
    this.commit({ ".gitignore": ".gitlab-ci-local*\n.edox-ops/\nnode_modules/\n", ...files });
  }

  commit(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(`${this.dir}/${path}`), { recursive: true });
      writeFileSync(`${this.dir}/${path}`, text);
    }
    this.git("add", "--all");
    this.git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message=docs: change");
  }

  git(...words: string[]): void {
    must(["git", "-C", this.dir, ...words]);
  }

  /** Sets variables of the type File, which replace all earlier ones. */
  set(files: Record<string, string>): void {
    const variables = Object.entries(files).map(([name, text]) => [name, { type: "file", values: { "*": text } }]);
    writeFileSync(`${this.dir}/.gitlab-ci-local-variables.yml`, stringify(Object.fromEntries(variables)));
  }

  /** Returns the names of the jobs of an event. Throws if GitLab's schema does not accept the file. */
  jobs(event: Event): string[] {
    const { code, stdout, stderr } = this.local("--list-csv", event);
    if (code !== 0 || !stderr.concat(stdout).includes("json schema validated")) throw new Error(stdout + stderr);
    const rows = stdout.slice(stdout.indexOf("name;")).split("\n").slice(1).filter(Boolean);
    return rows.map((row) => row.split(";")[0] ?? "");
  }

  /** Runs a job and those that it needs, and returns its exit code and its log. */
  run(job: string, event: Event): Log {
    return logOf(job, this.local(job, event, "--needs"));
  }

  /**
   * The same for a job alone: what it needs is there already. Other programs run at the same time. `env`: variables of
   * the machine.
   */
  async runAlone(job: string, event: Event, env: Readonly<Record<string, string>> = {}): Promise<Log> {
    const child = Bun.spawn(limited(this.argv(job, event)), {
      env: { ...process.env, ...env },
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    });
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return logOf(job, { code, stdout, stderr });
  }

  /** Returns an artifact that the last run of a job left. */
  artifact(job: string, path: string): string {
    const kept = `${this.dir}/.gitlab-ci-local/artifacts/${job}/${path}`;
    return existsSync(kept) ? readFileSync(kept, "utf8") : "";
  }

  /** Returns the report with variables that the last run of a job left. */
  dotenv(job: string, path: string): string {
    return this.artifact(job, `.gitlab-ci-reports/dotenv/${path}`);
  }

  private local(word: string, event: Event, ...flags: string[]): Ended {
    return run(this.argv(word, event, ...flags));
  }

  private argv(word: string, event: Event, ...flags: string[]): string[] {
    const program = `${top}/node_modules/gitlab-ci-local/dist/index.js`;
    const variables = Object.entries(event).flatMap(([name, value]) => ["--variable", `${name}=${value}`]);
    const words = [program, "--force-shell-executor", word, ...flags, ...variables];
    return ["env", "-C", this.dir, process.execPath, ...words];
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function logOf(job: string, { code, stdout, stderr }: Ended): Log {
  const log = stdout + stderr;
  const failed = new RegExp(`^${job} .* FAIL (\\d+) *$`, "m").exec(Bun.stripANSI(log))?.[1];
  return { code: failed === undefined ? code : Number(failed), log };
}
