// Compiles the rules of a site to nginx's configuration: tables and expressions for its http block, and directives for
// the server of the site. Only what compile.ts writes itself is syntax; every text of a rule is escaped or was refused.

import { invalid, RuleFault, redirectsName } from "./lines.ts";
import { isExact, type Pattern, plainAddress, type Segment, sampleOf } from "./pattern.ts";
import { PatternIndex } from "./pattern-index.ts";
import { isRedirecting, type Redirect } from "./redirects.ts";
import { tableLines, tableOf } from "./table.ts";
import { filled, type Target } from "./target.ts";

/**
 * Returns the name of a variable of a project. Names and coded slugs have no two underscores in a row, so that two projects
 * never share one: nginx would answer for one site with the rules of the other.
 */
export function variable(slug: string, name: string): string {
  return `edox_ops_${name}__${slug.replaceAll("_", "_u").replaceAll("-", "_d")}`;
}

/** A rule that no request reaches, and the reason. */
interface Shadowed {
  rule: Redirect;
  by: Redirect;
}

interface Reached {
  reached: Redirect[];
  shadowed: Shadowed[];
}

/**
 * Separates the rules that no request reaches: of two rules for one path the first one counts, and rules with ! precede
 * all others.
 */
export function reachedRules(rules: readonly Redirect[]): Reached {
  const byAddress = new Map<string, Redirect>();
  const [forced, others] = [new PatternIndex(), new PatternIndex()];
  for (const rule of rules) if (rule.forced && !isExact(rule.from)) forced.add(rule);
  const earlier = (rule: Redirect): Redirect | undefined => {
    const path = sampleOf(rule.from);
    const first = forced.first(path)?.rule;
    if (rule.forced) return first !== undefined && first.line < rule.line ? first : undefined;
    return first ?? others.first(path)?.rule;
  };
  const found: Reached = { reached: [], shadowed: [] };
  for (const rule of rules) {
    const address = isExact(rule.from) ? plainAddress(sampleOf(rule.from)) : shapeOf(rule.from);
    const by = byAddress.get(address) ?? (isExact(rule.from) ? earlier(rule) : undefined);
    if (by !== undefined && by !== rule) found.shadowed.push({ rule, by });
    else {
      byAddress.set(address, rule);
      found.reached.push(rule);
      if (!isExact(rule.from) && !rule.forced) others.add(rule);
    }
  }
  return found;
}

/** Two patterns of one shape match the same paths, whatever their placeholders are called. */
function shapeOf({ segments, splat }: Pattern): string {
  return JSON.stringify([...segments.map((each) => ("text" in each ? each.text : null)), splat]);
}

/** Returns the lines for the http block that redirects and headers need. */
export function pathMaps(slug: string, previews: boolean): string[] {
  return [
    "# The path as it was requested: nginx changes $uri to the file that it sends. None applies to a challenge or a preview.",
    `map $uri $${variable(slug, "uri")} {`,
    String.raw`    "~[\x00-\x1f\x7f|]" "";`,
    `    "~^/[.]well-known/acme-challenge/" "";`,
    ...(previews ? [`    "~^/-/[a-z0-9-]+(?:/|$)" "";`] : []),
    "    default $uri;",
    "}",
  ];
}

/** Returns the lines for the http block that redirects need. */
export function redirectMaps(slug: string, rules: readonly Redirect[]): string[] {
  const name = (word: string): string => variable(slug, word);
  const forced = rules.filter((rule) => rule.forced);
  return [
    "# The same for /a, /a/, /a.html and /a/index.html.",
    `map $${name("uri")} $${name("address")} {`,
    `    "~^/index[.]html$" "/";`,
    `    "~^(.+?)(?:/|/index[.]html|[.]html)$" "$1";`,
    `    default $${name("uri")};`,
    "}",
    "# Still percent-encoded, for the header Location.",
    `map $request_uri $${name("raw")} {`,
    `    "~^([^?]*)" "$1";`,
    "}",
    ...(forced.length > 0 ? answerMaps(slug, "forced", forced) : []),
    ...answerMaps(
      slug,
      "rule",
      rules.filter((rule) => !rule.forced),
    ),
    `map "${forced.length > 0 ? `$${name("forced")}` : ""}" $${name("answer")} {`,
    `    "" $${name("rule")};`,
    ...(forced.length > 0 ? [`    default $${name("forced")};`] : []),
    "}",
    `map $${name("answer")} $${name("file")} {`,
    `    "~^(?:200|404|410) (.+)$" "$1";`,
    "}",
  ];
}

