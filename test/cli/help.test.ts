// Golden files of the help, at the widths of a usual and of a narrow terminal.

import { afterEach, describe, expect, test } from "bun:test";
import { root } from "../../src/cli/cli.ts";
import { commandSpecOf } from "../../src/cli/command-spec.ts";
import { allCommands } from "../../src/report/command-spec.ts";
import { helpText } from "../../src/report/help.ts";
import { parse, wordsOf } from "./parse.ts";
import { typed, variables } from "./typed.ts";

afterEach(() => {
  delete variables.COLUMNS;
  delete variables.FORCE_COLOR;
});

const all = allCommands(await commandSpecOf(root, ["edox-ops"]));
const linesAt = (width: number): string[] => {
  return all.flatMap((spec) => helpText(spec, { colour: false, width, exitCodes: [] }).split("\n"));
};

describe("help:", () => {
  for (const line of ["", "project", "project deploy", "bootstrap", "doctor", "gitlab-runner register"]) {
    for (const columns of ["80", "40"]) {
      test(`edox-ops ${line} --help at ${columns} columns`, async () => {
        variables.COLUMNS = columns;
        expect((await typed(`${line} --help`)).out).toMatchSnapshot();
      });
    }
  }

  test("piped help is that of a terminal of 80 columns", async () => {
    const piped = await typed("project deploy --help");
    variables.COLUMNS = "80";
    expect(await typed("project deploy --help")).toEqual(piped);
  });

  test("no line is wider than the terminal or than 100 columns", () => {
    for (const [width, widest] of [
      [60, 60],
      [80, 80],
      [200, 100],
    ] as const) {
      expect(linesAt(width).filter((line) => Bun.stringWidth(line) > widest)).toEqual([]);
    }
  });

  test("at 40 columns only a name, a value or a path that is wider stands out", () => {
    const wide = linesAt(40).filter((line) => Bun.stringWidth(line) > 40);
    for (const line of wide) expect(line).toMatch(/^( {4,6}| {2}(-\w, )?)(\S+( [A-Z,.]+)?|--?[\w-]+ \S+)( \\)?$/);
  });

  test("an example that is broken into lines is the same command", async () => {
    for (const spec of all) {
      const text = helpText(spec, { colour: false, width: 40, exitCodes: [] });
      const [, examples = ""] = /\nExamples\n([\s\S]*?)\n\n/.exec(text) ?? [];
      const joined = examples.replace(/ \\\n\s+/g, " ").split("\n");
      expect(joined.map((line) => line.trim())).toEqual([...spec.examples]);
      for (const example of spec.examples) await parse(wordsOf(example.replace(/^.*?edox-ops /, "")));
    }
  });

  test("headings are bold where the terminal has colors, and only they", async () => {
    variables.COLUMNS = "80";
    const plain = (await typed("project deploy --help")).out;
    variables.FORCE_COLOR = "1";
    const { out } = await typed("project deploy --help");
    expect(Bun.stripANSI(out)).toBe(plain);
    const bold = out
      .split("\u001B[1m")
      .slice(1)
      .map((each) => each.split("\u001B[0m")[0]);
    expect(bold).toEqual([
      ...["Usage", "Examples", "Details", "Arguments", "Source flags", "Site flags", "Preview flags", "Version flags"],
      ...["Backup flags", "Bundle flags", "Plan flags", "Output flags", "Advanced flags"],
    ]);
  });

  test("only the help of the program lists the exit codes", () => {
    const exitCodes = [[0, "success"]] as const;
    for (const spec of all) {
      const text = helpText(spec, { colour: false, width: 80, exitCodes });
      expect([spec.path.join(" "), text.includes("\nExit codes\n")]).toEqual([
        spec.path.join(" "),
        spec.path.length === 1,
      ]);
    }
  });
});
