// Finds what a page or a style sheet links to, and the anchors that links to a page may name.

import { decoded } from "./entities.ts";
import { type Element, Markup } from "./markup.ts";

/** The attributes of an element that are addresses. */
const addressed: Record<string, readonly string[]> = {
  a: ["href"],
  area: ["href"],
  link: ["href"],
  img: ["src", "srcset"],
  script: ["src"],
  source: ["src", "srcset"],
  iframe: ["src"],
  frame: ["src"],
  video: ["src", "poster"],
  audio: ["src"],
  track: ["src"],
  embed: ["src"],
  object: ["data"],
};
const elements = new Set([...Object.keys(addressed), "base", "meta"]);
const wanted = new Set([...Object.values(addressed).flat(), ...["id", "name", "rel", "http-equiv", "content"]]);
/** A link of one of these types names a host, and no address that is requested. */
const hostOnly = /\b(?:preconnect|dns-prefetch)\b/i;
/** A template that a generator copied without rendering it. */
const placeholder = /\{\{|\{%|<%|\$\{/;
const refresh = /^[\s\d.]*[;,]?\s*(?:url\s*=\s*)?["']?([^"']*)/i;

/** Receives what a page contains. All values are decoded. */
interface PageParts {
  anchor(name: string): void;
  /** Called once at most, with the address that relative links of the page refer to. */
  base(address: string): void;
  link(address: string): void;
}

/** Returns the reader of one page. */
export function pageReader(parts: PageParts): Markup {
  let hasBase = false;
  return new Markup(elements, wanted, ({ name, attributes }) => {
    const id = attributes.get("id");
    if (id !== undefined) parts.anchor(decoded(id));
    const anchor = name === "a" ? attributes.get("name") : undefined;
    if (anchor !== undefined) parts.anchor(decoded(anchor));
    if (name === "base") {
      const href = attributes.get("href");
      if (href !== undefined && !hasBase) {
        hasBase = true;
        parts.base(decoded(href));
      }
    } else {
      for (const each of linksOf({ name, attributes })) if (!placeholder.test(each)) parts.link(each);
    }
  });
}

function linksOf({ name, attributes }: Element): string[] {
  if (name === "meta") {
    const isRefresh = attributes.get("http-equiv")?.toLowerCase() === "refresh";
    const to = isRefresh ? refresh.exec(decoded(attributes.get("content") ?? ""))?.[1] : undefined;
    return to ? [to] : [];
  }
  const keys = addressed[name];
  if (keys === undefined || (name === "link" && hostOnly.test(attributes.get("rel") ?? ""))) return [];
  return keys.flatMap((key) => {
    const value = attributes.get(key);
    if (value === undefined) return [];
    return key === "srcset" ? candidatesOf(decoded(value)) : [decoded(value)];
  });
}

/** Returns the addresses of a srcset, as the HTML standard splits it. An address may contain commas. */
function candidatesOf(srcset: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < srcset.length; ) {
    const start = from(/[^\s,]/g, srcset, at);
    const end = from(/\s/g, srcset, start);
    const word = srcset.slice(start, end);
    const address = withoutCommas(word);
    if (address !== "") found.push(address);
    // Without a comma at its end, the descriptors of the address follow.
    const comma = srcset.indexOf(",", end);
    at = word.length > address.length ? end : comma < 0 ? srcset.length : comma + 1;
  }
  return found;
}

/** A regular expression would take quadratic time for commas within the word. */
function withoutCommas(word: string): string {
  let end = word.length;
  while (word[end - 1] === ",") end -= 1;
  return word.slice(0, end);
}

function from(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.exec(text)?.index ?? text.length;
}

const inStyle = /(?:@import\s{1,9}(?=["'])|\burl\(\s{0,9})(?:"([^"\n]{1,500})"|'([^'\n]{1,500})'|([^\s"'()]{1,500}))/gi;

/** Returns the addresses in a style sheet. */
export function linksOfStyle(text: string): string[] {
  return [...withoutComments(text).matchAll(inStyle)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
}

function withoutComments(text: string): string {
  let found = "";
  let at = 0;
  for (let open = text.indexOf("/*"); open >= 0; open = text.indexOf("/*", at)) {
    found += text.slice(at, open);
    const end = text.indexOf("*/", open + 2);
    if (end < 0) return found;
    at = end + 2;
  }
  return found + text.slice(at);
}
