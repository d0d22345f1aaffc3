// A config.toml as a tree whose nodes have their positions in the text.

import { parse, TomlError, type TomlTable } from "smol-toml";
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { isTooDeep, maxNesting } from "../text/json.ts";
import type { Meaning } from "./meaning.ts";
import { memoize } from "./remembered.ts";

export interface Table {
  kind: "table";
  /** The keys from the top level, without array indices. */
  path: readonly string[];
  keys: Map<string, Item>;
  /** Its own header, or the top of the file. */
  header?: AST.TOMLTable | AST.TOMLTopLevelTable;
  inline?: AST.TOMLInlineTable;
  /** The last dotted key that passes through this table, and the number of its parts up to the table. */
  dotted?: { last: AST.TOMLKeyValue; parts: number };
  /** The headers of the table and of its inner tables, in the order of the file. */
  headers: AST.TOMLTable[];
}

export type Item =
  | Table
  | { kind: "tables"; tables: Table[] }
  | { kind: "array"; node: AST.TOMLArray; items: Item[] }
  | { kind: "value"; node: AST.TOMLValue };

export interface Tree {
  text: string;
  top: Table;
  tokens: AST.Token[];
  /** The start positions of lines that contain only a comment. */
  commentLines: ReadonlySet<number>;
}

/** Thrown for a text that is not TOML. Its message quotes nothing of the text. */
export class InvalidToml extends Error {
  constructor(readonly where: string) {
    super("not TOML");
  }
}

/** Parses a text with smol-toml, with integers as bigints. Throws InvalidToml for invalid or too deeply nested text. */
export function parseWithSmol(text: string): TomlTable {
  try {
    const config = parse(text, { integersAsBigInt: true });
    if (isTooDeep(config)) throw new InvalidToml(`: it is nested deeper than ${maxNesting} levels`);
    return config;
  } catch (error) {
    if (error instanceof InvalidToml) throw error;
    if (!(error instanceof TomlError)) throw new InvalidToml("");
    const twice = error.message.includes("trying to redefine") ? ": already exists" : "";
    throw new InvalidToml(` at line ${error.line}, column ${error.column}${twice}`);
  }
}

export function meaningOfItem(item: Item): Meaning {
  if (item.kind === "table") return new Map([...item.keys].map(([key, each]) => [key, meaningOfItem(each)]));
  if (item.kind === "tables") return item.tables.map(meaningOfItem);
  if (item.kind === "array") return item.items.map(meaningOfItem);
  const { node } = item;
  if (node.kind === "integer") return node.bigint;
  return node.value instanceof Date ? { moment: (node as AST.TOMLDateTimeValue).datetime } : node.value;
}

/** Returns the tree of a text in TOML 1.0 without a byte order mark. It is shared, and must not be changed. */
export const treeOf = memoize(readTree);

function readTree(text: string): Tree {
  const program = parseWithEslint(text);
  const [all] = program.body;
  const top: Table = { kind: "table", path: [], keys: new Map(), header: all, headers: [] };
  for (const node of all.body) {
    const table = node.type === "TOMLTable" ? openTable(top, node) : top;
    for (const each of node.type === "TOMLTable" ? node.body : [node]) addKeyValue(table, each);
  }
  const starts = program.comments.map(({ range: [at] }) => [at, text.lastIndexOf("\n", at) + 1] as const);
  const own = starts.filter(([at, line]) => text.slice(line, at).trim() === "");
  return { text, top, tokens: program.tokens, commentLines: new Set(own.map(([, line]) => line)) };
}

/** Parses a text in TOML 1.0 with toml-eslint-parser. Throws InvalidToml for any other. */
export function parseWithEslint(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.0" });
  } catch (error) {
    if (!(error instanceof ParseError)) throw new InvalidToml("");
    throw new InvalidToml(` at line ${error.lineNumber}, column ${error.column + 1}`);
  }
}

/** Returns the table under a header, and creates it if it is missing. */
function openTable(top: Table, node: AST.TOMLTable): Table {
  const names = node.key.keys.map(keyName);
  top.headers.push(node);
  const table = names.reduce((outer, name, i) => {
    const array = node.kind === "array" && i === names.length - 1;
    const inner = array ? appendTable(outer, name) : innerTable(outer, name);
    inner.headers.push(node);
    return inner;
  }, top);
  table.header = node;
  return table;
}

function innerTable(outer: Table, name: string): Table {
  const found = outer.keys.get(name);
  const inner = found?.kind === "tables" ? found.tables.at(-1) : found;
  if (inner?.kind === "table") return inner;
  if (inner !== undefined) throw new InvalidToml("");
  const table: Table = { kind: "table", path: [...outer.path, name], keys: new Map(), headers: [] };
  outer.keys.set(name, table);
  return table;
}

function appendTable(outer: Table, name: string): Table {
  const table: Table = { kind: "table", path: [...outer.path, name], keys: new Map(), headers: [] };
  const found = outer.keys.get(name);
  if (found?.kind === "tables") found.tables.push(table);
  else outer.keys.set(name, { kind: "tables", tables: [table] });
  return table;
}

function addKeyValue(table: Table, node: AST.TOMLKeyValue): void {
  const names = node.key.keys.map(keyName);
  const last = names.pop() ?? "";
  const owner = names.reduce((outer, name, i) => {
    const inner = innerTable(outer, name);
    inner.dotted = { last: node, parts: i + 1 };
    return inner;
  }, table);
  owner.keys.set(last, itemOf(node.value, [...owner.path, last]));
}

function itemOf(node: AST.TOMLContentNode, path: readonly string[]): Item {
  if (node.type === "TOMLValue") return { kind: "value", node };
  if (node.type === "TOMLArray") return { kind: "array", node, items: node.elements.map((each) => itemOf(each, path)) };
  const table: Table = { kind: "table", path, keys: new Map(), inline: node, headers: [] };
  for (const each of node.body) addKeyValue(table, each);
  return table;
}

function keyName(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}
