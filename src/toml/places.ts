// Finds the positions in the text of a config.toml at which something can be inserted or removed, and formats the lines
// to insert.

import type { AST } from "toml-eslint-parser";
import { isTable, type TomlTable, type TomlValue } from "./meaning.ts";
import { formatKey, formatValue, sectionLines } from "./spelling.ts";
import type { Table, Tree } from "./tree.ts";

/** Replaces the characters from start to end with the text. */
interface Splice {
  start: number;
  end: number;
  text: string;
}

export function splice(text: string, splices: readonly Splice[]): string {
  const sorted = [...splices].sort((a, b) => b.start - a.start);
  return sorted.reduce((whole, { start, end, text }) => whole.slice(0, start) + text + whole.slice(end), text);
}

/**
 * Returns the insertion of a key that is missing in an existing table. A key of several parts also creates the missing
 * tables.
 */
export function insertion(tree: Tree, table: Table, key: readonly string[], value: TomlValue): Splice {
  const { inline, dotted, header } = table;
  if (inline) return inInlineTable(inline, key, value);
  if (dotted) return besideDotted(tree, dotted, key, value);
  if (header && key.length === 1 && !isTable(value)) return underHeader(tree, header, key, value);
  return asSection(tree, table, key, value);
}

/** Returns the insertion of a section at the end of the file, with a header and after a blank line. */
export function lastSection(tree: Tree, path: readonly string[], table: TomlTable, array: boolean): Splice {
  const lines = sectionLines(path, table, { indent: "", step: stepOf(tree), array });
  const gap = tree.text === "" || /\n[ \t]*\r?\n$|^\r?\n$/.test(tree.text) ? [] : [""];
  return linesAt(tree, tree.text.length, [...gap, ...lines]);
}

/** Returns the insertion of elements after the last element of an array. */
export function intoArray(node: AST.TOMLArray, elements: readonly string[]): Splice {
  const last = node.elements.at(-1);
  const at = last ? last.range[1] : node.range[0] + 1;
  return { start: at, end: at, text: (last ? ", " : "") + elements.join(", ") };
}

/** Returns the removal of the sections with these headers, together with the comments that belong to each. */
export function removeSections(tree: Tree, headers: readonly AST.TOMLTable[]): Splice[] {
  const { text } = tree;
  const removed: Splice[] = [];
  for (const header of headers) {
    const next = nextHeader(tree, header);
    const [start, end] = [headOf(tree, header), next ? headOf(tree, next) : text.length];
    const before = removed.at(-1);
    if (before?.end === start) before.end = end;
    else removed.push({ start, end, text: "" });
  }
  // If nothing follows, the blank lines above the section would end the file.
  const last = removed.at(-1);
  while (last?.end === text.length && last.start > 0) {
    const above = lineOf(text, last.start - 1);
    if (!blank(text, above, last.start)) break;
    last.start = above;
  }
  return removed;
}

/** Returns the removal of one element of an array and of one comma. */
export function removeElement({ text, tokens }: Tree, node: AST.TOMLArray, at: number): Splice[] {
  const [start, end] = node.elements[at]?.range ?? [0, 0];
  const next = tokens.find(({ range }) => range[0] >= end);
  const follows = next?.value === ",";
  const comma = follows ? next : at > 0 ? tokens.findLast(({ range }) => range[1] <= start) : undefined;
  if (!comma) return [{ start, end, text: "" }];
  const [from, to] = [Math.min(start, comma.range[0]), Math.max(end, comma.range[1])];
  const between = follows ? [end, comma.range[0]] : [comma.range[1], start];
  // A comment between the element and the comma stays.
  if (!blank(text, ...(between as [number, number]))) {
    return [comma.range, [start, end]].map(([one = 0, other = 0]) => ({ start: one, end: other, text: "" }));
  }
  const [line, after] = [lineOf(text, from), nextLine(text, to)];
  if (follows && blank(text, line, from) && blank(text, to, after)) return [{ start: line, end: after, text: "" }];
  const gap = follows ? (/^[ \t]*/.exec(text.slice(to))?.[0].length ?? 0) : 0;
  return [{ start: from, end: to + gap, text: "" }];
}

function inInlineTable(node: AST.TOMLInlineTable, [name = "", ...rest]: readonly string[], value: TomlValue): Splice {
  const nested = rest.reduceRight<TomlValue>((inner, key) => ({ [key]: inner }), value);
  const text = `${formatKey([name])} = ${formatValue(nested)}`;
  const last = node.body.at(-1);
  if (last) return { start: last.range[1], end: last.range[1], text: `, ${text}` };
  return { start: node.range[0] + 1, end: node.range[1] - 1, text: ` ${text} ` };
}

