import { expect, test } from "bun:test";
import { faultOf } from "../../build/commit-message.ts";

test("commit message: a conventional message and a fixup are accepted, and git's comments are ignored", () => {
  for (const message of [
    "feat: one thing\n\nBecause.",
    "fix(apt): the lock is waited for\n",
    "feat!: another exit code",
    "fixup! feat: one thing",
    "docs: a page\n# Please enter the commit message\n",
  ]) {
    expect([message, faultOf(message)]).toEqual([message, null]);
  }
});

test("commit message: any other message is refused with its fault", () => {
  expect(faultOf("more fixes")).toContain("does not begin with one of feat, fix");
  expect(faultOf("feature: x")).toContain("does not begin");
  expect(faultOf("fix: the lock is waited for.")).toContain("ends with a full stop");
  expect(faultOf(`fix: ${"x".repeat(200)}`)).toContain("has 205 characters");
  expect(faultOf("fix: a\nb")).toBe("the second line is not empty");
  expect(faultOf("")).toContain("does not begin");
});
