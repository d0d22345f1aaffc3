// The language of help, man page and reference: each text of the whole tree of commands follows the same rules.

import { describe, expect, test } from "bun:test";
import { root } from "../../src/cli/cli.ts";
import { commandSpecOf } from "../../src/cli/command-spec.ts";
import { exitMeaning } from "../../src/cli/context.ts";
import { allCommands, type CommandSpec, type Flag } from "../../src/report/command-spec.ts";
import { helpText } from "../../src/report/help.ts";
import { parse, wordsOf } from "./parse.ts";

const all = allCommands(await commandSpecOf(root, ["edox-ops"]));
const nameOf = ({ path }: CommandSpec): string => path.join(" ");
const allFlags = all.flatMap((spec) =>
  spec.flags.map((flag): [string, Flag] => [`${nameOf(spec)} ${flag.name}`, flag]),
);

/** The verbs in the imperative with which a description may begin. */
const verbs =
  `Accept Add Allow Apply Ask Back Ban Change Check Close Compare Compress Confirm Continue Create Delete Deploy Fail
  Fix Harden Install Keep Let Limit List Load Manage Obtain Open Print Publish Put Refuse Register Remove Renew
  Replace Request Require Restore Roll Rotate Run Send Serve Set Show Skip Take Test Treat Uninstall Unregister
  Update Upgrade Use Verify Wait Write`.split(/\s+/);

/** Words that are not standard terms: each has a replacement in the field's language. */
const dialect = [
  /\b(tell|tells|told|telling)\b/i,
  /\b(heed|heeds|lack|lacks|somebody|whoever|whatever|wherever)\b/i,
  /\bput(s)? back\b/i,
  /\b(take|takes|took|taken) away\b/i,
  /\bas wanted\b/i,
  /\bwhat (holds|was half done|is above)\b/i,
  /\bsay (--|what|how|whether)/i,
  /\bis no (time|number|address|flag|name)\b/i,
  /\bat a desk\b/i,
  /\bthe tree(s)?\b/i,
  /\bin line\b/i,
  /\bbring(s)?\b/i,
  /\blies\b/i,
  /\banswers? to\b/i,
  /\bthe one before\b/i,
  /\bcolour/i,
];

/** Returns the sentences of a text. */
const sentencesOf = (text: string): string[] => text.split(/(?<=[.?!]) /);

describe("texts of commands:", () => {
  for (const spec of all) {
    const { description, long, examples, words, flags, values } = spec;

    test(`${nameOf(spec)}: has a line in the imperative and two to six short sentences`, () => {
      expect(description).toMatch(/^[A-Z]/);
      expect(description).not.toMatch(/[.!?:]$/);
      expect(verbs).toContain(description.split(/\W/)[0] as string);
      expect(description.length).toBeLessThan(80);
      const sentences = sentencesOf(long);
      expect(sentences.length).toBeGreaterThanOrEqual(2);
      expect(sentences.length).toBeLessThanOrEqual(6);
      for (const sentence of sentences) {
        expect(sentence).toMatch(/^([A-Z]|nginx|certbot|project|--).*\.$/);
        expect([sentence, sentence.split(" ").length < 25]).toEqual([sentence, true]);
      }
    });

    test(`${nameOf(spec)}: has examples that the program accepts`, async () => {
      expect(examples.length).toBeGreaterThanOrEqual(1);
      expect(new Set(examples).size).toBe(examples.length);
      for (const example of examples) {
        const line = example.replace(/^[^|]*\| (?=sudo edox-ops)/, "");
        expect(line).toMatch(/^(sudo )?edox-ops /);
        const names = await parse(wordsOf(line.replace(/^(sudo )?edox-ops /, "")));
        const own = spec.path.slice(1);
        if (words.length === 0) expect([example, names]).toEqual([example, own]);
      }
    });

    test(`${nameOf(spec)}: describes flags and arguments with a capital letter and without a full stop`, () => {
      for (const { name, description: text } of [...flags, ...values]) {
        expect([name, text]).toEqual([name, expect.stringMatching(/^[A-Z]/)]);
        expect([name, text]).toEqual([name, expect.not.stringMatching(/[.!?:]$/)]);
        expect([name, text.length <= 100 || name === "slug"]).toEqual([name, true]);
      }
      for (const { name, description: text } of flags.filter(({ value }) => value === null)) {
        expect([name, verbs.includes(text.split(/\W/)[0] ?? "")]).toEqual([name, true]);
      }
      for (const { value, name } of flags) {
        if (value !== null)
          expect([name, value.name]).toEqual([name, expect.stringMatching(/^[a-zA-Z.-]+(,\.\.\.)?$/)]);
      }
    });
  }

  test("the help, which has all texts, has no words of a private dialect", () => {
    const texts = [
      ...all.map((spec) => helpText(spec, { colour: false, width: 80, exitCodes: [] })),
      ...Object.values(exitMeaning),
    ];
    const found = texts.flatMap((text) => {
      const flat = text.replace(/\s+/g, " ");
      return dialect.flatMap((word) => flat.match(word)?.[0] ?? []);
    });
    expect(found).toEqual([]);
  });

  for (const page of ["commands.md", "edox-ops.1"]) {
    test(`docs/${page}: has no words of a private dialect`, async () => {
      const text = (await Bun.file(`${import.meta.dir}/../../docs/${page}`).text()).replace(/\s+/g, " ");
      expect(dialect.flatMap((word) => text.match(word)?.[0] ?? [])).toEqual([]);
    });
  }
});

describe("flags:", () => {
  test("a short form has the same meaning in every command", () => {
    const meanings = Map.groupBy(
      allFlags.filter(([, { short }]) => short !== null),
      ([, { short }]) => short,
    );
    for (const [short, flags] of meanings) {
      expect([short, new Set(flags.map(([, { name }]) => name)).size]).toEqual([short, 1]);
    }
  });

  test("a flag that has a short form in one command has it in every command", () => {
    // self-update has a flag of its own with this name.
    const names = new Map(allFlags.flatMap(([, { name, short }]) => (short === null ? [] : [[name, short]])));
    const without = allFlags.filter(([where, { name, short }]) => {
      return short === null && names.has(name) && where !== "edox-ops self-update --version";
    });
    expect(without.map(([where]) => where)).toEqual([]);
  });

  test("flags of one name are in the same group in every command", () => {
    const groups = Map.groupBy(allFlags, ([, { name }]) => name);
    const different = [...groups].filter(([name, flags]) => {
      const own = new Set(flags.map(([, { group }]) => group));
      // Groups of commands have no flags but --help. The others are the names of two different flags each.
      const exceptions = [
        "--help",
        "--version",
        "--profile",
        "--key",
        "--alias",
        "--default",
        "--branch",
        "--expires",
        "--keep",
      ];
      return own.size > 1 && !exceptions.includes(name);
    });
    expect(different.map(([name, flags]) => [name, ...new Set(flags.map(([, { group }]) => group))])).toEqual([]);
  });

  test("advanced flags are last", () => {
    for (const { flags } of all) {
      const first = flags.findIndex(({ group }) => group === "Advanced");
      if (first >= 0) expect(flags.slice(first).every(({ group }) => group === "Advanced")).toBe(true);
    }
    const advanced = ["--fail-step", "--only", "--skip", "--require-signature", "--allow-older", "--no-preflight"];
    for (const [where, { name, group }] of allFlags) {
      if (advanced.includes(name)) expect([where, group]).toEqual([where, "Advanced"]);
    }
  });
});
