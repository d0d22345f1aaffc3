// Parses `_headers`: a path in a line, and below it indented lines with a header each.

import { ownHeaderNames } from "../serve/site-headers.ts";
import { decoded, eachLine, headersName, RuleFault, shown } from "./lines.ts";

/** A piece of a path: text, any characters (`*`), or one segment (a placeholder). */
export type PathPiece = { text: string } | "any" | "segment";

/** The headers of the paths that match. */
export interface HeaderRule {
  line: number;
  path: PathPiece[];
  /** By the name in lower case. A null value removes a header. */
  headers: Map<string, { name: string; value: string | null }>;
}

/** nginx compares each of them with the path of a request, one after the other and once for each header. */
const mostPaths = 100;
const mostNames = 50;
/** nginx reads a word of at most 4,096 bytes, and each character may need an escape. */
const longestValue = 1500;

/** The headers of a site that edox-ops sends by itself. A site may change them. */
const ownNames = ownHeaderNames.map((name) => name.toLowerCase());

/** What a site may not set, by the reason. */
const refused: readonly (readonly [reason: string, names: string])[] = [
  [
    "nginx sets it",
    "accept-ranges age allow connection content-encoding content-length content-range content-type date etag keep-alive last-modified location server status te trailer transfer-encoding upgrade vary via",
  ],
  [
    "it would change more than this site",
    "alt-svc clear-site-data set-cookie set-cookie2 proxy-authenticate www-authenticate",
  ],
  ["the project decides it: sudo edox-ops project update SLUG --hsts", "strict-transport-security"],
];
const refusedPrefix = /^(?:x-accel-|proxy-|sec-|access-control-request-)/;
const nameForm = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
/** Printable ASCII. A dollar sign begins a variable of nginx, and a backslash an escape. */
const valueForm = /^[\x20-\x23\x25-\x5b\x5d-\x7e]*$/;

/** Returns the rules in the order of the file. Throws a Problem for the first line that is refused. */
export function parseHeaders(bytes: Uint8Array): HeaderRule[] {
  const rules: HeaderRule[] = [];
  const names = new Set<string>();
  eachLine(headersName, bytes, ({ number, text }) => {
    if (!/^[ \t]/.test(text)) {
      if (rules.length >= mostPaths) throw new RuleFault("too many paths", `at most ${mostPaths}`);
      rules.push({ line: number, path: pathOf(text.trim()), headers: new Map() });
      return;
    }
    const rule = rules.at(-1);
    if (rule === undefined)
      throw new RuleFault("header without a path", "write the path in the line before, such as /*");
    const { name, value } = headerOf(text.trim());
    const key = name.toLowerCase();
    const before = rule.headers.get(key);
    if (before?.value && value !== null) {
      const both = `${before.value}, ${value}`;
      if (both.length > longestValue) throw new RuleFault("value too long", `at most ${longestValue} characters`);
      rule.headers.set(key, { name: before.name, value: both });
    } else rule.headers.set(key, { name, value });
    names.add(key);
    if (names.size > mostNames) throw new RuleFault("too many headers", `at most ${mostNames} different ones`);
  });
  return rules;
}

function headerOf(text: string): { name: string; value: string | null } {
  const removal = /^!\s*(\S+)$/.exec(text);
  const [, name = "", value = ""] = removal ?? /^([^:\s]+)\s*:\s*(.*)$/.exec(text) ?? [];
  if (name === "") throw new RuleFault(`${shown(text)} is no header`, "write Name: value");
  if (!nameForm.test(name)) throw new RuleFault(`invalid header name ${shown(name)}`, "use letters, digits and dashes");
  const key = name.toLowerCase();
  const reason = refused.find(([, names]) => names.split(" ").includes(key))?.[0];
  if (reason !== undefined) throw new RuleFault(`${name} cannot be set by a site`, reason);
  if (refusedPrefix.test(key)) throw new RuleFault(`${name} cannot be set by a site`, "remove the line");
  if (removal !== null) {
    if (ownNames.includes(key)) return { name, value: null };
    throw new RuleFault(`${name} is not sent`, "remove the line: ! is for headers that the site has by default");
  }
  if (value === "") throw new RuleFault(`${name} has no value`, `write ! ${name} to remove a header`);
  if (!valueForm.test(value))
    throw new RuleFault("character in the value is not allowed", "use ASCII without $ and \\");
  if (value.length > longestValue) throw new RuleFault("value too long", `at most ${longestValue} characters`);
  return { name, value };
}

function pathOf(text: string): PathPiece[] {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.startsWith("//")) {
    throw new RuleFault(`${shown(text)} names a host`, "write the path alone");
  }
  if (!text.startsWith("/")) throw new RuleFault(`${shown(text)} is no path of the site`, "begin it with a slash");
  if (/[?#\s]/.test(text))
    throw new RuleFault("a path has no query, fragment or blank", "percent-encode a blank as %20");
  const pieces: PathPiece[] = [];
  for (const [found] of text.matchAll(/\*|\/:[A-Za-z][A-Za-z0-9_]*(?=\/|$)|(?:(?!\/:[A-Za-z])[^*])+|./g)) {
    if (found === "*") pieces.push("any");
    else if (found.startsWith("/:")) pieces.push({ text: "/" }, "segment");
    else pieces.push({ text: decoded(found) });
  }
  // More of them make the comparison slow.
  if (pieces.filter((each) => each === "any").length > 1) throw new RuleFault("more than one *", "write one of them");
  if (pieces.length > 16) throw new RuleFault("too many placeholders", "at most 7 in a path");
  return pieces;
}
