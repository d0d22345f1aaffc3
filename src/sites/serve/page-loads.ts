// Finds what a page or a style sheet loads from other hosts, as far as the text states it. Every expression that
// searches a whole file runs in time linear in its length on any input: repetitions are bounded, and end at the next
// tag.

import type { Search } from "../../host/trees.ts";
import type { Kind } from "./csp.ts";

export interface Load {
  kind: Kind;
  /** Absolute, or with two leading slashes. */
  address: string;
}

/** Every address of another host contains this. */
const needle = "//";
/** A URL with a host, of a realistic length. */
const address = String.raw`(?:(?:https?|wss?):)?\/\/[^"'\s()<>;\x60\\]{1,500}`;
const tag = (names: string): string => String.raw`<(?:${names})\b[^<>]{0,2000}>`;
const withText = (name: string): string => String.raw`${tag(name)}(?:[^<]|<(?!\/${name})){0,4000}`;
const loading = String.raw`(?:\b(?:from|import|importScripts|fetch|WebSocket|EventSource|Worker|sendBeacon)\s*\(?|\bsrc\s*=)\s*["'\x60]`;
const inStyle = String.raw`(?:@import\s+(?:url\(\s*)?|\burl\(\s*)["']?`;

/** Returns the search of pages. With `inline`, it also finds inline scripts and styles. */
export function pageSearch(inline: boolean): Search {
  const others = "iframe|frame|embed|object|source|video|audio|track|form|base";
  const loads = [
    // A page names its own address and links to other pages, which are not loads.
    String.raw`^<link[^<>]*\srel\s*=\s*["']?(?:\w+ )?(?:stylesheet|icon|preload|modulepreload|manifest)`,
    String.raw`^<img[^<>]*\s(?:src|srcset)\s*=\s*(?:["']\s*)?(?:\w+:)?\/\/`,
    String.raw`^<(?:script|style|${others})\b[^<>]*\s(?:src|srcset|data|action|href)\s*=\s*(?:["']\s*)?(?:\w+:)?\/\/`,
    "^<script[^<>]*importmap",
    `${loading}${address}`,
    `${inStyle}${address}`,
    ...(inline ? [String.raw`^<style\b|^<script\b(?![^<>]*\s(?:src|type)\s*=)`] : []),
  ];
  const worth = loads.join("|");
  // An import map is recognised by its tag, because a `<` may separate the tag from the address.
  const inMap = String.raw`^(?!<script\b)[^]*[[{:,]\s*"${address}`;
  return {
    // An inline script or style needs no address.
    needle: inline ? "" : needle,
    within: inline ? null : { around: new RegExp(`${worth}|${inMap}`, "i"), containers: ["<script", "<style"] },
    parts: new RegExp([withText("script"), withText("style"), tag(`link|img|${others}`)].join("|"), "gi"),
    worth: new RegExp(worth, "i"),
  };
}

export const styleSearch: Search = {
  needle,
  within: null,
  parts: new RegExp(`${inStyle}${address}`, "gi"),
  worth: /^/,
};

/** Returns the loads of a part of a page. */
export function loadsOfPage(part: string): Load[] {
  const [, name = "", rest = ""] = /^<(\w+)([^>]*>)/.exec(part) ?? [];
  const text = part.slice(1 + name.length + rest.length);
  const value = (attribute: string): string => {
    const found = new RegExp(String.raw`\s${attribute}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`, "i").exec(rest);
    return (found?.[1] ?? found?.[2] ?? found?.[3] ?? "").trim();
  };
  const one = (kind: Kind, attribute: string): Load[] => [{ kind, address: value(attribute) }];
  switch (name.toLowerCase()) {
    case "script":
      return [...one("script", "src"), ...loadsOfScript(text, value("type"))];
    case "style":
      return loadsOfStyle(text);
    case "link":
      return loadsOfLink(value("rel"), value("as")).flatMap((kind) => one(kind, "href"));
    case "img":
      return [...one("image", "src"), ...one("image", "srcset")];
    case "source":
      return [...one("media", "src"), ...one("image", "srcset")];
    case "iframe":
    case "frame":
      return one("frame", "src");
    case "embed":
      return one("object", "src");
    case "object":
      return one("object", "data");
    case "form":
      return one("form", "action");
    case "base":
      return one("base", "href");
    default:
      return one("media", "src");
  }
}

function loadsOfLink(rel: string, as: string): Kind[] {
  const kinds: Record<string, Kind> = {
    script: "script",
    style: "style",
    font: "font",
    image: "image",
    fetch: "connection",
  };
  if (/\bstylesheet\b/i.test(rel)) return ["style"];
  if (/\bicon\b/i.test(rel)) return ["image"];
  if (/\bmodulepreload\b/i.test(rel)) return ["script"];
  if (/\bmanifest\b/i.test(rel)) return ["manifest"];
  const kind = kinds[as.toLowerCase()];
  return /\bpreload\b/i.test(rel) && kind !== undefined ? [kind] : [];
}

function loadsOfScript(text: string, type: string): Load[] {
  if (/importmap/i.test(type)) {
    return [...text.matchAll(new RegExp(`"(${address})"`, "g"))].map(([, found = ""]) => ({
      kind: "script",
      address: found,
    }));
  }
  if (/json|template/i.test(type)) return [];
  const calls = new RegExp(String.raw`\b(\w{1,20})\s{0,9}[(=]?\s{0,9}["'\x60](${address})["'\x60]`, "g");
  return [...text.matchAll(calls)].flatMap(([, word = "", found = ""]): Load[] => {
    if (/^(?:from|import)$/.test(word)) return [{ kind: "script", address: found }];
    if (/^(?:importScripts|Worker)$/.test(word)) return [{ kind: "worker", address: found }];
    if (/^(?:fetch|WebSocket|EventSource|sendBeacon)$/.test(word)) return [{ kind: "connection", address: found }];
    // The script creates an element with this address: a script by its extension.
    return word === "src" && /\.m?js\b/.test(found) ? [{ kind: "script", address: found }] : [];
  });
}

/** Returns the loads of a style sheet or a part of one. Fonts are recognised by their extension. */
export function loadsOfStyle(text: string): Load[] {
  return [...text.matchAll(new RegExp(`(${inStyle})(${address})`, "gi"))].map(([, by = "", found = ""]) => {
    if (/^@import/i.test(by)) return { kind: "style", address: found };
    return { kind: /\.(?:woff2?|ttf|otf|eot)\b/i.test(found) ? "font" : "image", address: found };
  });
}

/** Returns "script" or "style" for a part of a page that is inline; null for any other part. */
export function inlineKind(part: string): "script" | "style" | null {
  if (/^<style\b/i.test(part)) return "style";
  return /^<script\b(?![^<>]*\s(?:src|type)\s*=)/i.test(part) ? "script" : null;
}
