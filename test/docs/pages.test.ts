// What the pages tell a person to type is what the program takes, and what they say that it prints is what it may print.

import { expect, test } from "bun:test";
import Ajv from "ajv/dist/2020";
import { commandFacts } from "../../build/command-facts.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { root } from "../../src/cli/cli.ts";
import type { Command } from "../../src/cli/command.ts";
import { wordOf } from "../../src/cli/word-of.ts";
import { allWords } from "../../src/report/word.ts";
import { blocksOf, pagePaths, textOf, top, withoutBlocks } from "./markdown.ts";

/** Throws where the program would refuse the words. */
async function parse(words: readonly string[]): Promise<void> {
  let command: Command = root;
  let rest = [...words];
  while (command.subCommands !== undefined) {
    const [word = ""] = rest;
    if (["--help", "--version"].includes(word)) return;
    const load: (() => Promise<Command>) | undefined = command.subCommands[word];
    if (load === undefined) throw new Error(`there is no command ${words.join(" ")}`);
    command = await load();
    rest = rest.slice(1);
  }
  if (!rest.includes("--help")) readArguments(rest, command.args ?? {});
}

/** What a shell makes of a line, up to where another command or a comment begins. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (/^([|&;#]|\d?[<>])/.test(word)) break;
    words.push(word.replace(/["']/g, ""));
  }
  return words;
}

function linesOf(path: string): string[] {
  const text = textOf(path);
  const blocks = blocksOf(text).flatMap(({ code }) => code.replace(/\\\n\s*/g, " ").split("\n"));
  const inline = [...withoutBlocks(text).matchAll(/`((?:sudo )?(?:\.\/)?edox-ops [^`]+)`/g)].map(
    ([, code = ""]) => code,
  );
  return (
    [...blocks, ...inline]
      .map((line) => line.trim())
      .filter((line) => /^(sudo (--preserve-env=\S+ )?)?(\.\/)?edox-ops\b/.test(line))
      // A synopsis says what may be typed, and an ellipsis that it is not all.
      .filter((line) => !/\[flags\]|<command>|…/.test(line))
  );
}

for (const path of pagePaths) {
  const lines = linesOf(path);
  if (lines.length === 0) continue;
  test(`each of the ${lines.length} commands on ${path} is one`, async () => {
    const faults: string[] = [];
    for (const line of lines) {
      const words = wordsOf(line);
      const at = words.findIndex((word) => /^(\.\/)?edox-ops$/.test(word));
      await parse(words.slice(at + 1)).catch((error) => faults.push(`${line}: ${error.message}`));
    }
    expect(faults).toEqual([]);
  });
}

test("a command that is not one is found", async () => {
  for (const line of ["project deplyo demo", "bootstrap --dry-rum", "project validate demo --dry-run"]) {
    await expect(parse(line.split(" "))).rejects.toThrow();
  }
});

test("the reference has examples and files of each command, and of none that is not there", async () => {
  const words = allWords(await wordOf(root, ["edox-ops"])).filter(({ words }) => words.length === 0);
  const names = words.map(({ path }) => path.slice(1).join(" "));
  expect(Object.keys(commandFacts).sort()).toEqual(names.sort());
  for (const [name, { examples }] of Object.entries(commandFacts)) {
    for (const example of examples) expect(example).toMatch(new RegExp(`^(sudo )?edox-ops ${name}( |$)`));
  }
});

test("json.md has each key of the document, and its examples are such documents", async () => {
  const schema = await Bun.file(`${top}/docs/edox-ops.schema.json`).json();
  const text = textOf("docs/json.md");
  for (const key of Object.keys(schema.properties)) expect(text).toContain(`| \`${key}\` `);
  const valid = new Ajv({ strict: true }).compile(schema);
  const examples = blocksOf(text).filter(({ language }) => language === "json");
  expect(examples.length).toBeGreaterThan(3);
  for (const { code } of examples) {
    valid(JSON.parse(code));
    expect([code, valid.errors ?? []]).toEqual([code, []]);
  }
});
