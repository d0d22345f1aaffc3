// What both files of rules share: their names, their lines, and the faults of a line. Every byte of them is hostile.

import { Problem } from "../../problem/problem.ts";
import { lineOf, oneLine } from "../../text/lines.ts";

export const redirectsName = "_redirects";
export const headersName = "_headers";

/** Limits of a file. nginx reads a word of at most 4,096 bytes, and a word of ours has two paths. */
export const mostBytes = 2 * 2 ** 20;
const longestLine = 3000;
const longestPath = 800;

/** Thrown for a line that is refused. `fix`: what to write in its place. */
export class RuleFault extends Error {
  override name = "RuleFault";

  constructor(
    readonly reason: string,
    readonly fix: string,
  ) {
    super(`${reason}: ${fix}`);
  }
}

/** A line without its comment and its ending, with its number in the file. */
export interface Line {
  number: number;
  text: string;
}

/** Calls `take` for each line that has a rule. Throws a Problem for the first line that is refused. */
export function eachLine(name: string, bytes: Uint8Array, take: (line: Line) => void): void {
  if (bytes.length > mostBytes) throw invalid(name, 1, new RuleFault("limit reached", `at most ${mostBytes} bytes`));
  for (const [i, text] of textLines(name, bytes).entries()) {
    const number = i + 1;
    try {
      if (text.length > longestLine) throw new RuleFault("too long", `at most ${longestLine} characters in a line`);
      if (/^\s*(?:#|$)/.test(text)) continue;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
      if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)) {
        throw new RuleFault("control character", "write one rule in a line of plain text");
      }
      take({ number, text });
    } catch (error) {
      if (error instanceof RuleFault) throw invalid(name, number, error);
      throw error;
    }
  }
}

/** Returns the problem of a line. */
export function invalid(name: string, line: number, { reason, fix }: RuleFault): Problem {
  return new Problem("invalid-source", lineOf`${name}:${line}: ${reason}: ${fix}`.trimEnd());
}

function textLines(name: string, bytes: Uint8Array): string[] {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).split(/\r?\n/);
  } catch {
    const fault = new RuleFault("invalid UTF-8", "save the file as UTF-8");
    throw invalid(name, badLine(bytes), fault);
  }
}

/** Returns the number of the first line that is not UTF-8. */
function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [start, number] = [0, 1];
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return number;
    }
    if (end < 0) return number;
    [start, number] = [end + 1, number + 1];
  }
}

/**
 * Matches what no path or address may contain, decoded or not: quotes, and what nginx, a header or a browser would
 * interpret.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
const unsafe = /[\u0000-\u001f\u007f-\u009f"'`$\\;{}|<>^\u2028\u2029\ufffe\uffff]/u;

/** Returns the decoded form of a path or a part of it. Throws a RuleFault for an unsafe or long one. */
export function decoded(text: string): string {
  const path = decodedText(text);
  if (Buffer.byteLength(path) > longestPath) throw new RuleFault("path too long", `at most ${longestPath} bytes`);
  return path;
}

/** Returns the decoded form of a part of an address. Throws a RuleFault for an unsafe one. */
export function decodedText(text: string): string {
  let path: string;
  try {
    path = decodeURIComponent(text);
  } catch {
    throw new RuleFault(`invalid percent-encoding in ${shown(text)}`, "write %25 for a percent sign");
  }
  const [bad] = unsafe.exec(text) ?? unsafe.exec(path) ?? [];
  if (bad !== undefined) throw new RuleFault(`character ${shown(bad)} is not allowed`, "remove it");
  return path;
}

/** Returns the percent-encoded form of a decoded path, in which only ASCII characters are left. */
export function encoded(path: string): string {
  return encodeURIComponent(path).replace(/%(?:2F|3A|40|2C|2B|3D|26)/g, decodeURIComponent);
}

/** Returns a quoted value on one line, shortened. */
export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return `'${oneLine(JSON.stringify(short).slice(1, -1))}'`;
}
