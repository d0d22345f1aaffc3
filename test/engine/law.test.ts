// Properties of every step of every recipe: a new step is covered as soon as it is part of a recipe.

import { describe, expect, test } from "bun:test";
import { featureCommands } from "../../src/cli/feature-commands.ts";
import { converge } from "../../src/engine/converge.ts";
import { type Facts, gatherFacts } from "../../src/engine/facts.ts";
import type { Feature } from "../../src/engine/feature.ts";
import type { Recipe, StepResult } from "../../src/engine/step.ts";
import { gitlabRunnerInstall, prepareCiHost } from "../../src/runner/recipe.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { dockerKey, fakeDebian, type Like, runnerKey } from "../fake-debian.ts";

const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";
const mirrors = {
  docker: { fingerprint: fingerprintOf(dockerKey) },
  runner: { fingerprint: fingerprintOf(runnerKey) },
};
const recipes: Record<string, (facts: Facts) => Recipe | Promise<Recipe>> = {
  ...Object.fromEntries(
    Object.entries(featureCommands).map(([name, load]) => [name, async (facts) => recipeOf(await load(), facts)]),
  ),
  "gitlab-runner install": (facts) => gitlabRunnerInstall(facts, mirrors),
  "gitlab-runner prepare-ci-host": (facts) => prepareCiHost(facts, mirrors),
};
async function recipeOf({ recipes }: Feature, facts: Facts): Promise<Recipe> {
  const [recipe] = (await recipes?.(facts)) ?? [];
  if (recipe === undefined) throw new Error("a command has no recipe");
  return recipe;
}

const hosts: Record<string, Like> = {
  "Debian 12": {},
  "Debian 13": { version: "13", codename: "trixie", nginx: "1.26.3-3" },
  "Ubuntu 22.04": { id: "ubuntu", version: "22.04", codename: "jammy", like: "debian", nginx: "1.18.0-6ubuntu14" },
  "Ubuntu 24.04": { id: "ubuntu", version: "24.04", codename: "noble", like: "debian", nginx: "1.24.0-2ubuntu7" },
  "Ubuntu 26.04": { id: "ubuntu", version: "26.04", codename: "resolute", like: "debian", nginx: "1.28.0-1" },
  "Raspberry Pi OS": { architecture: "arm64", model: "Raspberry Pi 4 Model B Rev 1.5" },
  "Debian 12 with the nginx of nginx.org": { nginx: "1.28.0-1~bookworm", nginxOrg: true },
  "a host without IPv6": { ipv6: false },
};

/** Returns the expected outcome: "ok" for a step that does not apply to the host, and `outcome` for all others. */
const or =
  (outcome: StepResult["outcome"]) =>
  ({ reason }: StepResult): StepResult["outcome"] =>
    reason === undefined ? outcome : "ok";

for (const [command, recipeFor] of Object.entries(recipes)) {
  for (const [name, like] of Object.entries(hosts)) {
    describe(`${command} on ${name}`, () => {
      const fresh = async () => {
        const host = fakeDebian(like);
        return { host, recipe: await recipeFor(gatherFacts(host)) };
      };

      test(`${command} on ${name}: all requirements are met on a bare host`, async () => {
        const { host, recipe } = await fresh();
        for (const requirement of recipe.requires) expect(await requirement.check(host, () => {})).toBeNull();
      });

      test(`${command} on ${name}: a dry run lists every step and changes nothing`, async () => {
        const { host, recipe } = await fresh();
        const before = host.listing();
        const results = await converge(recipe.steps, host, {});
        expect(results.map(({ outcome }) => outcome)).toEqual(results.map(or("pending")));
        expect(host.listing()).toEqual(before);
        expect(host.ran).toEqual([]);
      });

      test(`${command} on ${name}: a second run changes nothing and runs no command`, async () => {
        const { host, recipe } = await fresh();
        const first = await converge(recipe.steps, host, { act: host });
        expect(first.map(({ outcome, problem }) => [outcome, problem?.message])).toEqual(
          first.map((result) => [or("changed")(result), undefined]),
        );
        const { length } = host.ran;
        const before = host.listing();
        const second = await converge(recipe.steps, host, { act: host });
        expect(second.map(({ outcome }) => outcome)).toEqual(recipe.steps.map(() => "ok"));
        expect(host.ran.length).toBe(length);
        expect(host.listing()).toEqual(before);
      });

      test(`${command} on ${name}: each step can be made to fail, also on a converged host`, async () => {
        for (const { id } of (await fresh()).recipe.steps) {
          const { host, recipe } = await fresh();
          await converge(recipe.steps, host, { act: host });
          const results = await converge(recipe.steps, host, { act: host, failAt: id });
          expect(results.find((result) => result.outcome === "failed")?.id).toBe(id);
        }
      });

      test(`${command} on ${name}: step ids are unique, and one name of a resource has one meaning`, async () => {
        const { recipe } = await fresh();
        const ids = recipe.steps.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        // Two steps may need the same resource. Doctor checks it once.
        for (const { resources } of [{ resources: recipe.requires }, ...recipe.steps]) {
          const names = resources.map((each) => each.name);
          expect(new Set(names).size).toBe(names.length);
        }
        const all = recipe.steps.flatMap(({ resources }) => resources);
        for (const { name, title } of all) expect(all.find((each) => each.name === name)?.title).toBe(title);
      });
    });
  }
}
