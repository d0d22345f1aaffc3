// The left side of a rule: a path, with placeholders and a splat.

import { decoded, RuleFault, shown } from "./lines.ts";

/** A segment of a path: its decoded text, or a placeholder for any one segment. */
export type Segment = { text: string } | { name: string };

export interface Pattern {
  segments: Segment[];
  /** Whether it ends in `*`, which matches the rest of the path. */
  splat: boolean;
}

const placeholder = /^:[A-Za-z][A-Za-z0-9_]*$/;

/** Returns the pattern of a path. Throws a RuleFault. */
export function patternOf(path: string): Pattern {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path) || path.startsWith("//")) {
    throw new RuleFault(
      `${shown(path)} names a host`,
      "write the path alone; project update --alias serves other names",
    );
  }
  if (!path.startsWith("/")) throw new RuleFault(`${shown(path)} is no path of the site`, "begin it with a slash");
  if (/[?#]/.test(path)) {
    throw new RuleFault("a query or a fragment is not matched", `write ${shown(path.replace(/[?#].*/, ""))}`);
  }
  const words = path.slice(1).split("/");
  const splat = words.at(-1) === "*";
  if (splat) words.pop();
  // These are the same address.
  else if (["", "index.html"].includes(words.at(-1) ?? "")) words.pop();
  const names = new Set<string>(["splat"]);
  const segments = words.map((word, i): Segment => {
    if (word.includes("*")) throw new RuleFault("* is not the last segment", "end the path in /*");
    if (word === "") throw new RuleFault("empty segment", "write one slash between segments");
    // The last one stands for a page with or without its ending.
    if (!word.startsWith(":")) return { text: segmentOf(!splat && i === words.length - 1 ? plainName(word) : word) };
    const name = word.slice(1);
    if (!placeholder.test(word))
      throw new RuleFault(`invalid placeholder ${shown(word)}`, "a name has letters and digits");
    if (names.has(name)) throw new RuleFault(`placeholder ${word} is not unique`, "give it another name");
    names.add(name);
    return { name };
  });
  if (names.size > 8) throw new RuleFault("too many placeholders", "at most 7 in a path");
  demandOwn(segments);
  return { segments, splat };
}

function plainName(word: string): string {
  return word.replace(/(?!^)\.html$/, "");
}

function segmentOf(word: string): string {
  const text = decoded(word);
  if (text === "." || text === "..") throw new RuleFault(`segment ${text}`, "write the path that it leads to");
  if (text.includes("/")) throw new RuleFault("encoded slash", "write / in place of %2F");
  return text;
}

/** The path of challenges belongs to the host, as does every hidden name. */
function demandOwn(segments: readonly Segment[]): void {
  const texts = segments.map((each) => ("text" in each ? each.text : ""));
  if (texts[0] === ".well-known" && texts[1] === "acme-challenge") {
    throw new RuleFault("this path is for certificates", "remove the rule");
  }
  if (texts.some((text, i) => text.startsWith(".") && (i > 0 || text !== ".well-known"))) {
    throw new RuleFault("hidden files are not served", "use a path without a leading dot");
  }
}

/** Returns whether a path has no placeholder and no splat. */
export function isExact({ segments, splat }: Pattern): boolean {
  return !splat && segments.every((each) => "text" in each);
}

/** Returns the decoded path of an exact pattern, or a path that matches another one. */
export function sampleOf({ segments, splat }: Pattern): string {
  const words = segments.map((each) => ("text" in each ? each.text : `sample-${each.name}`));
  return `/${[...words, ...(splat ? ["sample/page"] : [])].join("/")}`;
}

/** Returns the address that stands for `/a`, `/a/`, `/a.html` and `/a/index.html`: the first of them. */
export function plainAddress(path: string): string {
  return path.replace(/(?:\/|\/index\.html|\.html)$/, "") || "/";
}

/**
 * Returns what the placeholders and the splat stand for in a path, or null if the pattern does not match. It must mean
 * the same as the expression that nginx gets.
 */
export function match(pattern: Pattern, path: string): Map<string, string> | null {
  const { segments, splat } = pattern;
  const found = new Map<string, string>();
  if (isExact(pattern)) return plainAddress(path) === plainAddress(sampleOf(pattern)) ? found : null;
  const words = path.slice(1).split("/");
  for (const each of segments) {
    let word = words.shift();
    if (word === undefined || word === "") return null;
    const isLast = each === segments.at(-1) && !splat;
    if ("text" in each) {
      if (isLast && words.length === 0 && word === `${each.text}.html`) word = each.text;
      if (word !== each.text) return null;
    } else found.set(each.name, word);
  }
  if (splat) {
    const rest = words.join("/");
    found.set("splat", rest);
    return rest.startsWith("/") ? null : found;
  }
  const rest = words.join("/");
  const lastIsText = segments.length > 0 && "text" in (segments.at(-1) as Segment);
  return rest === "" || (lastIsText && rest === "index.html") ? found : null;
}