/** Returns the lines of a variable with the answer to a request: `301 /new`, `200 /file`, `410`, or "". */
function answerMaps(slug: string, word: string, rules: readonly Redirect[]): string[] {
  const name = (part: string): string => variable(slug, `${word}_${part}`);
  const exact = rules.filter((rule) => isExact(rule.from));
  const patterns = rules.filter((rule) => !isExact(rule.from));
  const entries = exact.map((rule) => [plainAddress(sampleOf(rule.from)), answerOf(rule, fixedText)] as const);
  const table = tableOf(entries);
  if (table === null) {
    throw invalid(redirectsName, exact[0]?.line ?? 1, new RuleFault("limit reached", "use fewer or shorter rules"));
  }
  const [address, uri, raw] = ["address", "uri", "raw"].map((part) => variable(slug, part));
  return [
    ...tableLines(table, address ?? "", name("list")),
    `map "$${address}$${name("list")}" $${name("exact")} {`,
    `    "~^([^|]+)[|](?:[^|]++[|][^|]++[|])*?\\1[|]([2-4][^|]*)[|]" "$2";`,
    "}",
    ...(patterns.length === 0
      ? []
      : [
          `map "$${uri}|$${raw}" $${name("pattern")} {`,
          ...patterns.map((rule) => `    "~${expressionOf(rule)}" "${answerOf(rule, captureText)}";`),
          "}",
        ]),
    `map $${name("exact")} $${variable(slug, word)} {`,
    `    "" "${patterns.length === 0 ? "" : `$${name("pattern")}`}";`,
    `    default $${name("exact")};`,
    "}",
  ];
}

type TextOf = (to: Target, rule: Redirect) => string;

function answerOf(rule: Redirect, textOf: TextOf): string {
  if (rule.to === null) return rule.status;
  const text = textOf(rule.to, rule);
  // A file is looked for without a slash at its end.
  return `${rule.status} ${isRedirecting(rule.status) ? text : text.replace(/(?!^)\/$/, "")}`;
}

const fixedText: TextOf = (to) => filled(to, new Map());

const captureText: TextOf = (to, { from }) => {
  const names = usedNames(from, to);
  return to.map((part) => (typeof part === "string" ? part : `$${names.indexOf(part.name) + 1}`)).join("");
};

/** Returns the names that the target has, in the order in which they are captured. */
function usedNames({ segments, splat }: Pattern, to: Target | null): string[] {
  const used = new Set((to ?? []).flatMap((part) => (typeof part === "string" ? [] : [part.name])));
  const all = [...segments.flatMap((each) => ("name" in each ? [each.name] : [])), ...(splat ? ["splat"] : [])];
  return all.filter((name) => used.has(name));
}

/**
 * Returns the expression for the decoded path, a bar, and the raw path. Texts are compared with the decoded path, which has
 * no bar and is first, so that nearly all patterns fail at once: a raw path may have 8 kB. What a redirect captures comes
 * from the raw path, in which nothing can end a header or begin a host name.
 */
function expressionOf({ from, status, to }: Redirect): string {
  const redirects = isRedirecting(status);
  const names = usedNames(from, to);
  const captured = (segment: Segment, form: string): string =>
    "name" in segment && names.includes(segment.name) ? `(${form})` : form;
  const { segments, splat } = from;
  const safe = String.raw`\x00-\x20\x22\x5c\x7f`;
  const [rawSegment, rawRest, segment, rest] = [`[^/${safe}]+`, `(?!/)[^${safe}]*`, "[^/|]+", "(?!/)[^|]*"];
  const last = segments.at(-1);
  const ending = last !== undefined && "text" in last ? "(?:/|/index[.]html|[.]html)?" : "/?";
  const group = (form: string, isCaptured: boolean): string => `(?:/${isCaptured ? `(${form})` : form})?`;
  const hasSplat = names.includes("splat");
  const raw =
    redirects && names.length > 0
      ? [
          ...segments.map((each) => `/${captured(each, rawSegment)}`),
          splat ? group(rawRest, hasSplat) : "(?:/|/index[.]html)?",
        ].join("")
      : ".*";
  const texts = segments.map(
    (each) => `/${"text" in each ? escaped(each.text) : redirects ? segment : captured(each, segment)}`,
  );
  return `^${texts.join("")}${splat ? group(rest, hasSplat && !redirects) : ending}[|]${raw}$`;
}

/** Returns an expression that matches exactly this text, of characters that no quoting interprets. */
export function escaped(text: string): string {
  const bytesOf = (character: string): string =>
    [...new TextEncoder().encode(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return text.replace(/[^A-Za-z0-9/_-]/gu, (character) => (character === "." ? "[.]" : bytesOf(character)));
}
