// Edits a TOML file by position. Everything that an edit does not concern stays unchanged, to the byte.

import { Problem } from "../problem/problem.ts";
import { hintToShow, hintToShowWithoutTokens } from "../problem/show-file.ts";
import {
  applyToMeaning,
  hasMeaning,
  isTable,
  type Meanings,
  meaningOf,
  meaningToWrite,
  type TomlEdit,
  type TomlFile,
  type TomlValue,
  withNumbers,
} from "./meaning.ts";
import { insertion, intoArray, lastSection, removeElement, removeSections, splice } from "./places.ts";
import { partFor, sectionsOf, tableOf } from "./sections.ts";
import { formatValue } from "./spelling.ts";
import { InvalidToml, type Item, meaningOfItem, parseWithSmol, type Table, type Tree, treeOf } from "./tree.ts";

export type { TomlEdit, TomlFile, TomlTable, TomlValue } from "./meaning.ts";

const mark = "\ufeff";

/**
 * Parses the text. Throws a Problem with the path, line and column of anything that is not TOML 1.0. The Problem quotes
 * nothing, because the file may contain secrets.
 */
export function parseToml(text: string, file: TomlFile): Record<string, unknown> {
  return orProblem(
    file,
    () => withNumbers(tableOf(sectionsOf(withoutMark(text), file.array), file.array)) as Record<string, unknown>,
  );
}

/**
 * Returns the text with the edits applied in order. Throws a Problem if the text is not TOML 1.0, or if the value at a
 * key has another type than the edit expects. One parser finds the positions, and another parses the result: if its
 * meaning is not that of the edits, a Problem is thrown too.
 */
export function editToml(text: string, edits: readonly TomlEdit[], file: TomlFile): string {
  const bare = withoutMark(text);
  if (edits.length === 0) {
    parseToml(text, file);
    return text;
  }
  const meaning = orProblem(file, () => meaningOf(tableOf(sectionsOf(bare, file.array), file.array)) as Meanings);
  const wrong = new Problem(
    "internal",
    `${file.path} cannot be edited without changing its meaning; file left unchanged`,
  );
  try {
    const edited = applyEdits(bare, edits, file);
    applyToMeaning(meaning, edits, file.array);
    if (!hasMeaning(parseWithSmol(edited), meaning, file.array)) throw wrong;
    return text.slice(0, text.length - bare.length) + edited;
  } catch (error) {
    throw error instanceof InvalidToml ? wrong : error;
  }
}

/**
 * Throws a Problem for edits that cannot be applied. The meaning of the result is not verified, because that would take
 * as long again.
 */
export function demandEditable(text: string, edits: readonly TomlEdit[], file: TomlFile): void {
  orProblem(file, () => applyEdits(withoutMark(text), edits, file));
}

function applyEdits(bare: string, edits: readonly TomlEdit[], file: TomlFile): string {
  return edits.reduce((before, edit) => {
    const { start, end, firstIndex } = partFor(edit, sectionsOf(before, file.array));
    const part = new Editor(before.slice(start, end), file, firstIndex).edited(edit);
    return before.slice(0, start) + part + before.slice(end);
  }, bare);
}

function withoutMark(text: string): string {
  return text.startsWith(mark) ? text.slice(mark.length) : text;
}

function orProblem<T>({ path }: TomlFile, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidToml)) throw error;
    const line = /^ at line (\d+)/.exec(error.where)?.[1];
    const hint = line === undefined ? hintToShowWithoutTokens(path) : hintToShow(path, line);
    throw new Problem("invalid-config", `${path} is no TOML${error.where}`, { hint });
  }
}

/** Applies one edit, because positions are only valid in one text. */
class Editor {
  readonly #tree: Tree;

  constructor(
    readonly text: string,
    readonly file: TomlFile,
    /** The index of its first table in the array of the whole file. */
    readonly firstIndex: number,
  ) {
    this.#tree = treeOf(text);
  }

