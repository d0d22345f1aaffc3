// Parsing of foreign JSON.

import { expect, test } from "bun:test";
import { isTooDeep, maxNesting, parseJson } from "../../src/text/json.ts";
import { processorTime } from "../processor-time.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test("parseJson: accepts 100 levels of nesting and refuses more", () => {
  expect(isTooDeep(parseJson(nested(maxNesting)))).toBe(false);
  expect(() => parseJson(nested(maxNesting + 1))).toThrow(RangeError);
  expect(() => parseJson("[".repeat(500_000))).toThrow("it is nested deeper than 100 levels");
  expect(isTooDeep(JSON.parse(`{"a":${nested(maxNesting + 1)}}`))).toBe(true);
});

test("parseJson: brackets inside strings do not count as nesting, with any escapes", () => {
  const text = { a: `${"[{".repeat(500)}"\\"`, b: ["\\\\", '"['] };
  expect(parseJson(JSON.stringify(text))).toEqual(text);
  expect(() => parseJson('{"a": 1')).toThrow(SyntaxError);
});

test("parseJson: a megabyte of unterminated quotes is refused in linear time", async () => {
  const refuse = () => expect(() => parseJson(`"${'\\"'.repeat(500_000)}`)).toThrow(SyntaxError);
  expect(await processorTime(refuse)).toBeLessThan(2);
});
