// Tests that an edit changes only what it means, and no other byte, in any layout that TOML allows.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { Problem } from "../../src/problem/problem.ts";
import { editToml, parseToml, type TomlEdit } from "../../src/toml/edit.ts";
import { type Meaning, meaningOf } from "../../src/toml/meaning.ts";
import { memoize } from "../../src/toml/remembered.ts";
import { meaningOfItem, treeOf } from "../../src/toml/tree.ts";
import { runs } from "../runs.ts";
import { config, Raw, written } from "./config-generated.ts";
import { after, before, imageBuilder, layouts } from "./config-layouts.ts";

const path = "/etc/gitlab-runner/config.toml";
const file = { path, array: "runners" };

for (const { name, marked, edits } of layouts) {
  test(`config.toml: an edit changes only its own place: ${name}`, () => {
    expect(editToml(before(marked), edits, file)).toBe(after(marked));
    const lasting = edits.every(({ kind }) => kind !== "add-table" && kind !== "remove-table");
    if (lasting) expect(editToml(after(marked), edits, file)).toBe(after(marked));
  });
}

const nonsense: [text: string, edit: TomlEdit, said: string][] = [
  ["runners = 3", ...asks(0, ["a"]), "runners wrong: it should be an array of tables"],
  ["runners = [1]", ...asks(0, ["a"]), "runners wrong: it should be an array of tables"],
  ["[runners]\na = 1", ...asks(0, ["a"]), "runners wrong: it should be an array of tables"],
  ['[[runners]]\ndocker = "s3cret"', ...asks(0, ["docker", "a"]), "runners[0].docker wrong: it should be a table"],
  ["[[runners]]\n[[runners.docker]]", ...asks(0, ["docker", "a"]), "runners[0].docker wrong: it should be a table"],
  ["[[runners]]\n[runners.docker]", ...asks(0, ["docker"]), "runners[0].docker wrong: it should be a value"],
  ["[[runners]]\n[[runners.docker]]", ...asks(0, ["docker"]), "runners[0].docker wrong: it should be a value"],
  ["[[runners]]\ndocker.a = {}", ...asks(0, ["docker", "a"]), "runners[0].docker.a wrong: it should be a value"],
  ["[[Runners]]", ...asks(0, ["a"]), "runners wrong: it should be spelled in this case"],
  [
    "[[runners]]\n[runners.Docker]",
    ...asks(0, ["docker", "a"]),
    "runners[0].docker wrong: it should be spelled in this case",
  ],
  ["[[runners]]\na = true\nA = false", ...asks(0, ["a"]), "runners[0].a wrong: it should be spelled in this case"],
  ["[[runners]]", ...asks(1, ["a"]), "has no runners[1]"],
  ["[concurrent]", { kind: "set-top-level", key: "concurrent", value: 1 }, "concurrent wrong: it should be a value"],
];
for (const wrong of ['"/s3cret"', "1", "{}", '["/s3cret", 1]', '[["/s3cret"]]', "[{}]"]) {
  const edit: TomlEdit = { kind: "add-items", index: 0, key: ["docker", "volumes"], items: ["/x"] };
  const said = "runners[0].docker.volumes wrong: it should be an array of strings";
  nonsense.push([`[[runners]]\n[runners.docker]\nvolumes = ${wrong}`, edit, said]);
}

function asks(runner: number, key: string[]): [TomlEdit] {
  return [{ kind: "set", index: runner, key, value: true }];
}

for (const [text, edit, said] of nonsense) {
  test(`config.toml: an invalid edit is named without quoting the file: ${JSON.stringify(text)}`, () => {
    const problem = problemOf(() => editToml(text, [edit], file));
    expect(problem.code).toBe("invalid-config");
    expect(problem.message).toEndWith(said);
    expect(problem.message).toStartWith(path);
    expect(problem.message).not.toContain("s3cret");
  });
}

