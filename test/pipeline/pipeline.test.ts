// What .gitlab-ci.yml does when: which jobs on which event, and that each can be run at a desk.

import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { scripts } from "../../package.json";
import { holds, type Variables, wanted } from "./rules.ts";

interface Job {
  stage: string;
  script: string | string[];
  rules?: { if?: string; when?: string; allow_failure?: boolean }[];
  needs?: (string | { job: string })[];
  extends?: string;
  services?: unknown;
  environment?: { name: string; action: string };
  variables?: Record<string, string>;
}

const top = `${import.meta.dir}/../..`;
const {
  stages,
  workflow,
  default: _,
  variables: __,
  ...file
} = parse(await Bun.file(`${top}/.gitlab-ci.yml`).text()) as {
  stages: string[];
  workflow: { rules: NonNullable<Job["rules"]> };
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
const fork = { CI_PROJECT_PATH: "else/edox-ops", CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: "else/edox-ops" };
const push = { CI_PIPELINE_SOURCE: "push", CI_PROJECT_PATH: ours };

/** On which event which jobs; null: no pipeline at all. */
const table: [string, Variables, string[] | null][] = [
  [
    "a merge request",
    { ...merge, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "topic" },
    [...gate, "docs:build", ...integration],
  ],
  [
    "a merge request of a fork",
    { ...merge, ...fork, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "topic" },
    [...gate, "docs:build", ...integration],
  ],
  [
    "a merge request of develop, whose push had one",
    { ...merge, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "develop" },
    null,
  ],
  ["a push to develop", { ...push, CI_COMMIT_BRANCH: "develop" }, [...gate, "docs:build", ...integration, "pages"]],
  [
    "a push to master",
    { ...push, CI_COMMIT_BRANCH: "master" },
    [...gate, "docs:build", ...integration, "pages", "docs:smoke"],
  ],
  ["a tag of a version", { ...push, CI_COMMIT_TAG: "v1.2.3" }, [...gate, ...integration, ...release]],
  ["another tag", { ...push, CI_COMMIT_TAG: "nightly" }, null],
  ["a tag that only begins like one", { ...push, CI_COMMIT_TAG: "v1.2.3-rc1" }, null],
  ["a push to another branch", { ...push, CI_COMMIT_BRANCH: "topic" }, null],
];

describe("jobs on", () => {
  for (const [name, variables, expected] of table) {
    test(name, () => {
      if (expected === null) {
        expect(wanted(workflow.rules, variables)).toBe(false);
        return;
      }
      expect(wanted(workflow.rules, variables)).toBe(true);
      const found = Object.entries(jobs).filter(([, job]) => wanted(job.rules, variables));
      expect(found.map(([each]) => each).sort()).toEqual([...expected].sort());
      // What a job waits for is there too.
      for (const [, { needs = [] }] of found) {
        for (const need of needs) expect(expected).toContain(typeof need === "string" ? need : need.job);
      }
    });
  }
});

describe("every job", () => {
  for (const [name, { script, stage }] of Object.entries(jobs)) {
    test(`${name} is one npm script or one script of ours, in a stage that there is`, async () => {
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

  test("of the mirror calls the same npm scripts", async () => {
    const mirror = parse(await Bun.file(`${top}/.github/workflows/ci.yml`).text()) as {
      jobs: Record<string, { steps: { run?: string }[] }>;
    };
    const lines = Object.values(mirror.jobs).flatMap(({ steps }) => steps.flatMap(({ run = "" }) => run.split("\n")));
    const called = lines.flatMap((line) => /^npm run ([\w:]+)/.exec(line)?.[1] ?? []);
    expect(called.length).toBeGreaterThan(5);
    for (const name of called) expect(Object.keys(scripts)).toContain(name);
  });
});

test("a release waits for every other job, and nothing is published but by a click on what was tried", () => {
  const order = [
    "package:build",
    "package:smoke:x64",
    "publish:candidate",
    "package:smoke-candidate",
    "publish:release",
  ];
  for (const [i, name] of order.slice(1).entries()) expect(jobs[name]?.needs).toContain(order[i] ?? "");
  expect(jobs["package:smoke-release"]?.needs).toEqual(["publish:release"]);
  // Without needs a job waits for all stages before its own.
  expect(jobs["package:build"]?.needs).toBeUndefined();
  const before = stages.slice(0, stages.indexOf("package"));
  for (const name of [...gate, ...integration]) expect(before).toContain(jobs[name]?.stage ?? "");
  expect(jobs["publish:release"]?.rules).toEqual([{ if: "$CI_COMMIT_TAG", when: "manual", allow_failure: true }]);
  for (const name of release) expect(jobs[name]).toMatchObject({ interruptible: false });
  const withKey = Object.entries(jobs).filter(([, job]) => job.environment !== undefined);
  expect(withKey.map(([name]) => name)).toEqual(["package:build"]);
});

test("the jobs with Docker have a daemon of their own over TLS, and packets that fit the smallest runner", () => {
  const { services, variables } = jobs["integration:ubuntu"] as Job;
  expect(JSON.stringify(services)).toContain("--mtu=$DIND_MTU");
  expect(written[".docker"]?.variables).toMatchObject({
    DIND_MTU: "1360",
    DOCKER_TLS_CERTDIR: "/certs",
    DOCKER_TLS_VERIFY: "1",
  });
  expect(variables).toEqual({ BASE_IMAGE: "ubuntu:24.04" });
});

test("an expression is read as GitLab reads it, and one that is not known is no silent yes", () => {
  const variables = { A: "a", EMPTY: "" };
  expect(holds('$A == "a" && $B == "b" || $A', variables)).toBe(true);
  expect(holds('$A == "a" && $B == "b"', variables)).toBe(false);
  expect(holds("$EMPTY", variables)).toBe(false);
  expect(holds("$NONE =~ /./", variables)).toBe(false);
  expect(holds("$NONE == $ALSO_NONE", variables)).toBe(true);
  expect(() => holds("($A)", variables)).toThrow("not known");
});
