// Compiles the headers of a site to nginx's configuration.

import { escaped, variable } from "./compile.ts";
import type { HeaderRule, PathPiece } from "./headers.ts";

/** A header that every page of a site has. `value` is written as nginx reads it. */
export interface OwnHeader {
  name: string;
  value: string;
  /** Whether errors have it too. */
  always: boolean;
}

/** nginx reads a word of at most 4,096 bytes, and the name of a variable has up to 148. */
const pathsAWord = 25;

/** Returns the lines for the http block: the value of each header that the site sets, by path. */
export function headerMaps(slug: string, rules: readonly HeaderRule[], own: readonly OwnHeader[]): string[] {
  const { lines, source } = matchedPaths(slug, rules);
  const headers = namesOf(rules).flatMap((key, i) => [
    `map ${source} $${variable(slug, `header_${i}`)} {`,
    `    default "${own.find(({ name }) => name.toLowerCase() === key)?.value ?? ""}";`,
    // The last rule that matches counts, and nginx takes the first.
    ...[...rules.entries()].reverse().flatMap(([at, { headers }]) => {
      const header = headers.get(key);
      return header === undefined ? [] : [`    "~[|]${at}[|]" "${quoted(header.value ?? "")}";`];
    }),
    "}",
  ]);
  return headers.length === 0 ? [] : [...lines, ...headers];
}

/**
 * Returns the lines that list the rules whose path matches, and the word with that list: `|0||3|`. So nginx compares each
 * path once for a request, and not once for each header.
 */
function matchedPaths(slug: string, rules: readonly HeaderRule[]): { lines: string[]; source: string } {
  const all = rules.map((_, at) => `$${variable(slug, `path_${at}`)}`);
  const lines = rules.flatMap(({ path }, at) => [
    `map $${variable(slug, "uri")} ${all[at]} {`,
    `    "~${expressionOf(path)}" "|${at}|";`,
    "}",
  ]);
  const words: string[] = [];
  for (let from = 0; from < all.length; from += pathsAWord) {
    const word = `$${variable(slug, `paths_${words.length}`)}`;
    lines.push(`map "" ${word} {`, `    default "${all.slice(from, from + pathsAWord).join("")}";`, "}");
    words.push(word);
  }
  return { lines, source: `"${words.join("")}"` };
}

/** Returns the directive that sends a header. */
export function headerLine({ name, value, always }: OwnHeader): string {
  return `add_header ${name} "${value}"${always ? " always" : ""};`;
}

/** Returns the lines for the server: the headers that every page has, and those that the site sets. */
export function headerLines(slug: string, rules: readonly HeaderRule[], own: readonly OwnHeader[]): string[] {
  const names = namesOf(rules);
  const variableOf = (key: string): string => `$${variable(slug, `header_${names.indexOf(key)}`)}`;
  const ownKeys = own.map(({ name }) => name.toLowerCase());
  const added = names.filter((key) => !ownKeys.includes(key));
  return [
    ...own.map((header) => {
      const key = header.name.toLowerCase();
      return names.includes(key) ? { ...header, value: variableOf(key) } : header;
    }),
    ...added.map((key) => ({ name: writtenName(rules, key), value: variableOf(key), always: true })),
  ].map(headerLine);
}

/** Returns the names of all headers in lower case, sorted. */
function namesOf(rules: readonly HeaderRule[]): string[] {
  return [...new Set(rules.flatMap(({ headers }) => [...headers.keys()]))].sort();
}

function writtenName(rules: readonly HeaderRule[], key: string): string {
  return rules.map(({ headers }) => headers.get(key)?.name).find((name) => name !== undefined) ?? key;
}

/** A path without `*` stands for /a, /a/, /a.html and /a/index.html. */
function expressionOf(pieces: readonly PathPiece[]): string {
  const plain = plainPieces(pieces);
  const forms = plain.map((each) => (each === "any" ? ".*" : each === "segment" ? "[^/]+" : escaped(each.text)));
  const last = pieces.at(-1);
  const ending = last === "any" ? "" : "(?:/|/index[.]html|[.]html)?";
  return `^${forms.join("")}${ending}$`;
}

function plainPieces(pieces: readonly PathPiece[]): PathPiece[] {
  const last = pieces.at(-1);
  if (last === undefined || typeof last === "string") return [...pieces];
  return [...pieces.slice(0, -1), { text: last.text.replace(/(?:\/|\/index\.html|\.html)$/, "") }];
}

/** Returns a value between double quotes. It has no backslash and no dollar sign. */
function quoted(value: string): string {
  return value.replaceAll('"', '\\"');
}

/** Returns the headers that a path gets from the rules, by their names in lower case. A null value removes one. */
export function headersFor(rules: readonly HeaderRule[], path: string): Map<string, string | null> {
  const found = new Map<string, string | null>();
  for (const { path: pieces, headers } of rules) {
    if (!matches(pieces, path)) continue;
    for (const [key, { value }] of headers) found.set(key, value);
  }
  return found;
}

function matches(pieces: readonly PathPiece[], path: string): boolean {
  const forms = plainPieces(pieces).map((each) => {
    return each === "any" ? ".*" : each === "segment" ? "[^/]+" : each.text.replace(/[^\w/-]/gu, "\\$&");
  });
  const ending = pieces.at(-1) === "any" ? "" : "(?:/|/index\\.html|\\.html)?";
  return new RegExp(`^${forms.join("")}${ending}$`, "u").test(path);
}

/** Returns a path that matches, with its decoded characters. */
export function samplePath(pieces: readonly PathPiece[]): string {
  return pieces.map((each) => (typeof each === "string" ? "sample" : each.text)).join("");
}
