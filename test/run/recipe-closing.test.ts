import { expect, test } from "bun:test";
import { bootstrap } from "../../src/bootstrap/recipe.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { projectsPath } from "../../src/engine/paths.ts";
import type { StepResult } from "../../src/engine/step.ts";
import { Problem } from "../../src/problem/problem.ts";
import { failureLines, readyLines } from "../../src/run/recipe-closing.ts";
import { prepareCiHost } from "../../src/runner/recipe.ts";
import { fakeDebian } from "../fake-debian.ts";

const host = fakeDebian();
const facts = gatherFacts(host);

/** Returns the results of the first of these steps. */
function results(steps: readonly { id: string }[], ...outcomes: StepResult["outcome"][]): StepResult[] {
  return outcomes.map((outcome, i) => {
    const id = steps[i]?.id ?? "";
    return { id, title: "", outcome, changes: [], unknown: [], warnings: [], ran: [] };
  });
}

test("closing: bootstrap names the first command of a site until there is a project", () => {
  const recipe = bootstrap(facts);
  const applied = { recipe, results: results(recipe.steps, "changed", "ok", "changed", "changed"), milliseconds: 9600 };
  const ready = { mark: "done", text: "Host ready in 9.6 s (2 changed, 1 unchanged)" };
  const words = ["sudo", "edox-ops", "project", "publish", "demo", "--domain", "docs.example.org"];
  const next = { text: "", next: { label: "Next:", argv: [...words, "--source", "/srv/site"] } };
  expect(readyLines(applied, host)).toEqual([ready, next] as never);
  for (const [records, lines] of [
    ["{}\n", [ready, next]],
    ['{"docs": {}}\n', [ready]],
  ] as const) {
    const other = fakeDebian();
    other.put(projectsPath, records);
    expect(readyLines(applied, other)).toEqual(lines as never);
  }
});

test("closing: only the first sentence of a recipe has the time", () => {
  const recipe = { steps: [], requires: [], name: "x", done: "Updated project demo. The password stays." };
  expect(readyLines({ recipe, results: [], milliseconds: 40 } as never, host)).toEqual([
    { mark: "done", text: "Updated project demo in 40 ms (nothing to change)" },
    { text: "The password stays." },
  ]);
});

test("closing: prepare-ci-host names the command that registers a runner until there is one", () => {
  const recipe = prepareCiHost(facts);
  const applied = {
    recipe,
    results: results(recipe.steps, ...recipe.steps.map(() => "ok" as const)),
    milliseconds: 40,
  };
  const words = ["gitlab-runner", "register", "--profile", "ci", "--url", "https://gitlab.com", "--token", "-"];
  expect(readyLines(applied, host)).toEqual([
    { mark: "done", text: "CI host ready in 40 ms (nothing to change)" },
    { text: "", next: { label: "Next:", argv: ["sudo", "edox-ops", ...words] } },
  ]);
  const other = fakeDebian();
  other.put("/etc/gitlab-runner/config.toml", '[[runners]]\nname = "a"\n');
  expect(readyLines(applied, other)).toHaveLength(1);
});

test("closing: a run of some steps does not claim that the host is ready", () => {
  const recipe = bootstrap(facts);
  const applied = { recipe, results: results(recipe.steps, "changed"), milliseconds: 5 };
  expect(readyLines(applied, host)).toEqual([{ mark: "done", text: "1 of 3 steps done in 5 ms (1 changed)" }]);
});

test("closing: a failed run has how far it came, and an interrupted one the command that continues it", () => {
  const recipe = bootstrap(facts);
  const [done, failed, ...rest] = results(recipe.steps, "changed", "failed", "skipped", "skipped");
  const again = ["sudo", "edox-ops", "bootstrap", "--yes"];
  const lines = (problem: Problem) => {
    const result = { ...(failed as StepResult), problem };
    return failureLines({ recipe, results: [done as StepResult, result, ...rest], milliseconds: 5 }, result, again);
  };
  expect(lines(new Problem("interrupted", "interrupted by SIGINT"))).toEqual([
    {
      mark: "warning",
      text: "Stopped in step 2 of 3.",
      next: { label: "Continue with:", argv: again },
    },
  ]);
  expect(lines(new Problem("internal", "oops"))).toEqual([
    { mark: "failed", text: "Bootstrap failed at step site.directories (1 of 3 steps applied)" },
  ]);
});
