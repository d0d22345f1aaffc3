// The right side of a redirect: an address of this site or another one, or a file of this site.

import { decoded, decodedText, encoded, RuleFault, shown } from "./lines.ts";

/** A text, or the name of what a placeholder of the pattern stands for. */
type Part = string | { name: string };

/** An address in parts. The texts of an address are percent-encoded, those of a file are decoded. */
export type Target = Part[];

/** In percent-encoded form. */
const longestTarget = 2800;
const host =
  /^https?:\/\/(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?(?=\/|\?|#|$)/i;
const addressCharacters = /^[A-Za-z0-9\-._~:/?#@!&()*+,=%[\]]*$/;

/** Returns the target of a redirect to an address. `names`: the placeholders that the path has. Throws a RuleFault. */
export function addressOf(text: string, names: ReadonlySet<string>): Target {
  const [origin = ""] = host.exec(text) ?? [];
  if (origin === "" && /^[a-z][a-z0-9+.-]*:/i.test(text)) {
    throw new RuleFault(`${shown(text)} is no address`, "write https://, a host name and a path");
  }
  if (text.startsWith("//")) throw new RuleFault("address without a scheme", "begin it with https://");
  if (origin === "" && !text.startsWith("/")) {
    throw new RuleFault(`${shown(text)} is no path of the site`, "begin it with a slash, or with https://");
  }
  const [, path = "", rest = ""] = /^([^?#]*)(.*)$/.exec(text.slice(origin.length)) ?? [];
  const parts = partsOf(path, names).map((part) => (typeof part === "string" ? encoded(decoded(part)) : part));
  decodedText(rest);
  if (!addressCharacters.test(rest)) throw new RuleFault("character after ? or # is not allowed", "percent-encode it");
  // A fragment is not a second one, and a query does not end the address.
  if (/#.*[#?]/.test(rest)) throw new RuleFault("two fragments", "write the query before the fragment");
  demandSegments(parts);
  return joined([origin, ...parts, rest]);
}

/** Returns the target of a rule that sends a file of the site. Throws a RuleFault. */
export function fileOf(text: string, names: ReadonlySet<string>): Target {
  if (/^(?:[a-z][a-z0-9+.-]*:)?\/\//i.test(text)) {
    throw new RuleFault("nginx is no proxy for other hosts", "write 302 in place of this status");
  }
  if (!text.startsWith("/")) throw new RuleFault(`${shown(text)} is no path of the site`, "begin it with a slash");
  if (/[?#]/.test(text)) throw new RuleFault("a file has no query and no fragment", "remove it, or write 302");
  const parts = partsOf(text, names).map((part) => (typeof part === "string" ? decoded(part) : part));
  demandSegments(parts);
  const plain = parts.map((part) => (typeof part === "string" ? part : "x")).join("");
  if (/\/\.(?!well-known\/)/.test(plain) || /^\/_(?:redirects|headers)$/.test(plain)) {
    throw new RuleFault(`${shown(text)} is not served`, "name a page of the site");
  }
  return joined(parts);
}

/** Splits a path at its placeholders. A colon elsewhere is a character. */
function partsOf(path: string, names: ReadonlySet<string>): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const found of path.matchAll(/:([A-Za-z][A-Za-z0-9_]*)/g)) {
    const name = found[1] ?? "";
    if (!names.has(name)) {
      if (path[found.index - 1] !== "/") continue;
      throw new RuleFault(`the path has no ${found[0]}`, `write ${name === "splat" ? "/*" : found[0]} in the path`);
    }
    parts.push(path.slice(end, found.index), { name });
    end = found.index + found[0].length;
  }
  return [...parts, path.slice(end)];
}

function demandSegments(parts: Target): void {
  const plain = parts.map((part) => (typeof part === "string" ? part : "x")).join("");
  if (/\/\//.test(plain)) throw new RuleFault("empty segment", "write one slash between segments");
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(plain)) throw new RuleFault("segment . or ..", "write the path that it leads to");
}

function joined(parts: Target): Target {
  const all: Target = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (part === "") continue;
    if (typeof part === "string" && typeof last === "string") all[all.length - 1] = last + part;
    else all.push(part);
  }
  const bytes = Buffer.byteLength(all.map((part) => (typeof part === "string" ? part : part.name)).join(""));
  if (bytes > longestTarget) throw new RuleFault("target too long", `at most ${longestTarget} percent-encoded bytes`);
  return all;
}

/** Returns the target with these values in place of the names. */
export function filled(target: Target, values: ReadonlyMap<string, string>): string {
  return target.map((part) => (typeof part === "string" ? part : (values.get(part.name) ?? ""))).join("");
}

/** Returns whether a target is the same for each request. */
export function isFixed(target: Target): boolean {
  return target.every((part) => typeof part === "string");
}
