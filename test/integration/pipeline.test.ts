// Tests the pipeline in a clean clone with a local runner: GitLab's schema accepts the file, the jobs of each event
// match the table in test/pipeline, and jobs without Docker succeed.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { cloneInto } from "./clone.ts";
import { soak } from "./rounds.ts";
import { type Ended, must, run } from "./run.ts";

const top = `${import.meta.dir}/../..`;
const program = `${top}/node_modules/gitlab-ci-local/dist/index.js`;
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(`${tmpdir()}/edox-pipeline-`);
  cloneInto(clone);
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

function local(...argv: string[]): Ended {
  return run(["env", "-C", clone, process.execPath, program, "--force-shell-executor", ...argv]);
}

/**
 * Returns the names of the jobs for the event that these variables describe. The clone's default branch is the tested
 * commit.
 */
function listed(...variables: string[]): string[] {
  const given = ["CI_DEFAULT_BRANCH=main", ...variables].flatMap((each) => ["--variable", each]);
  const { code, stdout, stderr } = local("--list-csv", ...given);
  if (code !== 0) throw new Error(stdout + stderr);
  expect(stdout + stderr).toContain("json schema validated");
  const rows = stdout.slice(stdout.indexOf("name;")).split("\n").slice(1).filter(Boolean);
  return rows.map((row) => row.split(";")[0] ?? "");
}

test("pipeline: GitLab's own schema accepts the file, and refuses an unknown keyword", () => {
  expect(listed("CI_COMMIT_BRANCH=main")).toContain("pages");
  const path = `${clone}/.gitlab-ci.yml`;
  must(["cp", path, `${path}.kept`]);
  appendFileSync(path, "\nwrong:\n  script: 'true'\n  retry: often\n");
  const { code, stdout, stderr } = local("--list-csv");
  expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("retry")]);
  must(["mv", `${path}.kept`, path]);
});

test("pipeline: the default branch publishes the site, the working branch only a preview, and others nothing", () => {
  const publishing = ["pages", "pages:preview", "docs:preview", "docs:smoke"];
  const published = (...variables: string[]) => listed(...variables).filter((name) => publishing.includes(name));
  expect(published("CI_COMMIT_BRANCH=main")).toEqual(["pages", "docs:smoke"]);
  expect(published("CI_COMMIT_BRANCH=develop")).toEqual(["docs:preview"]);
  const licensed = ["DOCS_PARALLEL_DEPLOYMENTS=true", "GITLAB_FEATURES=a,pages_multiple_versions,b"];
  expect(published(...licensed, "WORKING_BRANCH=next", "CI_COMMIT_BRANCH=next")).toEqual(["pages:preview"]);
  const merge = listed("CI_PIPELINE_SOURCE=merge_request_event", "CI_COMMIT_BRANCH=");
  expect(merge).toContain("docs:build");
  const tag = listed("CI_COMMIT_TAG=v1.2.3", "CI_COMMIT_BRANCH=");
  for (const names of [merge, tag]) {
    expect(names).toContain("integration:arm64");
    for (const name of publishing) expect(names).not.toContain(name);
  }
  expect(tag).toEqual(
    expect.arrayContaining(["package:build", "publish:candidate", "publish:release", "package:smoke-release"]),
  );
  expect(merge).not.toContain("package:build");
});

/** Other parts of `npm test` run the scripts of these jobs on the same clean clone. */
const repeated = ["build", "unit", "docs:preview"];
for (const job of ["lint", ...(soak ? repeated : [])]) {
  test(`pipeline: ${job} succeeds`, () => {
    const { code, stdout, stderr } = local(
      job,
      "--variable",
      "CI_DEFAULT_BRANCH=main",
      "--variable",
      "CI_COMMIT_BRANCH=develop",
      "--no-artifacts-to-source",
    );
    if (code !== 0) console.log(stdout.slice(-3000), stderr.slice(-3000));
    expect(code).toBe(0);
  });
}

test("hooks: an invalid commit message is refused, and a valid one accepted", () => {
  must(["npm", "run", "hooks", "--silent", "--prefix", clone]);
  const commit = (message: string): Ended => {
    const who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    // The developer's own environment may disable hooks.
    return run([
      "env",
      "--unset=LEFTHOOK",
      "git",
      "-C",
      clone,
      ...who,
      "commit",
      "--allow-empty",
      "--quiet",
      "--message",
      message,
    ]);
  };
  const refused = commit("more fixes");
  expect([refused.code, refused.stdout + refused.stderr]).toEqual([1, expect.stringContaining("does not begin with")]);
  expect(commit("chore: nothing").code).toBe(0);
});
