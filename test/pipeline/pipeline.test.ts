// Tests which jobs .gitlab-ci.yml runs on which event, and that each can be run on a development machine.

import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { scripts } from "../../package.json";
import { expand, isIncluded, isMet, type Rule, type Variables, variablesFromRules } from "./rules.ts";

interface Job {
  stage: string;
  script: string | string[];
  rules?: Rule[];
  needs?: (string | { job: string })[];
  extends?: string;
  services?: unknown;
  environment?: { name: string; url?: string; action?: string };
  pages?: Record<string, string>;
  artifacts?: object;
  variables?: Record<string, string>;
}

/** The part of the GitHub workflow that is tested. */
interface Mirror {
  on: { push: { branches: string[] } };
  jobs: Record<string, { if?: string; needs?: string[]; steps: { run?: string }[] }>;
}

const top = `${import.meta.dir}/../..`;
const {
  stages,
  workflow,
  default: _,
  variables: defaults,
  ...file
} = parse(await Bun.file(`${top}/.gitlab-ci.yml`).text()) as {
  stages: string[];
  workflow: { rules: NonNullable<Job["rules"]> };
  variables: Record<string, string>;
} & { [name: string]: unknown };
const written = file as Record<string, Job>;
const jobs = Object.fromEntries(
  Object.entries(written)
    .filter(([name]) => !name.startsWith("."))
    .map(([name, job]) => [name, extended(job)]),
);

function extended(job: Job): Job {
  return job.extends === undefined ? job : { ...extended(written[job.extends] as Job), ...job };
}

const gate = ["lint", "audit", "audit:website", "unit", "build"];
const integration = ["integration:ubuntu", "integration:debian", "integration:arm64"];
const release = [
  "package:build",
  "package:smoke:x64",
  "package:smoke:arm64",
  "publish:candidate",
  "package:smoke-candidate",
  "publish:release",
  "package:smoke-release",
];
const ours = "group/edox-ops";
const merge = {
  CI_PIPELINE_SOURCE: "merge_request_event",
  CI_PROJECT_PATH: ours,
  CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: ours,
};
const theirs = "else/edox-ops";
const push = { CI_PIPELINE_SOURCE: "push", CI_PROJECT_PATH: ours };
const renamed = { CI_DEFAULT_BRANCH: "trunk", WORKING_BRANCH: "next" };
const optedIn = { DOCS_PARALLEL_DEPLOYMENTS: "true" };
const licensed = { GITLAB_FEATURES: "multiple_group_issue_boards,pages_multiple_versions,scoped_labels" };

const onMerge = [...gate, "docs:build", ...integration];
const onWorking = [...gate, ...integration, "docs:preview"];
const onDefault = [...gate, "docs:build", ...integration, "pages", "docs:smoke"];

