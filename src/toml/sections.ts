// Divides a file into sections that are TOML on their own. With thousands of tables, an edit then reads the
// positions in a few sections only: toml-eslint-parser takes many times as long as smol-toml, and as much memory.

import type { TomlTable, TomlValue } from "smol-toml";
import type { TomlEdit } from "./meaning.ts";
import { memoize } from "./remembered.ts";
import { InvalidToml, parseWithEslint, parseWithSmol } from "./tree.ts";

/** The first section is the text before the first table of the array, and each other one is a table with all that follows it. */
interface Section {
  start: number;
  end: number;
  /** Integers are bigints. */
  table: TomlTable;
}

/** A part of a text. Its first table has the index `firstIndex` in the array. */
interface Part {
  start: number;
  end: number;
  firstIndex: number;
}

/**
 * What a text has that is TOML 1.1 and not TOML 1.0: an inline table of several lines or with a last comma, the escape
 * sequences \e and \x, a time without seconds. smol-toml also accepts a second byte order mark. Matches more than that.
 */
const likeToml11 = /[=,[\s]\{|\\[ex]|[=,[\sTt]\d\d:\d\d(?!:)|^\ufeff/;

/** The sections of the last text. An edited text has most of them too, so that they are not parsed again. */
let known: ReadonlyMap<string, TomlTable> = new Map();

/**
 * Returns the sections of a text without a byte order mark. A text that cannot be divided is one section. Throws
 * InvalidToml for a text that is not TOML 1.0. The result is shared, and must not be changed.
 *
 * A parser reads a text from its start to its end. If it accepts a section up to the end of a line, it is between two
 * statements there when it reads the whole. The sections therefore have the values of the whole if they define
 * different keys, and each exactly one table of the array.
 */
export function sectionsOf(text: string, array: string): readonly Section[] {
  const divide = dividers.get(array) ?? memoize((each: string) => divided(each, array) ?? [whole(each)]);
  dividers.set(array, divide);
  return divide(text);
}

const dividers = new Map<string, (text: string) => readonly Section[]>();

function whole(text: string): Section {
  return { start: 0, end: text.length, table: readToml10(text) };
}

/** Returns the values of the whole text. Integers are bigints. */
export function tableOf(sections: readonly Section[], array: string): TomlTable {
  const [head, ...others] = sections;
  if (others.length === 0) return head?.table ?? {};
  const all: TomlTable = Object.assign(Object.create(null), ...sections.map(({ table }) => table));
  all[array] = others.flatMap(({ table }) => table[array] as TomlValue[]);
  return all;
}

/** Returns the part of the text that determines an edit, with the sections beside the changed one. */
export function partFor(edit: TomlEdit, sections: readonly Section[]): Part {
  const last = sections.length - 1;
  const [from, to] = reach(edit, sections).map((at) => Math.min(Math.max(at, 0), last)) as [number, number];
  return { start: sections[from]?.start ?? 0, end: sections[to]?.end ?? 0, firstIndex: Math.max(from - 1, 0) };
}

/** Returns the first and the last section of a part. Table 0 is in section 1. */
function reach(edit: TomlEdit, sections: readonly Section[]): [number, number] {
  if (edit.kind === "add-table") return [sections.length - 1, sections.length - 1];
  if (edit.kind !== "set-top-level") return [edit.index, edit.index + 2];
  const name = edit.key.toLowerCase();
  const at = sections.findLastIndex(({ table }) => Object.keys(table).some((key) => key.toLowerCase() === name));
  return [0, Math.max(at, 1)];
}

/** Returns null if a section is not TOML on its own, or if the sections do not have the values of the whole. */
function divided(text: string, array: string): Section[] | null {
  /** A line that starts a table, unless it is inside a string. */
  const header = new RegExp(String.raw`(?<![^\n])[ \t]*\[\[${RegExp.escape(array)}\]\]`, "g");
  const starts = [0, ...Array.from(text.matchAll(header), ({ index }) => index)];
  if (starts.length === 1) return null;
  const [sections, tables, names] = [[] as Section[], new Map<string, TomlTable>(), new Set<string>()];
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? text.length;
    const part = text.slice(start, end);
    const table = known.get(part) ?? readOrNull(part);
    if (table === null) return null;
    for (const name of Object.keys(table)) {
      if (i > 0 && name === array) continue;
      if (names.has(name) || name.toLowerCase() === array.toLowerCase()) return null;
      names.add(name);
    }
    if (i > 0 && !isSingle(table[array])) return null;
    sections.push({ start, end, table });
    tables.set(part, table);
  }
  known = tables;
  return sections;
}

function isSingle(value: TomlValue | undefined): boolean {
  return Array.isArray(value) && value.length === 1;
}

function readOrNull(text: string): TomlTable | null {
  try {
    return readToml10(text);
  } catch (error) {
    if (error instanceof InvalidToml) return null;
    throw error;
  }
}

/** smol-toml also accepts TOML 1.1, which older programs reject. */
function readToml10(text: string): TomlTable {
  const table = parseWithSmol(text);
  if (likeToml11.test(text)) parseWithEslint(text);
  return table;
}
