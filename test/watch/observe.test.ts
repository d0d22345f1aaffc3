// What a look reports, for sequences of findings.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Finding } from "../../src/engine/finding.ts";
import { observe } from "../../src/watch/observe.ts";
import type { Tracked } from "../../src/watch/state.ts";

const now = "2026-11-29T06:40:00.000Z";
type Brief = [name: string, status: Finding["status"], follows?: string];
const fails: Brief[] = [["a", "error"]];
const warns: Brief[] = [["a", "warning"]];
const works: Brief[] = [["a", "ok"]];

const findingsOf = (looks: readonly Brief[]): Finding[] =>
  looks.map(([name, status, follows]) => ({
    name,
    status,
    detail: `${name} is ${status}`,
    ...(follows && { follows }),
  }));

/** Returns what each look reports: "failing a error". */
function reportsOf(...looks: (readonly Brief[])[]): string[][] {
  let checks: Record<string, Tracked> = {};
  return looks.map((look) => {
    const found = observe(checks, findingsOf(look), now);
    checks = found.checks;
    return found.changes.map(({ kind, check, status }) => `${kind} ${check} ${status}`);
  });
}

describe("alerts:", () => {
  test("a check that fails is reported once, after two looks in a row", () => {
    expect(reportsOf([["a", "ok"]], fails, fails, fails, fails)).toEqual([[], [], ["failing a error"], [], []]);
  });

  test("a check that fails in one look only, as in a reload, is not reported", () => {
    expect(reportsOf(fails, works, fails, works, fails, works).flat()).toEqual([]);
  });

  test("a recovery is reported once, after two looks in a row", () => {
    expect(reportsOf(fails, fails, works, fails, works, works, works)).toEqual([
      ...[[], ["failing a error"], [], [], []],
      ...[["recovered a ok"], []],
    ]);
  });

  test("a warning that becomes an error is reported as worse, and an error that becomes a warning is not reported", () => {
    expect(reportsOf(warns, warns, fails, warns, fails, fails, warns, warns, fails, fails)).toEqual([
      ...[[], ["failing a warning"], [], []],
      ...[[], ["worse a error"], [], [], [], []],
    ]);
  });

  test("a check that could not be determined is a warning", () => {
    expect(reportsOf([["a", "unknown"]], [["a", "unknown"]])).toEqual([[], ["failing a warning"]]);
  });

  test("a check that is no longer performed recovers", () => {
    expect(reportsOf(fails, fails, [], [])).toEqual([[], ["failing a error"], [], ["recovered a ok"]]);
  });

  test("consequences are listed with their cause, and reported on their own once it is repaired", () => {
    const both: Brief[] = [
      ["cause", "error"],
      ["direct", "error", "cause"],
      ["indirect", "warning", "direct"],
    ];
    const rest: Brief[] = [
      ["cause", "ok"],
      ["direct", "error"],
    ];
    expect(reportsOf(both, both, both, rest, rest, rest)).toEqual([
      ...[[], ["failing cause error"], []],
      ...[[], ["failing direct error", "recovered cause ok"], []],
    ]);
    const { checks } = observe({}, findingsOf(both), now);
    expect(observe(checks, findingsOf(both), now).changes[0]?.also).toEqual(["direct", "indirect"]);
  });

  test("checks that follow from each other end the search for consequences", () => {
    const circle: Brief[] = [
      ["a", "error"],
      ["b", "error", "a"],
      ["c", "error", "b"],
      ["a2", "error", "c"],
    ];
    const { checks } = observe({}, findingsOf(circle), now);
    expect(observe(checks, findingsOf(circle), now).changes).toHaveLength(1);
  });

  test("failures precede warnings, and both precede recoveries", () => {
    const before: Brief[] = [["old", "error"]];
    const after: Brief[] = [
      ["old", "ok"],
      ["warned", "warning"],
      ["broken", "error"],
    ];
    expect(reportsOf(before, before, after, after)[3]).toEqual([
      "failing broken error",
      "failing warned warning",
      "recovered old ok",
    ]);
  });

  test("the check of the delivery itself is not reported", () => {
    const fails: Brief[] = [["watch:delivery", "error"]];
    expect(reportsOf(fails, fails).flat()).toEqual([]);
  });

  test("a name of the prototype is a check like any other", () => {
    const fails: Brief[] = [
      ["constructor", "error"],
      ["__proto__", "error"],
    ];
    expect(reportsOf(fails, fails)[1]).toContain("failing constructor error");
  });

  test("property: reports alternate between failure and recovery, and the last one is the state of two equal looks", () => {
    const status = fc.constantFrom<Finding["status"]>("ok", "not-set-up", "warning", "unknown", "error");
    const brief = fc.tuple(fc.constantFrom("a", "b"), status);
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(brief, { selector: ([name]) => name }), { maxLength: 40 }), (looks) => {
        const last = looks.at(-1) ?? [];
        const reports = reportsOf(...(looks as Brief[][]), last as Brief[], last as Brief[]).flat();
        for (const name of ["a", "b"]) {
          const kinds = reports.filter((each) => each.split(" ")[1] === name).map((each) => each.split(" ")[0]);
          let open = false;
          for (const kind of kinds) {
            expect([kind, open]).toEqual([kind, kind !== "failing"]);
            open = kind !== "recovered";
          }
          const final = last.find(([each]) => each === name)?.[1] ?? "ok";
          expect([name, open]).toEqual([name, final !== "ok" && final !== "not-set-up"]);
        }
      }),
    );
  });
});
