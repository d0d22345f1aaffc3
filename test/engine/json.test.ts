// JSON that others wrote, before anything walks it.

import { expect, test } from "bun:test";
import { isTooDeep, maxNesting, parseJson } from "../../src/engine/json.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test("parseJson: reads what nests 100 levels deep, and refuses what nests deeper", () => {
  expect(isTooDeep(parseJson(nested(maxNesting)))).toBe(false);
  expect(() => parseJson(nested(maxNesting + 1))).toThrow(RangeError);
  expect(() => parseJson("[".repeat(500_000))).toThrow("it is nested deeper than 100 levels");
  expect(isTooDeep(JSON.parse(`{"a":${nested(maxNesting + 1)}}`))).toBe(true);
});

test("parseJson: brackets within a string nest nothing, whatever is escaped in it", () => {
  const text = { a: `${"[{".repeat(500)}"\\"`, b: ["\\\\", '"['] };
  expect(parseJson(JSON.stringify(text))).toEqual(text);
  expect(() => parseJson('{"a": 1')).toThrow(SyntaxError);
});

test("parseJson: a megabyte of quotes without an end is refused in linear time", () => {
  const start = performance.now();
  expect(() => parseJson(`"${'\\"'.repeat(500_000)}`)).toThrow(SyntaxError);
  expect(performance.now() - start).toBeLessThan(2000);
});
