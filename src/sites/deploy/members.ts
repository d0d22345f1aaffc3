// The file of the records as text, with the position of each record, so that unchanged records keep their bytes.

import { projectsPath } from "../../engine/paths.ts";
import { Problem } from "../../problem/problem.ts";
import { parseJson } from "../../text/json.ts";

/** A key of an object and its value. */
export interface Member {
  key: string;
  /** The text of the value. */
  value: string;
  /** The text of key and value. */
  text: string;
}

/** Throws a Problem for bytes that are not UTF-8, because a change could not preserve them. */
export function decodeJson(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const { text, offset } = readable(bytes);
    throw unreadable(`is not JSON: not UTF-8 at ${placeOf(text, offset)}`);
  }
}

/**
 * Returns the parsed object. Throws a Problem with line and column where the text is not an object or repeats a key.
 */
export async function objectOf(text: string): Promise<Record<string, unknown>> {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    if (error instanceof RangeError) throw unreadable(`cannot be used: ${error.message}`);
    throw unreadable(`is not JSON: ${await syntaxError(text)}`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw unreadable(`is not an object with a project under each slug: line 1, column 1`);
  }
  const keys = new Set<string>();
  for (const { key, offset } of placedMembers(text)) {
    if (keys.has(key)) throw unreadable(`has the project ${key} twice: again at ${placeOf(text, offset)}`);
    keys.add(key);
  }
  return json as Record<string, unknown>;
}

/** Returns the members of a JSON object in the order of the text. */
export function membersOf(text: string): Member[] {
  return placedMembers(text).map(({ offset: _, ...member }) => member);
}

/** Returns the members with their offsets. In valid JSON, strings and brackets suffice to find the end of a member. */
function placedMembers(text: string): (Member & { offset: number })[] {
  const members: (Member & { offset: number })[] = [];
  let depth = 0;
  let key: { text: string; at: number } | null = null;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    if (key !== null && depth === 1 && (token === "," || token === "}")) {
      const written = text.slice(key.at, index).trimEnd();
      const value = written.slice(key.text.length).replace(/^\s*:\s*/, "");
      members.push({ key: JSON.parse(key.text), value, text: written, offset: key.at });
      key = null;
    }
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (token !== "," && depth === 1) key ??= { text: token, at: index };
  }
  return members;
}

async function syntaxError(text: string): Promise<string> {
  const { parse, printParseErrorCode } = await import("jsonc-parser");
  const errors: import("jsonc-parser").ParseError[] = [];
  parse(text, errors, { disallowComments: true });
  const [first = { error: 1, offset: text.length }] = errors;
  return `${printParseErrorCode(first.error)} at ${placeOf(text, first.offset)}`;
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Returns the text, and the offset of the first byte that is not UTF-8. */
function readable(bytes: Uint8Array): { text: string; offset: number } {
  const text = new TextDecoder().decode(bytes);
  for (let offset = text.indexOf("\ufffd"); offset >= 0; offset = text.indexOf("\ufffd", offset + 1)) {
    // The text may legitimately contain this character.
    const start = Buffer.byteLength(text.slice(0, offset));
    if (!Buffer.from("\ufffd").equals(bytes.subarray(start, start + 3))) return { text, offset };
  }
  return { text, offset: text.length };
}

function unreadable(why: string): Problem {
  return new Problem("invalid-config", `${projectsPath} ${why}`, { hint: ["sudo", "cat", "-n", projectsPath] });
}
