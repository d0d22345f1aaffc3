// Divides a config.toml into sections that are TOML on their own. With thousands of runners, an edit then reads the
// positions in a few sections only: toml-eslint-parser takes many times as long as smol-toml, and as much memory.

import type { TomlTable, TomlValue } from "smol-toml";
import type { ConfigEdit } from "./meaning.ts";
import { memoize } from "./remembered.ts";
import { InvalidToml, parseWithEslint, parseWithSmol } from "./tree.ts";

/** The first section is the text before the first runner, and each other one is a runner with all that follows it. */
export interface Section {
  start: number;
  end: number;
  /** Integers are bigints. */
  table: TomlTable;
}

/** A part of a text. Its first runner has the number `firstRunner` in the text. */
export interface Part {
  start: number;
  end: number;
  firstRunner: number;
}

/** A line that starts a runner, unless it is inside a string. */
const runnerLine = /(?<![^\n])[ \t]*\[\[runners\]\]/g;
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
 * A parser reads a text from its start to its end. If it accepts a section up to the end of a line, it would go on with
 * the next section between two statements when it read the whole. The sections therefore have the values of the whole
 * if they define different keys, and each exactly one runner.
 */
export const sectionsOf = memoize((text: string): readonly Section[] => {
  return divided(text) ?? [{ start: 0, end: text.length, table: readToml10(text) }];
});

/** Returns the values of the whole text. Integers are bigints. */
export function tableOf(sections: readonly Section[]): TomlTable {
  const [head, ...others] = sections;
  if (others.length === 0) return head?.table ?? {};
  const all: TomlTable = Object.assign(Object.create(null), ...sections.map(({ table }) => table));
  all.runners = others.flatMap(({ table }) => table.runners as TomlValue[]);
  return all;
}

/** Returns the part of the text that determines an edit, with the sections beside the changed one. */
export function partFor(edit: ConfigEdit, sections: readonly Section[]): Part {
  const last = sections.length - 1;
  const [from, to] = reach(edit, sections).map((at) => Math.min(Math.max(at, 0), last)) as [number, number];
  return { start: sections[from]?.start ?? 0, end: sections[to]?.end ?? 0, firstRunner: Math.max(from - 1, 0) };
}

/** Returns the first and the last section of a part. Runner 0 is in section 1. */
function reach(edit: ConfigEdit, sections: readonly Section[]): [number, number] {
  if (edit.kind === "add-runner") return [sections.length - 1, sections.length - 1];
  if (edit.kind !== "set-global") return [edit.runner, edit.runner + 2];
  const name = edit.key.toLowerCase();
  const at = sections.findLastIndex(({ table }) => Object.keys(table).some((key) => key.toLowerCase() === name));
  return [0, Math.max(at, 1)];
}

/** Returns null if a section is not TOML on its own, or if the sections do not have the values of the whole. */
function divided(text: string): Section[] | null {
  const starts = [0, ...Array.from(text.matchAll(runnerLine), ({ index }) => index)];
  if (starts.length === 1) return null;
  const [sections, tables, names] = [[] as Section[], new Map<string, TomlTable>(), new Set<string>()];
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? text.length;
    const part = text.slice(start, end);
    const table = known.get(part) ?? readOrNull(part);
    if (table === null) return null;
    for (const name of Object.keys(table)) {
      if (i > 0 && name === "runners") continue;
      if (names.has(name) || name.toLowerCase() === "runners") return null;
      names.add(name);
    }
    if (i > 0 && !(Array.isArray(table.runners) && table.runners.length === 1)) return null;
    sections.push({ start, end, table });
    tables.set(part, table);
  }
  known = tables;
  return sections;
}

function readOrNull(text: string): TomlTable | null {
  try {
    return readToml10(text);
  } catch (error) {
    if (error instanceof InvalidToml) return null;
    throw error;
  }
}

/** smol-toml also accepts TOML 1.1, which not every gitlab-runner does. */
function readToml10(text: string): TomlTable {
  const table = parseWithSmol(text);
  if (likeToml11.test(text)) parseWithEslint(text);
  return table;
}