/** Uses the syntax of the neighbouring key: a table of dotted keys cannot have a header. */
function besideDotted(
  tree: Tree,
  { last, parts }: { last: AST.TOMLKeyValue; parts: number },
  key: readonly string[],
  value: TomlValue,
): Splice {
  const prefix = tree.text.slice(last.key.range[0], last.key.keys[parts - 1]?.range[1]);
  const text = `${prefix}.${formatKey(key)} = ${formatValue(value)}`;
  const end = last.range[1];
  if (last.parent.type === "TOMLInlineTable") return { start: end, end, text: `, ${text}` };
  return linesAt(tree, nextLine(tree.text, end), [indentOf(tree, last) + text]);
}

function underHeader(
  tree: Tree,
  header: AST.TOMLTable | AST.TOMLTopLevelTable,
  key: readonly string[],
  value: TomlValue,
): Splice {
  const text = `${formatKey(key)} = ${formatValue(value)}`;
  const last = header.body.findLast((each) => each.type === "TOMLKeyValue");
  if (last) return linesAt(tree, nextLine(tree.text, last.range[1]), [indentOf(tree, last) + text]);
  if (header.type === "TOMLTable") {
    return linesAt(tree, nextLine(tree.text, header.key.range[1]), [indentOf(tree, header) + stepOf(tree) + text]);
  }
  const [first] = tree.top.headers;
  return first ? linesAt(tree, headOf(tree, first), [text, ""]) : linesAt(tree, tree.text.length, [text]);
}

/** Inserts a section with its own header, among those of the tables around it. */
function asSection(tree: Tree, table: Table, key: readonly string[], value: TomlValue): Splice {
  const path = [...table.path, ...(isTable(value) ? key : key.slice(0, -1))];
  const inner = isTable(value) ? value : { [key.at(-1) ?? ""]: value };
  const last = table.headers.at(-1);
  if (table.path.length === 0 || !last) return lastSection(tree, path, inner, false);
  const step = stepOf(tree);
  const [first = last] = table.headers;
  const { headers } = tree.top;
  const alike = headers.find((each) => each.key.keys.length === path.length);
  const around = headers.slice(0, headers.indexOf(first) + 1).findLast((each) => each.key.keys.length < path.length);
  const indent = alike ? indentOf(tree, alike) : (around ? indentOf(tree, around) : "") + step;
  const lines = sectionLines(path, inner, { indent, step });
  // A table that only its inner tables define gets its header above theirs, which is the usual order.
  const at = path.length === table.path.length ? headOf(tree, first) : endOf(tree, last);
  return linesAt(tree, at, lines);
}

/** Inserts lines at the start of a line or at the end of the text. They use the line ends of the file. */
function linesAt({ text }: Tree, at: number, lines: readonly string[]): Splice {
  const whole = at === 0 || text[at - 1] === "\n";
  const [lineEnd = "\n"] = /\r?\n/.exec(whole && at > 0 ? text.slice(Math.max(0, at - 2), at) : text) ?? [];
  const joined = lines.join(lineEnd);
  return { start: at, end: at, text: whole ? joined + lineEnd : lineEnd + joined };
}

/** Returns the start of a header's line, or of the comments directly above it that have the same indentation. */
function headOf(tree: Tree, header: AST.TOMLTable): number {
  const indent = indentOf(tree, header);
  let at = lineOf(tree.text, header.range[0]);
  while (at > 0) {
    const above = lineOf(tree.text, at - 1);
    if (!tree.commentLines.has(above) || !tree.text.startsWith(`${indent}#`, above)) break;
    at = above;
  }
  return at;
}

/** Returns the end of a section: after its last key and the comments directly below. */
function endOf(tree: Tree, header: AST.TOMLTable): number {
  const next = nextHeader(tree, header);
  const limit = next ? headOf(tree, next) : tree.text.length;
  let at = nextLine(tree.text, (header.body.at(-1) ?? header.key).range[1]);
  while (at < limit && tree.commentLines.has(at)) at = nextLine(tree.text, at);
  return at;
}

function nextHeader(tree: Tree, header: AST.TOMLTable): AST.TOMLTable | undefined {
  return tree.top.headers[tree.top.headers.indexOf(header) + 1];
}

/** Returns the indentation of keys relative to their header in this file, or two spaces. */
function stepOf(tree: Tree): string {
  for (const header of tree.top.headers) {
    const [first] = header.body;
    const [outer, inner] = [indentOf(tree, header), first && indentOf(tree, first)];
    if (inner?.startsWith(outer)) return inner.slice(outer.length);
  }
  return "  ";
}

function indentOf({ text }: Tree, { range: [at] }: { range: readonly [number, number] }): string {
  return text.slice(lineOf(text, at), at);
}

function blank(text: string, from: number, to: number): boolean {
  return text.slice(from, to).trim() === "";
}

function lineOf(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}

function nextLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}
