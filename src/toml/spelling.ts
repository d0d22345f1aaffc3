// Formats values, keys and sections as TOML 1.0.

import { Problem } from "../problem/problem.ts";
import { Secret } from "../text/secret.ts";
import { formatMoment, isTable, type TomlTable, type TomlValue } from "./meaning.ts";

const escapes: Record<string, string> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/**
 * Formats a value on one line, with tables as inline tables. Throws a Problem for text with half of a surrogate pair.
 */
export function formatValue(value: TomlValue): string {
  if (typeof value === "string") return quoted(value);
  if (value instanceof Secret) return quoted(value.reveal());
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return String(value);
  if (value instanceof Date) return formatMoment(value);
  if (!isTable(value)) return `[${value.map(quoted).join(", ")}]`;
  const inner = Object.entries(value).map(([key, each]) => `${formatKey([key])} = ${formatValue(each)}`);
  return inner.length === 0 ? "{}" : `{ ${inner.join(", ")} }`;
}

/** Formats a key. Several parts become a dotted key. */
export function formatKey(parts: readonly string[]): string {
  return parts.map((part) => (/^[\w-]+$/.test(part) ? part : quoted(part))).join(".");
}

/** Returns the lines of a table: its header, its values, then its inner tables with headers of their own. */
export function sectionLines(
  path: readonly string[],
  table: TomlTable,
  layout: { indent: string; step: string; array?: boolean },
): string[] {
  const { indent, step, array } = layout;
  const entries = Object.entries(table);
  return [
    indent + (array ? `[[${formatKey(path)}]]` : `[${formatKey(path)}]`),
    ...entries.flatMap(([key, each]) =>
      isTable(each) ? [] : [`${indent}${step}${formatKey([key])} = ${formatValue(each)}`],
    ),
    ...entries.flatMap(([key, each]) =>
      isTable(each) ? sectionLines([...path, key], each, { indent: indent + step, step }) : [],
    ),
  ];
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new Problem("usage", "half of a surrogate pair cannot be written into a file");
  const escaped = text.replace(/["\\]|\p{Cc}/gu, (character) => {
    return escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const digits = String(value);
  return Number.isSafeInteger(value) || /[.e]/.test(digits) ? digits : `${digits}.0`;
}
