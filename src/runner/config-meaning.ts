// What a config.toml and its edits mean, apart from how they are written: what an edited text is measured by.

import { type TomlValue as Parsed, TomlDate } from "smol-toml";
import { Problem } from "../engine/step.ts";

/** A whole number becomes an integer, any other a float; a Date a moment, to the second. */
export type TomlValue = string | number | boolean | Date | readonly string[] | TomlTable;
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

/** Runners are counted from 0, in the text that the edits before have made. */
export type ConfigEdit =
  /**
   * The key is relative to the runner: ["docker", "privileged"]. Of a table, the keys are set one by one: those that it
   * does not name stay.
   */
  | { kind: "set"; runner: number; key: readonly string[]; value: TomlValue }
  /** Adds those strings that are not there to an array of strings, making it where it is missing. */
  | { kind: "add-items"; runner: number; key: readonly string[]; items: readonly string[] }
  /** At the end of the file, tables in it as sections of their own. */
  | { kind: "add-runner"; table: TomlTable }
  | { kind: "remove-runner"; runner: number }
  | { kind: "set-global"; key: string; value: TomlValue };

/** Integers are bigints, so that 1 is not 1.0. */
export type Meaning = string | number | bigint | boolean | { moment: string } | Meaning[] | Meanings;
export type Meanings = Map<string, Meaning>;

export function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

/** As it is written where it has no parts of a second. */
export function spelledMoment(value: Date): string {
  return value.toISOString().replace(".000", "");
}

/** Of a value to write. */
export function meant(value: TomlValue): Meaning {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== "object") return value;
  if (value instanceof Date) return { moment: spelledMoment(value) };
  if (isTable(value)) return new Map(Object.entries(value).map(([key, each]) => [key, meant(each)]));
  return [...value];
}

/** Of what smol-toml has read, with integers as bigints. */
export function meaningOf(value: Parsed): Meaning {
  if (value instanceof TomlDate) return { moment: spelledMoment(value) };
  if (Array.isArray(value)) return value.map(meaningOf);
  if (typeof value !== "object") return value;
  return new Map(Object.entries(value).map(([key, each]) => [key, meaningOf(each)]));
}

/** Makes the edits on what a file means; throws a Problem where they can mean nothing there. */
export function act(config: Meanings, edits: readonly ConfigEdit[]): void {
  for (const edit of edits) {
    if (edit.kind === "set-global") {
      put(config, [edit.key], edit.value);
      continue;
    }
    const runners = config.get("runners") ?? [];
    if (!Array.isArray(runners)) throw new Problem("internal", "runners are no array");
    if (edit.kind === "add-runner") config.set("runners", [...runners, meant(edit.table)]);
    else if (edit.kind === "remove-runner") config.set("runners", runners.toSpliced(edit.runner, 1));
    else if (edit.kind === "set") put(within(runners[edit.runner]), edit.key, edit.value);
    else addItems(within(runners[edit.runner]), edit.key, edit.items);
  }
}

/** No runners are as good as an empty array of them: removing the last one leaves either. */
export function sameMeaning(one: Meanings, other: Meanings): boolean {
  const [a, b] = [one, other].map((each) => new Map<string, Meaning>([["runners", []], ...each]));
  return Bun.deepEquals(a, b, true);
}

function put(table: Meanings, [name, ...rest]: readonly string[], value: TomlValue): void {
  if (name !== undefined && (rest.length > 0 || isTable(value))) {
    const inner = within(table.get(name) ?? new Map());
    table.set(name, inner);
    put(inner, rest, value);
  } else if (name !== undefined) table.set(name, meant(value));
  else if (isTable(value)) for (const [key, each] of Object.entries(value)) put(table, [key], each);
}

function addItems(table: Meanings, key: readonly string[], items: readonly string[]): void {
  const found = key.reduce<Meaning | undefined>((inner, name) => inner && within(inner).get(name), table) ?? [];
  if (!Array.isArray(found)) throw new Problem("internal", "what should be an array is none");
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
  throw new Problem("internal", "what should be a table is none");
}