const broken: [text: string, where: string][] = [
  ['[[runners]]\ntoken = "s3cret', "line 2, column"],
  ["[[runners]]\ntoken = s3cret\n", "line 2, column 9"],
  ['[[runners]]\r\ntoken = "s3cret"\r\ntoken = "s3cret"', "line 3, column 1: already exists"],
  ['a = {\n  token = "s3cret" }', "line 2, column"],
  ['[[runners]]\ntoken = "s3cret" "s3cret"', "line 2, column"],
  ["runners = [ { token = 's3cret' } ]\n[[runners]]", "line 2, column"],
  ["s3cret", "line 1, column"],
  [`a = ${"[".repeat(100_000)}`, "line 1, column"],
];
for (const [text, where] of broken) {
  test(`config.toml: a syntax error is reported by line and column without quoting the file: ${JSON.stringify(text.slice(0, 60))}`, () => {
    for (const read of [() => parseToml(text, file), () => editToml(text, [], file)]) {
      const problem = problemOf(read);
      expect(problem.code).toBe("invalid-config");
      expect(problem.message).toStartWith(`${path} is no TOML at ${where}`);
      expect(problem.message).not.toContain("s3cret");
    }
  });
}

for (const text of ["a = {b = 1,}", "a = {\n b = 1}", 'a = "\\e"', "a = 07:32", 'a = "\\x41"']) {
  test(`config.toml: syntax that only TOML 1.1 has is rejected: ${JSON.stringify(text)}`, () => {
    const edits: TomlEdit[] = [{ kind: "set-top-level", key: "concurrent", value: 2 }];
    for (const read of [
      () => parseToml(text, file),
      () => editToml(text, [], file),
      () => editToml(text, edits, file),
    ]) {
      expect(problemOf(read)).toMatchObject({
        code: "invalid-config",
        message: expect.stringContaining(`${path} is no TOML at`),
      });
    }
  });
}

test("config.toml: an edited text does not let another text skip the second parser", () => {
  const edited = editToml("a = 1\n", [{ kind: "set-top-level", key: "concurrent", value: 2 }], file);
  expect(parseToml(edited, file)).toEqual({ a: 1, concurrent: 2 });
  expect(problemOf(() => parseToml(`${edited}b = {c = 1,}\n`, file)).code).toBe("invalid-config");
});

test("remembered: the last three texts are parsed once, and a text that throws is parsed again", () => {
  const texts: string[] = [];
  const length = memoize((text) => {
    texts.push(text);
    if (text === "") throw new Error("empty");
    return text.length;
  });
  expect(["a", "bb", "ccc", "a", "dddd", "a", "bb"].map(length)).toEqual([1, 2, 3, 1, 4, 1, 2]);
  expect(texts).toEqual(["a", "bb", "ccc", "dddd", "bb"]);
  expect(() => length("")).toThrow("empty");
  expect(() => length("")).toThrow("empty");
});

test("config.toml: reading returns the values of the file, large integers included", () => {
  const read = parseToml('\ufeffconcurrent = 2\r\nbig = 9007199254740993\n[[runners]]\ndocker.a = ["x"]\n', file);
  expect(read).toEqual({ concurrent: 2, big: 9007199254740993n, runners: [{ docker: { a: ["x"] } }] });
});

test("config.toml: setting a table sets its keys one by one, keeps other keys and creates missing tables", () => {
  const value = { image: "b", auth: { user: "x" }, limits: {} };
  const edit: TomlEdit = { kind: "set", index: 0, key: ["docker"], value };
  const text = '[[runners]]\n  [runners.docker]\n    privileged = false # stays\n    image = "a"\n';
  const edited = editToml(text, [edit], file);
  expect(edited).toBe(
    `${text.replace('"a"', '"b"')}    [runners.docker.auth]\n      user = "x"\n    [runners.docker.limits]\n`,
  );
  expect(editToml(edited, [edit], file)).toBe(edited);
});

test("config.toml: every kind of value is read back as it was written", () => {
  const values = { a: 1, b: -0.5, c: 1e21, d: 2 ** 53, e: Number.POSITIVE_INFINITY, f: [], g: ["'", '"'], h: true };
  const table = { ...values, 'k"\n': "\u0000\b\t\n\f\r\u001f\u007f\u0085\ufeff\\u0041🦊", "": { __x: {} } };
  for (const text of ["", "runners = []", "[[runners]]\n"]) {
    const read = parseToml(editToml(text, [{ kind: "add-table", table }], file), file);
    expect((read.runners as unknown[]).at(-1)).toEqual(table);
  }
  const half: TomlEdit = { kind: "set-top-level", key: "a", value: "\ud83e" };
  expect(problemOf(() => editToml("", [half], file)).code).toBe("usage");
});

