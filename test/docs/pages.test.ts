// Commands on the documentation pages are accepted by the program, and documented output is possible.

import { expect, test } from "bun:test";
import Ajv from "ajv/dist/2020";
import { commandFacts } from "../../build/command-facts.ts";
import { root } from "../../src/cli/cli.ts";
import { commandSpecOf } from "../../src/cli/command-spec.ts";
import { allCommands } from "../../src/report/command-spec.ts";
import { parse, wordsOf } from "../cli/parse.ts";
import { blocksOf, pagePaths, textOf, top, withoutBlocks } from "./markdown.ts";

function linesOf(path: string): string[] {
  const text = textOf(path);
  const blocks = blocksOf(text).flatMap(({ code }) => code.replace(/\\\n\s*/g, " ").split("\n"));
  const inline = [...withoutBlocks(text).matchAll(/`((?:sudo )?(?:\.\/)?edox-ops [^`]+)`/g)].map(
    ([, code = ""]) => code,
  );
  return (
    [...blocks, ...inline]
      // A command may be an item of cloud-init's `runcmd`.
      .map((line) => line.trim().replace(/^- /, ""))
      .filter((line) => /^(sudo (--preserve-env=\S+ )?)?(\.\/)?edox-ops\b/.test(line))
      // A synopsis is no command, and neither is a line with an ellipsis.
      .filter((line) => !/\[flags\]|<command>|…/.test(line))
  );
}

for (const path of pagePaths) {
  const lines = linesOf(path);
  if (lines.length === 0) continue;
  test(`docs: each of the ${lines.length} commands on ${path} is valid`, async () => {
    const faults: string[] = [];
    for (const line of lines) {
      const words = wordsOf(line);
      const at = words.findIndex((word) => /^(\.\/)?edox-ops$/.test(word));
      await parse(words.slice(at + 1)).catch((error) => faults.push(`${line}: ${error.message}`));
    }
    expect(faults).toEqual([]);
  });
}

test("docs: an invalid command is detected", async () => {
  for (const line of ["project deplyo demo", "bootstrap --dry-rum", "project validate demo --dry-run"]) {
    await expect(parse(line.split(" "))).rejects.toThrow();
  }
});

test("docs: the reference has the files of each existing command, and of no other", async () => {
  const words = allCommands(await commandSpecOf(root, ["edox-ops"])).filter(({ words }) => words.length === 0);
  const names = words.map(({ path }) => path.slice(1).join(" "));
  expect(Object.keys(commandFacts).sort()).toEqual(names.sort());
});

test("docs: json.md lists each key of the document, and its examples are valid documents", async () => {
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

test("docs: json.md lists each event, and its examples are a valid run", async () => {
  const schema = await Bun.file(`${top}/docs/edox-ops.schema.json`).json();
  const text = textOf("docs/json.md");
  const events = schema.$defs.event.oneOf.map(
    (each: { properties: { event: { const: string } } }) => each.properties.event.const,
  );
  for (const event of events) expect(text).toContain(`| \`${event}\` `);
  const valid = new Ajv({ strict: true }).addSchema(schema, "edox-ops").getSchema("edox-ops#/$defs/event");
  const [example = ""] = blocksOf(text).flatMap(({ language, code }) => (language === "jsonl" ? code : []));
  const lines = example
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const line of lines) {
    valid?.(line);
    expect([line, valid?.errors ?? []]).toEqual([line, []]);
  }
  const { event, ...document } = lines.at(-1);
  expect([event, lines.at(-2).step]).toEqual(["summary", document.steps.at(-1)]);
});
