// What the pages and the recording show of a terminal is what the golden files of the commands have.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseCast } from "../../build/terminal/cast.ts";
import { replay } from "../../build/terminal/screens.ts";
import { blocksOf, pagePaths, textOf, top } from "./markdown.ts";

const golden = ["terminal", "terminal-deploy", "doctor", "list-view"].map((name) => {
  return readFileSync(`${top}/test/cli/__snapshots__/${name}.test.ts.snap`, "utf8").replaceAll("\\\\", "\\");
});
const goldenShapes = new Set(golden.flatMap((text) => text.split("\n")).map(shapeOf));

/** Returns a line without what differs from run to run: sudo, project, names, paths, counts, sizes, times and columns. */
function shapeOf(line: string): string {
  return (
    line
      .replace(/^"/, "")
      // The golden files are of root, who needs no sudo.
      .replace(/\bsudo (?=edox-ops)/g, "")
      .replace(/\b(demo|docs)\b(?![./])/g, "SLUG")
      .replace(/https?:\/\/[\w.-]+\//g, "URL")
      .replace(/--source \S+/g, "--source DIRECTORY")
      .replace(/\b\d{8}T\d{6}Z\b/g, "STAMP")
      .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d\b/g, "WHEN")
      .replace(/\bjust now\b|\b\d+ (hour|day)s? ago\b/g, "AGE")
      .replace(/[\d.]+ (bytes|KiB|MiB)/g, "SIZE")
      .replace(/[\d.]+ (ms|s)\b/g, "TIME")
      .replace(/\b\d+ (files?|ok|not set up|changed)\b/g, "N $1")
      .replace(/\bfiles\b/g, "file")
      .replace(/ +/g, " ")
      .trim()
  );
}

/** Returns the lines of a page that no golden file has. */
function unknownIn(text: string): string[] {
  const lines = blocksOf(text).flatMap(({ language, code }) => (language === "text" ? code.split("\n") : []));
  return lines.filter((line) => line !== "" && !line.startsWith("$ ") && !goldenShapes.has(shapeOf(line)));
}

for (const path of pagePaths.filter((path) => textOf(path).includes("```text"))) {
  test(`outputs: a terminal of 80 columns prints each line that ${path} shows of it`, () => {
    expect(unknownIn(textOf(path))).toEqual([]);
  });
}

test("outputs: a line that no command prints is detected", () => {
  const block = (line: string): string => `\`\`\`text\n${line}\n\`\`\`\n`;
  expect(unknownIn(block("✔ Host ready in 9.6 s (3 changed)"))).toEqual([]);
  expect(unknownIn(block("✔ Host done in 9.6 s (3 changed)"))).not.toEqual([]);
});

test.each(["terminal", "terminal-narrow"])("outputs: %s.cast records what the commands print now", async (name) => {
  const recorded = parseCast(await Bun.file(`${top}/docs/public/${name}.cast`).text());
  const { transcript } = await replay(recorded);
  const printed = transcript.filter((line) => !/^(# |#$|Version \d$|$)/.test(line));
  expect(printed.length).toBeGreaterThan(12);
  expect(printed.filter((line) => !goldenShapes.has(shapeOf(line)))).toEqual([]);
});