test("config.toml: names that every JavaScript object inherits are keys like others", () => {
  const edits: TomlEdit[] = ["__proto__", "constructor", "toString"].map((name) => {
    return { kind: "set", index: 0, key: ["docker", name], value: true };
  });
  const text = "[[runners]]\n[runners.docker]\n[runners.hasOwnProperty.__proto__]\nvalueOf = 1\n";
  const edited = editToml(text, edits, file);
  expect(edited).toBe(text.replace("docker]\n", "docker]\n__proto__ = true\nconstructor = true\ntoString = true\n"));
  expect(editToml(edited, edits, file)).toBe(edited);
});

test("config.toml: a runner that is added and removed again leaves the file unchanged", () => {
  for (const text of ["", 'concurrent = 1\n\n[[runners]]\n  name = "a"\n', "runners = []\n", "# x\r\n"]) {
    const runner = text.includes("[[") ? 1 : 0;
    const added = editToml(text, [{ kind: "add-table", table: { name: "b", docker: { image: "x" } } }], file);
    expect(editToml(added, [{ kind: "remove-table", index: runner }], file)).toBe(text);
  }
});

test("config.toml: an edit whose result differs from its meaning throws an internal error", () => {
  let asked = 0;
  const edit: TomlEdit = {
    kind: "set-top-level",
    key: "concurrent",
    get value() {
      asked += 1;
      return asked;
    },
  };
  expect(problemOf(() => editToml("", [edit], file)).code).toBe("internal");
});

/** fast-check prints the seed and the path of a failure. */
const generated = { numRuns: runs(25, 2000), seed: 20_261_126 };
const patienceMs = 300_000;
type Table = Record<string, unknown>;
type Config = Table & { runners: Table[] };

function read(text: string): Config {
  return parse(text.replace(/^\ufeff/, ""), { integersAsBigInt: true }) as Config;
}

/**
 * Expects that the other parser accepts the text as TOML 1.0 with the same meaning. It represents date-times and line
 * ends differently.
 */
function expectStrict(text: string): void {
  const strict = meaningOfItem(treeOf(text.replace(/^\ufeff/, "")).top);
  expect(comparable(strict)).toEqual(comparable(meaningOf(read(text) as Parameters<typeof meaningOf>[0])));
}

function comparable(value: Meaning): unknown {
  if (typeof value === "string") return value.replaceAll("\r\n", "\n");
  if (Array.isArray(value)) return value.map(comparable);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, comparable(each)]));
  return typeof value === "object" ? "a moment" : value;
}