/** The jobs of each event, or null if it creates no pipeline. */
const table: [string, Variables, string[] | null][] = [
  ["a merge request", { ...merge, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "topic" }, onMerge],
  [
    "a merge request of a fork, in the fork",
    {
      ...merge,
      CI_PROJECT_PATH: theirs,
      CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: theirs,
      CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "topic",
    },
    onMerge,
  ],
  [
    "a merge request of a fork's default branch, run in this project",
    { ...merge, CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: theirs, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "main" },
    onMerge,
  ],
  [
    "a merge request of a fork's working branch, run in this project",
    { ...merge, CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: theirs, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "develop" },
    onMerge,
  ],
  [
    "a merge request of the working branch, whose push had a pipeline",
    { ...merge, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "develop" },
    null,
  ],
  [
    "a merge request of the default branch, whose push had a pipeline",
    { ...merge, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "main" },
    null,
  ],
  [
    "a merge request of a renamed working branch",
    { ...merge, ...renamed, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "next" },
    null,
  ],
  [
    "a merge request of a branch named develop where another one is the working branch",
    { ...merge, ...renamed, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "develop" },
    onMerge,
  ],
  ["a push to the working branch", { ...push, CI_COMMIT_BRANCH: "develop" }, onWorking],
  ["a push to a renamed working branch", { ...push, ...renamed, CI_COMMIT_BRANCH: "next" }, onWorking],
  [
    "a push to the working branch with a preview address of earlier versions",
    { ...push, DOCS_PREVIEW_URL: "https://group.example.org/preview", CI_COMMIT_BRANCH: "develop" },
    onWorking,
  ],
  [
    "a push to the working branch, opted in to parallel deployments without the license",
    { ...push, ...optedIn, CI_COMMIT_BRANCH: "develop" },
    onWorking,
  ],
  [
    "a push to the working branch, opted in with a license whose features only resemble the one",
    { ...push, ...optedIn, GITLAB_FEATURES: "pages_multiple_versions_setting", CI_COMMIT_BRANCH: "develop" },
    onWorking,
  ],
  [
    "a push to the working branch, licensed for parallel deployments but not opted in",
    { ...push, ...licensed, CI_COMMIT_BRANCH: "develop" },
    onWorking,
  ],
  [
    "a push to the working branch, opted out",
    { ...push, ...licensed, DOCS_PARALLEL_DEPLOYMENTS: "false", CI_COMMIT_BRANCH: "develop" },
    onWorking,
  ],
  [
    "a push to the working branch with parallel deployments",
    { ...push, ...optedIn, ...licensed, CI_COMMIT_BRANCH: "develop" },
    [...gate, ...integration, "pages:preview"],
  ],
  ["a push to the default branch", { ...push, CI_COMMIT_BRANCH: "main" }, onDefault],
  [
    "a push to a default branch named master",
    { ...push, CI_DEFAULT_BRANCH: "master", CI_COMMIT_BRANCH: "master" },
    onDefault,
  ],
  [
    "a push to the default branch with parallel deployments",
    { ...push, ...optedIn, ...licensed, CI_COMMIT_BRANCH: "main" },
    onDefault,
  ],
  [
    "a push to a default branch that is the working branch too",
    { ...push, ...optedIn, ...licensed, WORKING_BRANCH: "main", CI_COMMIT_BRANCH: "main" },
    onDefault,
  ],
  [
    "a push to the default branch of a project without a working branch",
    { ...push, WORKING_BRANCH: "", CI_COMMIT_BRANCH: "main" },
    onDefault,
  ],
  [
    "a schedule on the default branch",
    { ...push, CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main" },
    onDefault,
  ],
  ["a tag of a version", { ...push, CI_COMMIT_TAG: "v1.2.3" }, [...gate, ...integration, ...release]],
  [
    "a tag of a version in a project without a working branch",
    { ...push, WORKING_BRANCH: "", CI_COMMIT_TAG: "v1.2.3" },
    [...gate, ...integration, ...release],
  ],
  ["another tag", { ...push, CI_COMMIT_TAG: "nightly" }, null],
  ["a tag that only begins like one", { ...push, CI_COMMIT_TAG: "v1.2.3-rc1" }, null],
  ["a push to another branch", { ...push, CI_COMMIT_BRANCH: "topic" }, null],
  ["a push to a branch named master that is not the default", { ...push, CI_COMMIT_BRANCH: "master" }, null],
];

/** Adds the variables that GitLab sets besides the event. A project's variables override those of the file. */
function withDefaults(variables: Variables): Variables {
  return { ...defaults, CI_DEFAULT_BRANCH: "main", ...variables };
}

describe("pipeline: jobs on", () => {
  for (const [name, variables, expected] of table) {
    test(`pipeline: jobs on ${name}`, () => {
      const given = withDefaults(variables);
      if (expected === null) {
        expect(isIncluded(workflow.rules, given)).toBe(false);
        return;
      }
      expect(isIncluded(workflow.rules, given)).toBe(true);
      const found = Object.entries(jobs).filter(([, job]) => isIncluded(job.rules, given));
      expect(found.map(([each]) => each).sort()).toEqual([...expected].sort());
      // The needs of a job must be part of the pipeline.
      for (const [, { needs = [] }] of found) {
        for (const need of needs) expect(expected).toContain(typeof need === "string" ? need : need.job);
      }
    });
  }
});

describe("pipeline: every job", () => {
  for (const [name, { script, stage }] of Object.entries(jobs)) {
    test(`pipeline: ${name} is one npm script or one script of this project, in an existing stage`, async () => {
      expect(stages).toContain(stage);
      const [line = "", ...more] = [script].flat();
      expect(more).toEqual([]);
      const [, npm, path] =
        /^(?:npm run ([\w:]+)(?: -- .*)?|sh (\S+)(?: \S+)?|mv docs\/\.vitepress\/dist public)$/.exec(line) ?? [null];
      if (npm !== undefined && npm !== null) expect(Object.keys(scripts)).toContain(npm);
      if (path) expect(await Bun.file(`${top}/${path}`).exists()).toBe(true);
      expect(line).toMatch(/^(npm run|sh test\/integration|sh build|mv docs)/);
    });
  }

  test("pipeline: the GitHub mirror runs the same npm scripts", async () => {
    const mirror = parse(await Bun.file(`${top}/.github/workflows/ci.yml`).text()) as Mirror;
    const lines = Object.values(mirror.jobs).flatMap(({ steps }) => steps.flatMap(({ run = "" }) => run.split("\n")));
    const called = lines.flatMap((line) => /^npm run ([\w:]+)/.exec(line)?.[1] ?? []);
    expect(called.length).toBeGreaterThan(5);
    for (const name of called) expect(Object.keys(scripts)).toContain(name);
  });
});

test("pipeline: a release waits for every other job, and is published manually after its candidate was tested", () => {
  const order = [
    "package:build",
    "package:smoke:x64",
    "publish:candidate",
    "package:smoke-candidate",
    "publish:release",
  ];
  for (const [i, name] of order.slice(1).entries()) expect(jobs[name]?.needs).toContain(order[i] ?? "");
  expect(jobs["package:smoke-release"]?.needs).toEqual(["publish:release"]);
  // A job without needs waits for all earlier stages.
  expect(jobs["package:build"]?.needs).toBeUndefined();
  const before = stages.slice(0, stages.indexOf("package"));
  for (const name of [...gate, ...integration]) expect(before).toContain(jobs[name]?.stage ?? "");
  expect(jobs["publish:release"]?.rules).toEqual([{ if: "$CI_COMMIT_TAG", when: "manual", allow_failure: true }]);
  for (const name of release) expect(jobs[name]).toMatchObject({ interruptible: false });
  const withKey = Object.entries(jobs).filter(([, job]) => job.environment?.name === "release");
  expect(withKey.map(([name]) => name)).toEqual(["package:build"]);
});

describe("pipeline: the site", () => {
  const site = "https://docs.example.org";
  const given = "https://group.pages.example.org/edox-ops";
  const onDefault = withDefaults({ ...push, CI_COMMIT_BRANCH: "main", CI_PAGES_URL: given });
  const siteOf = (name: string, variables: Variables) =>
    variablesFromRules(jobs[name]?.rules ?? [], variables).DOCS_SITE_URL;

  test("production: the site is built for the project's address, or else for GitLab's, and links to it", () => {
    for (const name of ["docs:build", "pages"]) {
      expect(siteOf(name, { ...onDefault, DOCS_PRODUCTION_URL: site })).toBe(site);
      expect(siteOf(name, { ...onDefault, DOCS_PRODUCTION_URL: "" })).toBe(given);
      expect(siteOf(name, onDefault)).toBe(given);
    }
    expect(jobs.pages).toMatchObject({ environment: { name: "production", url: "$DOCS_SITE_URL" } });
    expect(jobs.pages?.pages).toBeUndefined();
  });

  test("pages:preview: the site has its own path and expires when its environment stops", () => {
    const variables = { ...push, ...optedIn, ...licensed, CI_COMMIT_BRANCH: "develop" };
    expect(siteOf("pages:preview", withDefaults({ ...variables, CI_PAGES_URL: `${given}/preview` }))).toBe(
      `${given}/preview`,
    );
    expect(jobs["pages:preview"]).toMatchObject({
      environment: { name: "preview", url: "$CI_PAGES_URL", auto_stop_in: "30 days" },
      pages: { path_prefix: "preview", publish: "docs/.vitepress/dist", expire_in: "30 days" },
    });
  });

  test("docs:preview: the site is an artifact that the environment links to, and not deployed to Pages", () => {
    const { artifacts, environment, pages } = jobs["docs:preview"] as Job;
    expect(pages).toBeUndefined();
    expect(artifacts).toEqual({ paths: ["docs/.vitepress/dist/"], expire_in: "30 days" });
    expect(environment).toMatchObject({ name: "preview", auto_stop_in: "30 days" });
    const url = expand(environment?.url ?? "", { CI_PROJECT_URL: "https://gitlab.example.org/a/b", CI_JOB_ID: "7" });
    expect(url).toBe("https://gitlab.example.org/a/b/-/jobs/7/artifacts/browse/docs/.vitepress/dist/");
  });
});

test("branches: no rule names a branch, in the pipeline or in its mirror", async () => {
  const rules = [...workflow.rules, ...Object.values(jobs).flatMap((job) => job.rules ?? [])];
  expect(rules.filter((rule) => /\b(develop|master|main)\b/.test(rule.if ?? ""))).toEqual([]);
  const mirror = parse(await Bun.file(`${top}/.github/workflows/ci.yml`).text()) as Mirror;
  expect(mirror.on.push.branches).toEqual(["**"]);
  const working = `(vars.WORKING_BRANCH || '${defaults.WORKING_BRANCH}')`;
  for (const { if: condition, needs = [] } of Object.values(mirror.jobs)) {
    // A job with needs is skipped together with them.
    if (needs.length > 0) continue;
    expect(condition).toContain("github.ref_name == github.event.repository.default_branch");
    expect(condition).toContain(`github.ref_name == ${working}`);
  }
});

test("pipeline: jobs with Docker have a daemon of their own over TLS, and an MTU for the smallest runner", () => {
  const { services, variables } = jobs["integration:ubuntu"] as Job;
  expect(JSON.stringify(services)).toContain("--mtu=$DIND_MTU");
  expect(written[".docker"]?.variables).toMatchObject({
    DIND_MTU: "1360",
    DOCKER_TLS_CERTDIR: "/certs",
    DOCKER_TLS_VERIFY: "1",
  });
  expect(variables).toEqual({ BASE_IMAGE: "ubuntu:24.04" });
});

test("pipeline rules: an expression is evaluated as in GitLab, and an unknown one throws", () => {
  const variables = { A: "a", EMPTY: "" };
  expect(isMet('$A == "a" && $B == "b" || $A', variables)).toBe(true);
  expect(isMet('$A == "a" && $B == "b"', variables)).toBe(false);
  expect(isMet("$EMPTY", variables)).toBe(false);
  expect(isMet("$NONE =~ /./", variables)).toBe(false);
  expect(isMet("$NONE == $ALSO_NONE", variables)).toBe(true);
  expect(() => isMet("($A)", variables)).toThrow("not known");
});