  edited(edit: TomlEdit): string {
    if (edit.kind === "set") return this.#set(edit.index, edit.key, edit.value);
    if (edit.kind === "set-top-level") return this.#set(null, [edit.key], edit.value);
    if (edit.kind === "add-items") return this.#addItems(edit.index, edit.key, edit.items);
    const array = this.#tree.top.keys.get(this.file.array);
    if (edit.kind === "add-table") {
      this.#tables();
      if (array?.kind === "array") return splice(this.text, [intoArray(array.node, [formatValue(edit.table)])]);
      return splice(this.text, [lastSection(this.#tree, [this.file.array], edit.table, true)]);
    }
    const { headers } = this.#table(edit.index);
    if (array?.kind === "array") return splice(this.text, removeElement(this.#tree, array.node, edit.index));
    return splice(this.text, removeSections(this.#tree, headers));
  }

  #set(index: number | null, key: readonly string[], value: TomlValue): string {
    const { table, rest, item } = this.#find(index, key);
    if (!item) return splice(this.text, [insertion(this.#tree, table, rest, value)]);
    if (isTable(value)) {
      if (item.kind !== "table") throw this.#wrong(index, key, "a table");
      return Object.entries(value).reduce((text, [name, each]) => {
        return new Editor(text, this.file, this.firstIndex).#set(index, [...key, name], each);
      }, this.text);
    }
    if (item.kind === "table" || item.kind === "tables") throw this.#wrong(index, key, "a value");
    if (Bun.deepEquals(meaningOfItem(item), meaningToWrite(value), true)) return this.text;
    const [start, end] = item.node.range;
    return splice(this.text, [{ start, end, text: formatValue(value) }]);
  }

  #addItems(index: number, key: readonly string[], items: readonly string[]): string {
    const { item } = this.#find(index, key);
    if (!item) return items.length === 0 ? this.text : this.#set(index, key, [...new Set(items)]);
    const found: unknown[] = item.kind === "array" ? item.items.map(meaningOfItem) : [];
    if (item.kind !== "array" || !found.every((each) => typeof each === "string")) {
      throw this.#wrong(index, key, "an array of strings");
    }
    const added = [...new Set(items)].filter((each) => !found.includes(each));
    return added.length === 0 ? this.text : splice(this.text, [intoArray(item.node, added.map(formatValue))]);
  }

  /**
   * Returns the item at a key. If it is missing, returns the innermost existing table and the missing part of the key.
   */
  #find(index: number | null, key: readonly string[]): { table: Table; rest: readonly string[]; item?: Item } {
    let table = index === null ? this.#tree.top : this.#table(index);
    for (const [i, name] of key.entries()) {
      this.#refuseOtherCase(table, index, key.slice(0, i + 1));
      const item = table.keys.get(name);
      if (!item) return { table, rest: key.slice(i) };
      if (i === key.length - 1) return { table, rest: [], item };
      if (item.kind !== "table") throw this.#wrong(index, key.slice(0, i + 1), "a table");
      table = item;
    }
    return { table, rest: [], item: table };
  }

  #table(at: number): Table {
    const table = this.#tables()[at - this.firstIndex];
    if (!table) throw new Problem("invalid-config", `${this.file.path} has no ${this.file.array}[${at}]`);
    return table;
  }

  #tables(): Table[] {
    this.#refuseOtherCase(this.#tree.top, null, [this.file.array]);
    const item = this.#tree.top.keys.get(this.file.array);
    if (!item) return [];
    if (item.kind === "tables") return item.tables;
    const items = item.kind === "array" ? item.items : [null];
    const tables = items.flatMap((each) => (each?.kind === "table" ? [each] : []));
    if (tables.length < items.length) throw this.#wrong(null, [this.file.array], "an array of tables");
    return tables;
  }

  /** Many programs ignore the case of keys: if two differ only in case, they may use either. */
  #refuseOtherCase(table: Table, index: number | null, key: readonly string[]): void {
    const name = key.at(-1) ?? "";
    for (const each of table.keys.keys()) {
      if (each === name || each.toLowerCase() !== name.toLowerCase()) continue;
      throw this.#wrong(index, key, "spelled in this case");
    }
  }

  #wrong(index: number | null, key: readonly string[], what: string): Problem {
    const full = [...(index === null ? [] : [`${this.file.array}[${index}]`]), ...key].join(".");
    return new Problem("invalid-config", `${this.file.path} has ${full} wrong: it should be ${what}`, {
      hint: hintToShowWithoutTokens(this.file.path),
    });
  }
}
