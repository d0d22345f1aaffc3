// Reads sshd_config(5) with its includes: which line decides a setting. `sshd -T` prints values without their lines.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { parentOf } from "../text/path.ts";
import { matchesPattern } from "./settings.ts";

export const sshdConfigPath = "/etc/ssh/sshd_config";
const configDir = "/etc/ssh";
/** The limit of sshd. */
const mostIncludes = 16;
/** Former names of settings, which sshd still accepts. */
const aliases: Readonly<Record<string, string>> = {
  challengeresponseauthentication: "kbdinteractiveauthentication",
  skeyauthentication: "kbdinteractiveauthentication",
};

/** One criterion of a Match line: "user" with its patterns. "all" has none. */
export interface Criterion {
  name: string;
  patterns: string;
}

export interface ConfigLine {
  path: string;
  /** Its number, from 1. */
  line: number;
  /** In lower case. */
  keyword: string;
  words: string[];
  /** The criteria of its Match block, and of the blocks that include its file; [] outside of a block. */
  criteria: readonly Criterion[];
}

/** Returns the lines of sshd's configuration in the order in which sshd reads them. Include lines are among them. */
export function readSshdConfig(reader: HostReader, path = sshdConfigPath): ConfigLine[] {
  return linesIn(reader, path, [], 0);
}

/**
 * Returns the paths whose change changes the configuration: the files, and the directories in which an Include line looks
 * for them, or for one that is missing.
 */
export function sshdConfigPaths(reader: HostReader): string[] {
  const includes = readSshdConfig(reader).filter(({ keyword }) => keyword === "include");
  const found = includes.flatMap(({ words }) =>
    words.flatMap((pattern) => [
      ...pathsOf(reader, pattern),
      // A file that is named and missing may have been deleted, which changes its directory.
      ...(/[*?]/.test(pattern) || reader.statTarget(absolute(pattern)) === null ? [parentOf(absolute(pattern))] : []),
    ]),
  );
  return [...new Set([sshdConfigPath, ...found])];
}

function linesIn(reader: HostReader, path: string, around: readonly Criterion[], depth: number): ConfigLine[] {
  if (depth > mostIncludes) return [];
  let criteria = around;
  return (textOf(reader, path) ?? "").split("\n").flatMap((text, index) => {
    const [, typed = "", rest = ""] = /^\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+|$)(.*)$/.exec(text) ?? [];
    if (typed === "") return [];
    const name = typed.toLowerCase();
    const words = wordsOf(rest);
    // A block ends with its file.
    if (name === "match") criteria = [...around, ...criteriaOf(words)];
    const line = { path, line: index + 1, keyword: aliases[name] ?? name, words, criteria };
    const included = name === "include" ? words.flatMap((pattern) => pathsOf(reader, pattern)) : [];
    return [line, ...included.flatMap((each) => linesIn(reader, each, criteria, depth + 1))];
  });
}

/** Returns the words of a line, without quotes and without a comment at the end. */
function wordsOf(text: string): string[] {
  const words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)];
  const end = words.findIndex(([word]) => word.startsWith("#"));
  return words.slice(0, end < 0 ? words.length : end).map(([, a, b, c]) => a ?? b ?? c ?? "");
}

function criteriaOf(words: readonly string[]): Criterion[] {
  // Newer versions also accept name=patterns.
  const parts = words.flatMap((word) => {
    const at = word.indexOf("=");
    return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
  });
  const criteria: Criterion[] = [];
  while (parts.length > 0) {
    const name = (parts.shift() ?? "").toLowerCase();
    criteria.push({ name, patterns: ["all", "invalid-user"].includes(name) ? "" : (parts.shift() ?? "") });
  }
  return criteria;
}

function absolute(pattern: string): string {
  return pattern.startsWith("/") ? pattern : `${configDir}/${pattern}`;
}

/** Returns the files that a pattern of Include names, in the order in which sshd reads them. */
function pathsOf(reader: HostReader, pattern: string): string[] {
  return absolute(pattern)
    .split("/")
    .slice(1)
    .reduce<string[]>(
      (dirs, part) =>
        dirs.flatMap((dir) => {
          if (!/[*?]/.test(part)) return [`${dir}/${part}`];
          const names = (reader.list(dir === "" ? "/" : dir) ?? []).filter(
            (name) => name.startsWith(".") === part.startsWith(".") && matchesPattern(part, name),
          );
          return names.sort().map((name) => `${dir}/${name}`);
        }),
      [""],
    )
    .filter((path) => {
      const type = reader.stat(path)?.type;
      return type === "file" || (type === "link" && reader.statTarget(path)?.type === "file");
    });
}

/** Who connects. Any address, host and port is possible. */
export interface Client {
  user: string;
  groups: readonly string[];
}

/**
 * Returns the lines that can decide a setting for this client: one outside of all blocks, or else none, and those of
 * blocks, which take precedence, up to the first that matches in any case.
 */
export function decidingLines(lines: readonly ConfigLine[], keyword: string, client: Client): ConfigLine[] {
  const name = keyword.toLowerCase();
  const all = lines.filter((line) => line.keyword === name && line.words.length > 0);
  const blocks = all.filter(({ criteria }) => criteria.length > 0 && matches(criteria, client) !== "never");
  const last = blocks.findIndex(({ criteria }) => matches(criteria, client) === "always");
  if (last >= 0) return blocks.slice(0, last + 1);
  return [...blocks, ...all.filter(({ criteria }) => criteria.length === 0).slice(0, 1)];
}

/** Returns whether a block applies to the connections of this client: to all, to none, or depending on the connection. */
export function matches(criteria: readonly Criterion[], client: Client): "always" | "never" | "sometimes" {
  const results = criteria.map(({ name, patterns }) => {
    if (name === "all") return "always";
    if (name === "user") return inPatterns(patterns, [client.user]) ? "always" : "never";
    if (name === "group") return inPatterns(patterns, client.groups) ? "always" : "never";
    return name === "invalid-user" ? "never" : "sometimes";
  });
  if (results.includes("never")) return "never";
  return results.includes("sometimes") ? "sometimes" : "always";
}

/** Returns whether one of the names matches a list of patterns, and none matches a pattern with !. */
export function inPatterns(patterns: string, names: readonly string[]): boolean {
  const found = patterns
    .split(",")
    .filter((each) => names.some((name) => matchesPattern(each.replace(/^!/, ""), name)));
  return found.length > 0 && !found.some((each) => each.startsWith("!"));
}
