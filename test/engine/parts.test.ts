// Steps of several parts in one run: a failure stops its own part.

import { expect, test } from "bun:test";
import { Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import type { Step } from "../../src/engine/step.ts";
import { Problem } from "../../src/problem/problem.ts";
import { file } from "../../src/resources/file.ts";
import { fakeHost } from "../fake-host.ts";

function step(id: string, part?: string, failure?: Problem): Step {
  const path = `/${id}`;
  const resource = file({ name: id, title: id, path, mode: 0o644, text: () => Text.of(id) });
  const check: typeof resource.check = (...args) => {
    if (failure !== undefined) throw failure;
    return resource.check(...args);
  };
  return { id, title: id, resources: [{ ...resource, check }], ...(part !== undefined && { part }) };
}

const broken = new Problem("command-failed", "broken");

for (const [of, steps, outcomes] of [
  [
    "skips the later steps of its part alone",
    [
      ["a", "x", broken],
      ["b", "x"],
      ["c", "y"],
    ],
    "failed skipped changed",
  ],
  [
    "of a step without a part skips all later steps",
    [
      ["a", undefined, broken],
      ["b", "x"],
    ],
    "failed skipped",
  ],
  [
    "skips later steps without a part, if its own has none",
    [["a", "x"], ["b", undefined, broken], ["c"]],
    "changed failed skipped",
  ],
  [
    "of two parts is reported for both",
    [
      ["a", "x", broken],
      ["b", "y", broken],
      ["c", "z"],
    ],
    "failed failed changed",
  ],
] as [string, Parameters<typeof step>[], string][]) {
  test(`converge: a failure ${of}`, async () => {
    const host = fakeHost();
    const results = await converge(
      steps.map((each) => step(...each)),
      host,
      { act: host },
    );
    expect(results.map(({ outcome }) => outcome).join(" ")).toBe(outcomes);
  });
}

test("converge: an interruption skips the steps of all parts", async () => {
  const host = fakeHost();
  const interrupted = new Problem("interrupted", "interrupted by SIGTERM");
  const steps = [step("a", "x", interrupted), step("b", "y"), step("c", "z")];
  const results = await converge(steps, host, { act: host });
  expect(results.map(({ outcome }) => outcome)).toEqual(["failed", "skipped", "skipped"]);
});
