// Parses `_redirects`: the common subset of Netlify's and Cloudflare's syntax.

import { eachLine, type Line, RuleFault, redirectsName, shown } from "./lines.ts";
import { isExact, type Pattern, patternOf, plainAddress, sampleOf } from "./pattern.ts";
import { addressOf, fileOf, filled, isFixed, type Target } from "./target.ts";

const statuses = ["200", "301", "302", "303", "307", "308", "404", "410"] as const;
/** 200, 404 and 410 send a file of the site; the others redirect. */
export type Status = (typeof statuses)[number];

export interface Redirect {
  line: number;
  /** The rule as written. */
  text: string;
  from: Pattern;
  status: Status;
  /** The address or file; null for 404 and 410 with the page of the site. */
  to: Target | null;
  /** Whether it also applies where the site has a file. */
  forced: boolean;
}

export const mostRedirects = 20_000;
/** nginx compares each of them with the path of a request, one after the other. */
const mostPatterns = 1000;

/** Returns the rules in the order of the file. Throws a Problem for the first line that is refused. */
export function parseRedirects(bytes: Uint8Array): Redirect[] {
  const rules: Redirect[] = [];
  let patterns = 0;
  eachLine(redirectsName, bytes, (line) => {
    const rule = redirectOf(line);
    if (!isExact(rule.from)) patterns += 1;
    if (rules.length >= mostRedirects) throw new RuleFault("too many rules", `at most ${mostRedirects}`);
    if (patterns > mostPatterns) {
      throw new RuleFault("too many rules with placeholders or *", `at most ${mostPatterns}`);
    }
    rules.push(rule);
  });
  return rules;
}

export function isRedirecting(status: Status): boolean {
  return status.startsWith("3");
}

function redirectOf({ number, text }: Line): Redirect {
  const words = wordsOf(text);
  const [path = "", second] = words;
  const arrow = words.find((word) => /^[-=]+>$/.test(word));
  if (arrow !== undefined) {
    throw new RuleFault(
      `${shown(arrow)} is no part of a rule`,
      `write ${shown(text.replace(arrow, "").replace(/\s+/g, " "))}`,
    );
  }
  if (second === undefined) throw new RuleFault("a rule needs a target", `write ${shown(`${path} /new-path`)}`);
  const from = patternOf(path);
  const base = { line: number, text: words.join(" "), from };
  const alone = /^(404|410)(!?)$/.exec(second);
  if (alone !== null && words.length === 2) {
    return { ...base, status: alone[1] as Status, to: null, forced: alone[2] === "!" };
  }
  if (!/^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(second) && second.includes("=")) {
    throw new RuleFault(`query parameter ${shown(second)}`, "queries are not matched: write the path and the target");
  }
  const { status, forced } = statusOf(words.slice(2));
  const names = new Set([...from.segments.flatMap((each) => ("name" in each ? [each.name] : []))]);
  if (from.splat) names.add("splat");
  const to = isRedirecting(status) ? addressOf(second, names) : fileOf(second, names);
  const rule = { ...base, status, to, forced };
  demandNoCycle(rule);
  return rule;
}

/** A comment begins with # after a blank: within a word, # begins a fragment. */
function wordsOf(text: string): string[] {
  const words = text.trim().split(/[ \t]+/);
  const comment = words.findIndex((word) => word.startsWith("#"));
  return comment < 0 ? words : words.slice(0, comment);
}

function statusOf(words: readonly string[]): { status: Status; forced: boolean } {
  const [word = "301", more] = words;
  const [, digits = "", mark] = /^(\d+)(!?)$/.exec(word) ?? [];
  const condition = [word, more ?? ""].find((each) => each.includes("="));
  if (condition !== undefined) {
    throw new RuleFault(`condition ${shown(condition)} is not supported`, "remove it: a rule applies to every reader");
  }
  const status = statuses.find((each) => each === digits);
  if (status === undefined)
    throw new RuleFault(`status ${shown(word)} is not supported`, `write ${statuses.join(", ")}`);
  if (more !== undefined) throw new RuleFault(`${shown(more)} after the status`, "write one rule in a line");
  return { status, forced: mark === "!" };
}

/** A redirect to the same page never ends: `/a`, `/a/` and `/a.html` are one. */
function demandNoCycle({ from, status, to }: Redirect): void {
  if (to === null || !isRedirecting(status) || !isExact(from) || !isFixed(to)) return;
  const path = localPath(filled(to, new Map()));
  if (path === null || plainAddress(path) !== plainAddress(sampleOf(from))) return;
  throw new RuleFault("the rule leads to itself", "/a, /a/ and /a.html are one address: remove the rule");
}

/** Returns the decoded path of an address of this site, or null for another host. */
export function localPath(address: string): string | null {
  return address.startsWith("/") ? decodeURIComponent(address.replace(/[?#].*$/, "")) : null;
}