/** Returns the values of a model or of a file. Line ends in strings are normalized. */
function plain(value: unknown): unknown {
  if (value instanceof Raw) return parse(`x = ${value.text}`, { integersAsBigInt: true }).x;
  if (value instanceof Date) return value;
  if (typeof value === "string") return value.replaceAll("\r\n", "\n");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

/** Returns the text that one edit removed and added, as one range. The rest is unchanged, to the byte. */
function changed(one: string, other: string): { removed: string; added: string } {
  let start = 0;
  while (start < Math.min(one.length, other.length) && one[start] === other[start]) start += 1;
  let end = 0;
  const most = Math.min(one.length, other.length) - start;
  while (end < most && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  return { removed: one.slice(start, one.length - end), added: other.slice(start, other.length - end) };
}

test(
  "config.toml: generated files have the values of their models, in any layout",
  () => {
    fc.assert(
      fc.property(config, fc.integer(), (model, layout) => {
        const text = written(model, layout);
        const meant = plain(model) as Config;
        expect(plain(read(text))).toEqual(meant);
        expect(editToml(text, [], file)).toBe(text);
      }),
      generated,
    );
  },
  patienceMs,
);

test(
  "config.toml: preparing runners to build images changes nothing else, in any generated file",
  () => {
    fc.assert(
      fc.property(config, fc.integer(), fc.nat(), (model, layout, at) => {
        const text = written(model, layout);
        const chosen = model.runners.flatMap((_, i) => ((at >> i) % 2 === 0 ? imageBuilder(i) : []));
        const wanted = read(text);
        let edited = text;
        for (const edit of chosen) {
          const next = editToml(edited, [edit], file);
          const { removed } = changed(edited, next);
          expect(edit.kind === "set" ? ["", " ", "fals"] : [""]).toContain(removed);
          edited = next;
          if (edit.kind !== "set") continue;
          const runner = wanted.runners[edit.index] as { docker?: { privileged?: boolean; volumes?: string[] } };
          runner.docker ??= {};
          runner.docker.privileged = true;
          const { volumes = [] } = runner.docker;
          runner.docker.volumes = volumes.includes("/certs/client") ? volumes : [...volumes, "/certs/client"];
        }
        expect(read(edited)).toEqual(wanted);
        expectStrict(edited);
        expect(editToml(text, chosen, file)).toBe(edited);
        expect(editToml(edited, chosen, file)).toBe(edited);
      }),
      generated,
    );
  },
  patienceMs,
);

test(
  "config.toml: setting a global key and adding a runner changes one place each, in any generated file",
  () => {
    const runner = { name: 'n"\u0001', limit: 2, docker: { volumes: ["/cache"], auth: { user: "x" } } };
    fc.assert(
      fc.property(config, fc.integer(), (model, layout) => {
        const text = written(model, layout);
        const set: TomlEdit = { kind: "set-top-level", key: "concurrent", value: 12 };
        const global = editToml(text, [set], file);
        const was = model.concurrent instanceof Raw ? model.concurrent.text : "";
        expect(was).toContain(changed(text, global).removed);
        expect(editToml(global, [set], file)).toBe(global);
        const edited = editToml(global, [{ kind: "add-table", table: runner }], file);
        expect(changed(global, edited).removed).toBe("");
        const wanted = read(text);
        wanted.concurrent = 12n;
        wanted.runners.push({ ...runner, limit: 2n });
        expect(read(edited)).toEqual(wanted);
        expectStrict(edited);
      }),
      generated,
    );
  },
  patienceMs,
);

test(
  "config.toml: a damaged file is edited idempotently or rejected for its state, in any generated file",
  () => {
    const pieces = ["", "[", "]", "{", "}", '"', "'", "\n", "\r", ".", "=", ",", "#", "\\", "\0", "\ud83e", "\ufeff"];
    const lines = ["[runners.docker]\n", "[[runners]]\n", "[runners]\n", "docker = {}\n", "docker.x = 1\n"];
    const cut = fc.tuple(fc.nat(), fc.constantFrom(...pieces, ...lines), fc.nat(2));
    const s3: TomlEdit = { kind: "set", index: 0, key: ["cache"], value: { s3: { region: "x" }, Shared: true } };
    const edits: TomlEdit[] = [...imageBuilder(0), s3, { kind: "set-top-level", key: "concurrent", value: 3 }];
    fc.assert(
      fc.property(config, fc.integer(), fc.array(cut, { maxLength: 3 }), (model, layout, cuts) => {
        let text = written(model, layout);
        for (const [n, piece, removed] of cuts) {
          const at = n % (text.length + 1);
          text = text.slice(0, at) + piece + text.slice(at + removed);
        }
        try {
          const edited = editToml(text, edits, file);
          expect(editToml(edited, edits, file)).toBe(edited);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          expect((error as Problem).code).toBe("invalid-config");
        }
      }),
      generated,
    );
  },
  patienceMs,
);

test(
  "config.toml: removing a runner removes its comments and keeps those of others, in any generated file",
  () => {
    fc.assert(
      fc.property(config, fc.integer(), fc.nat(), (model, layout, nth) => {
        const text = written(model, layout);
        const runner = nth % model.runners.length;
        const edited = editToml(text, [{ kind: "remove-table", index: runner }], file);
        expectStrict(edited);
        const wanted = read(text);
        wanted.runners.splice(runner, 1);
        expect({ ...read(edited), runners: read(edited).runners ?? [] }).toEqual(wanted);
        const kept = (all: string): string[] => all.match(/# keep-\w-.*/g) ?? [];
        expect(kept(edited)).toEqual(kept(text).filter((each) => !each.startsWith(`# keep-${runner}-`)));
        // No remaining byte has changed or moved.
        let at = -1;
        for (const character of edited) at = text.indexOf(character, at + 1);
        expect(edited === "" || at >= 0).toBe(true);
      }),
      generated,
    );
  },
  patienceMs,
);

function problemOf(act: () => unknown): Problem {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("no problem");
}
