// The meaning of a TOML file and of its edits, independent of the syntax. An edited text is verified against it.

import { type TomlValue as Parsed, type TomlTable as ParsedTable, TomlDate } from "smol-toml";
import { Problem } from "../problem/problem.ts";
import { Secret } from "../text/secret.ts";

/** A whole number becomes an integer and any other number a float. A Date becomes a date-time, to the second. */
export type TomlValue = string | Secret | number | boolean | Date | readonly string[] | TomlTable;
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

/** A file whose edits concern the tables of one array, and keys at the top level. */
export interface TomlFile {
  path: string;
  /** The name of the array: "runners" for `[[runners]]`. */
  array: string;
}

/** An index counts the tables of the array from 0, in the text that the previous edits produced. */
export type TomlEdit =
  /**
   * The key is relative to the table: ["docker", "privileged"]. For a table, its keys are set one by one, and keys
   * that it does not contain stay.
   */
  | { kind: "set"; index: number; key: readonly string[]; value: TomlValue }
  /** Adds the strings that are missing to an array of strings. A missing array is created. */
  | { kind: "add-items"; index: number; key: readonly string[]; items: readonly string[] }
  /** Adds a table to the array, at the end of the file. Its inner tables become sections of their own. */
  | { kind: "add-table"; table: TomlTable }
  | { kind: "remove-table"; index: number }
  | { kind: "set-top-level"; key: string; value: string | number | boolean };

/** Integers are bigints, so that 1 differs from 1.0. */
export type Meaning = string | number | bigint | boolean | { moment: string } | Meaning[] | Meanings;
export type Meanings = Map<string, Meaning>;

export function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date || value instanceof Secret);
}

/** Returns the date-time as TOML writes it, without a fraction of zero milliseconds. */
export function formatMoment(value: Date): string {
  return value.toISOString().replace(".000", "");
}

/** Returns the meaning of a value to write. */
export function meaningToWrite(value: TomlValue): Meaning {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== "object") return value;
  if (value instanceof Secret) return value.reveal();
  if (value instanceof Date) return { moment: formatMoment(value) };
  if (isTable(value)) return new Map(Object.entries(value).map(([key, each]) => [key, meaningToWrite(each)]));
  return [...value];
}

/** Returns a value that smol-toml parsed with integers as bigints, with those as numbers that a number represents. */
export function withNumbers(value: Parsed): Parsed {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== "object" || value instanceof TomlDate) return value;
  if (Array.isArray(value)) return value.map(withNumbers);
  const table: ParsedTable = Object.create(null);
  for (const [key, each] of Object.entries(value)) table[key] = withNumbers(each);
  return table;
}

/** Returns the meaning of a value that smol-toml parsed with integers as bigints. */
export function meaningOf(value: Parsed): Meaning {
  if (value instanceof TomlDate) return { moment: formatMoment(value) };
  if (Array.isArray(value)) return value.map(meaningOf);
  if (typeof value !== "object") return value;
  return new Map(Object.entries(value).map(([key, each]) => [key, meaningOf(each)]));
}

/** Applies the edits to the meaning of a file. Throws a Problem if an edit does not fit the value at its key. */
export function applyToMeaning(config: Meanings, edits: readonly TomlEdit[], array: string): void {
  for (const edit of edits) {
    if (edit.kind === "set-top-level") {
      put(config, [edit.key], edit.value);
      continue;
    }
    const tables = config.get(array) ?? [];
    if (!Array.isArray(tables)) throw new Problem("internal", `${array} is no array`);
    if (edit.kind === "add-table") config.set(array, [...tables, meaningToWrite(edit.table)]);
    else if (edit.kind === "remove-table") config.set(array, tables.toSpliced(edit.index, 1));
    else if (edit.kind === "set") put(within(tables[edit.index]), edit.key, edit.value);
    else addItems(within(tables[edit.index]), edit.key, edit.items);
  }
}

/**
 * Returns whether a file that smol-toml parsed with integers as bigints has this meaning. A missing array of tables
 * equals an empty one: removing the last table leaves either.
 */
export function hasMeaning(file: ParsedTable, meaning: Meanings, array: string): boolean {
  const whole = Object.assign(Object.create(null), { [array]: [] }, file);
  return isMeant(whole, new Map<string, Meaning>([[array, []], ...meaning]));
}

function isMeant(value: Parsed, meaning: Meaning | undefined): boolean {
  if (typeof value !== "object") return Object.is(value, meaning);
  if (Array.isArray(value)) {
    return (
      Array.isArray(meaning) && meaning.length === value.length && value.every((each, i) => isMeant(each, meaning[i]))
    );
  }
  if (value instanceof TomlDate) return Bun.deepEquals(meaningOf(value), meaning, true);
  if (!(meaning instanceof Map)) return false;
  const entries = Object.entries(value);
  return entries.length === meaning.size && entries.every(([key, each]) => isMeant(each, meaning.get(key)));
}

function put(table: Meanings, [name, ...rest]: readonly string[], value: TomlValue): void {
  if (name !== undefined && (rest.length > 0 || isTable(value))) {
    const inner = within(table.get(name) ?? new Map());
    table.set(name, inner);
    put(inner, rest, value);
  } else if (name !== undefined) table.set(name, meaningToWrite(value));
  else if (isTable(value)) for (const [key, each] of Object.entries(value)) put(table, [key], each);
}

function addItems(table: Meanings, key: readonly string[], items: readonly string[]): void {
  const found = key.reduce<Meaning | undefined>((inner, name) => inner && within(inner).get(name), table) ?? [];
  if (!Array.isArray(found)) throw new Problem("internal", "expected an array");
  const added = items.filter((item, i) => !found.includes(item) && items.indexOf(item) === i);
  if (added.length === 0) return;
  const last = key.at(-1) ?? "";
  const owner = key.slice(0, -1).reduce((inner, name) => {
    const next = within(inner.get(name) ?? new Map());
    inner.set(name, next);
    return next;
  }, table);
  owner.set(last, [...found, ...added]);
}

function within(value: Meaning | undefined): Meanings {
  if (value instanceof Map) return value;
  throw new Problem("internal", "expected a table");
}
