// Tests that .gitlab/renovate.json finds each pinned version, and that its commits pass the pipeline's own checks.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { parse } from "yaml";
import config from "../../.gitlab/renovate.json";
import { faultOf } from "../../build/commit-message.ts";
import manifest from "../../package.json";

const top = `${import.meta.dir}/../..`;
const read = (path: string): Promise<string> => Bun.file(`${top}/${path}`).text();
const pipeline = parse(await read(".gitlab-ci.yml"));

test("renovate: merge requests target the working branch", () => {
  expect(config.baseBranchPatterns).toEqual([pipeline.variables.WORKING_BRANCH]);
});

test("renovate: each file that pins versions has a manager", () => {
  const files: Record<string, string[]> = {
    bun: ["bun.lock", "docs/bun.lock"],
    gitlabci: [".gitlab-ci.yml"],
    "github-actions": [".github/workflows/ci.yml"],
    "custom.regex": config.customManagers.flatMap(({ managerFilePatterns }) => managerFilePatterns),
  };
  expect(config.enabledManagers.toSorted()).toEqual(Object.keys(files).sort());
  for (const path of Object.values(files).flat()) expect([path, existsSync(`${top}/${path}`)]).toEqual([path, true]);
  const locks = ["bun.lock", "*/bun.lock"].flatMap((glob) => [...new Bun.Glob(glob).scanSync(top)]);
  expect(locks.sort()).toEqual(files.bun ?? []);
});

test("renovate: the images of the pipeline are found in the script for Windows and on its page", async () => {
  const images = [pipeline.default.image, pipeline[".docker"].image].sort();
  for (const { managerFilePatterns, matchStrings } of config.customManagers) {
    for (const path of managerFilePatterns) {
      const text = await read(path);
      const found = matchStrings.flatMap((each) => [...text.matchAll(new RegExp(each, "g"))]);
      expect(found.map(({ groups }) => `${groups?.depName}:${groups?.currentValue}`).sort()).toEqual(images);
    }
  }
});

test("renovate: everything that pins the version of Bun is updated together", () => {
  const { dependencies, devDependencies } = manifest;
  const bun = devDependencies["bun-types"];
  const same = Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => version === bun);
  expect(config.packageRules[0]?.matchPackageNames).toEqual(same.map(([name]) => name).sort());
});

test("renovate: its commit messages have the form that lint requires", () => {
  expect(config.semanticCommits).toBe("enabled");
  for (const title of [
    "fix(deps): update dependency valibot to v1.6.0",
    "chore(deps): update docker docker tag to v30",
  ])
    expect(faultOf(title)).toBeNull();
});
