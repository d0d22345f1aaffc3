import { expect, test } from "bun:test";
import { UnknownStateError } from "../../src/host/host.ts";
import type { Requirement } from "../../src/problem/requirement.ts";
import { checkRequirements } from "../../src/run/requirements.ts";
import { fakeHost } from "../fake-host.ts";

test("requirements: a sentence of several requirements is one note", async () => {
  const hidden: Requirement = {
    name: "hidden",
    title: "hidden",
    check(_, warn) {
      warn("seen");
      throw new UnknownStateError("the records may only be read by root");
    },
  };
  const warned: Requirement = {
    name: "warned",
    title: "warned",
    check(_, warn) {
      warn("seen");
      return null;
    },
  };
  expect(await checkRequirements(fakeHost(), { requires: [hidden, hidden, warned, warned] }, null)).toEqual({
    warnings: ["seen"],
    unknown: ["the records may only be read by root"],
  });
});
