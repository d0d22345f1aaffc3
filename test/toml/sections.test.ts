// Tests that a config.toml that is read in sections has the values of the whole file, and that edits keep to their own.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { Problem } from "../../src/problem/problem.ts";
import { editToml, type TomlEdit } from "../../src/toml/edit.ts";
import { sectionsOf, tableOf } from "../../src/toml/sections.ts";
import { InvalidToml, parseWithSmol, treeOf } from "../../src/toml/tree.ts";
import { runs } from "../runs.ts";
import { config, written } from "./config-generated.ts";

const path = "/etc/gitlab-runner/config.toml";
const file = { path, array: "runners" };
const two = "[[runners]]\na = 1\n[[runners]]\na = 2\n";

const divided: [what: string, text: string, sections: number][] = [
  ["no runner", "concurrent = 1\n", 1],
  ["runners of any indentation", `concurrent = 1\n\n${two}  [[runners]] # third\r\na = 3`, 4],
  ["a global section between runners", `${two}[session_server]\nb = 1\n[[runners]]\n`, 4],
  ["a header in a comment", `# \u2028[[runners]]\n${two}#[[runners]]\n`, 3],
  ["a header inside a string", `${two}b = """\n[[runners]]\n"""\n`, 1],
  ["runners in another spelling", `${two}[["runners"]]\na = 3\n`, 1],
  ["runners in another case", `Runners = 1\n${two}`, 1],
  ["a table in two sections", `[b.c]\n${two}[b]\n`, 1],
];
for (const [what, text, sections] of divided) {
  test(`config.toml: sections have the values of the whole file: ${what}`, () => {
    expectAsWhole(text);
    expect(sectionsOf(text, "runners")).toHaveLength(sections);
  });
}

const invalid: [what: string, text: string][] = [
  ["runners in an inline array and in sections", `runners = [{ a = 0 }]\n${two}`],
  ["runners as a table and in sections", `[runners]\n${two}`],
  ["a table that two sections define", `[b]\n${two}[b]\n`],
  ["a key that a later section defines as a table", `b = 1\n${two}[b]\n`],
  ["an array that does not end", `${two}b = [\n[[runners]]\n`],
  ["TOML 1.1 in the last runner", `${two}b = { c = 1, }\n`],
  ["TOML 1.1 before the runners", `b = 07:32\n${two}`],
  ["a second byte order mark", `\ufeff${two}`],
];
for (const [what, text] of invalid) {
  test(`config.toml: sections accept no file that is invalid as a whole: ${what}`, () => {
    expectAsWhole(text);
    expect(() => sectionsOf(text, "runners")).toThrow(InvalidToml);
  });
}

test("config.toml: sections have the values of the whole file, in any generated or damaged file", () => {
  const pieces = [..."[]{}\"'\\=,\r\n\u2028\ufeff", "", '"""', "'''", "# ", "\\e", "1:02", "07:32"];
  const lines = ["[x]", "[[x]]", "[x.y]", "x.y = 1", "[[runners]]", "  [[runners]]", "[runners.x]", '[["runners"]]'];
  const cut = fc.tuple(fc.nat(), fc.constantFrom(...pieces, ...lines.map((line) => `\n${line}\n`)), fc.nat(2));
  fc.assert(
    fc.property(config, fc.integer(), fc.array(cut, { maxLength: 4 }), (model, layout, cuts) => {
      let text = written(model, layout).replace(/^\ufeff/, "");
      for (const [n, piece, removed] of cuts) {
        const at = n % (text.length + 1);
        text = text.slice(0, at) + piece + text.slice(at + removed);
      }
      expectAsWhole(text);
    }),
    { numRuns: runs(50, 5000), seed: 20_261_128 },
  );
}, 300_000);

const names = [..."abcdefgh"];
const runners = names.map((name) => {
  return `\n# ${name}\n[[runners]]\n  name = "${name}"\n${name === "e" ? "[session_server]\n" : ""}`;
});
const many = `log_level = "info"\n${runners.join("")}`;

test("config.toml: edits of one of many runners change only this runner, one after another", () => {
  const edits: TomlEdit[] = [
    { kind: "set-top-level", key: "concurrent", value: 2 },
    { kind: "set", index: 4, key: ["docker", "privileged"], value: true },
    { kind: "add-table", table: { name: "i" } },
    { kind: "remove-table", index: 7 },
    { kind: "set", index: 6, key: ["name"], value: "G" },
    { kind: "remove-table", index: 0 },
  ];
  const edited = many
    .replace('info"\n', 'info"\nconcurrent = 2\n')
    .replace('# a\n[[runners]]\n  name = "a"\n\n', "")
    .replace('"e"\n', '"e"\n  [runners.docker]\n    privileged = true\n')
    .replace('"g"', '"G"')
    .replace('# h\n[[runners]]\n  name = "h"', '[[runners]]\n  name = "i"');
  expect(editToml(many, edits, file)).toBe(edited);
});

test("config.toml: the unchanged sections of an edited text are not parsed again", () => {
  const before = sectionsOf(many, "runners");
  const after = sectionsOf(editToml(many, [{ kind: "set", index: 1, key: ["name"], value: "B" }], file), "runners");
  const shared = after.map(({ table }, i) => table === before[i]?.table);
  expect(shared).toEqual([true, true, false, true, true, true, true, true, true]);
});

for (const [what, text, edit, wrong] of [
  ["a runner that is missing", many, { kind: "remove-table", index: 8 }, "no runners[8]"],
  ["a runner far behind the last", many, { kind: "set", index: 99, key: ["a"], value: 1 }, "no runners[99]"],
  [
    "a value in a runner in the middle",
    many.replace("[session_server]", "docker = 1"),
    { kind: "set", index: 4, key: ["docker", "image"], value: "a" },
    "runners[4].docker wrong: it should be a table",
  ],
  [
    "a global table behind the runners",
    `${many}[concurrent]\n`,
    { kind: "set-top-level", key: "concurrent", value: 1 },
    "concurrent wrong: it should be a value",
  ],
] satisfies [string, string, TomlEdit, string][]) {
  test(`config.toml: an edit of a file with many runners names the number in the whole file: ${what}`, () => {
    expect(() => editToml(text, [edit], file)).toThrow(new Problem("invalid-config", `${path} has ${wrong}`));
  });
}

/** Expects that the sections of a text are accepted if both parsers accept the whole, with its values. */
function expectAsWhole(text: string): void {
  const whole = valuesOf(() => treeOf(text) && parseWithSmol(text));
  expect(valuesOf(() => tableOf(sectionsOf(text, "runners"), "runners"))).toEqual(whole);
}

/** Returns null for a text that is not TOML. */
function valuesOf<T>(parsed: () => T): T | null {
  try {
    return parsed();
  } catch (error) {
    if (error instanceof InvalidToml) return null;
    throw error;
  }
}
