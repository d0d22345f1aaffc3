// Searches blocks of files for matches of regular expressions, during one call for many files.

import { longestPart, type Search, type SearchLimits, type SearchResult } from "./trees.ts";

/** The code of `<`, which has the case bit of letters too. */
const openingByte = 0x3c;
const caseBit = 0x20;

/** The number of different parts with its needle that each search remembers. */
const mostSeen = 2000;

interface Range {
  start: number;
  end: number;
}

interface Within {
  around: RegExp;
  containers: readonly Buffer[];
}

export class Matcher {
  readonly #searches;
  readonly #limits: SearchLimits;
  #milliseconds = 0;

  constructor(searches: readonly Search[], limits: SearchLimits) {
    this.#limits = limits;
    this.#searches = searches.map((search) => ({
      ...search,
      bytes: Buffer.from(search.needle, "latin1"),
      within: search.within && {
        around: search.within.around,
        containers: search.within.containers.map((name) => Buffer.from(name, "latin1")),
      },
      found: new Map<string, number>(),
      /** Most files of a tree contain the same parts, so each part is matched once. */
      seen: new Set<string>(),
    }));
  }

  /** Returns whether a limit is reached, so that this search finds nothing more. */
  isDone(index: number): boolean {
    const { matches, milliseconds } = this.#limits;
    return this.#milliseconds >= milliseconds || (this.#searches[index]?.found.size ?? matches) >= matches;
  }

  /** Calls a function and adds its time to that of the search. */
  timed(act: () => void): void {
    const start = performance.now();
    act();
    this.#milliseconds += performance.now() - start;
  }

  /** Adds the parts that these bytes of a file contain. */
  look(bytes: Buffer, index: number, file: number): void {
    const search = this.#searches[index];
    if (search === undefined) return;
    const { needle, parts, worth, found, seen } = search;
    for (const { start, end } of rangesOf(bytes, search.bytes, search.within)) {
      for (const [part] of bytes.toString("latin1", start, end).matchAll(parts)) {
        if (!part.includes(needle) || seen.has(part)) continue;
        if (seen.size < mostSeen) seen.add(part);
        if (found.size < this.#limits.matches && !found.has(part) && worth.test(part)) found.set(part, file);
      }
    }
  }

  searched(): SearchResult {
    const found = this.#searches.flatMap((search) => [...search.found].map(([text, file]) => ({ file, text })));
    return { found, milliseconds: this.#milliseconds };
  }
}

/**
 * Returns the ranges of bytes that contain all parts, in order. No part begins before a range and ends in it. The C
 * library finds a needle far faster than a regular expression matches, and bytes that are not decoded produce no
 * garbage. The time is linear in the length for any content.
 */
function rangesOf(bytes: Buffer, needle: Buffer, within: Within | null): Range[] {
  if (within === null) return bytes.indexOf(needle) < 0 ? [] : [{ start: 0, end: bytes.length }];
  const ranges: Range[] = [];
  /** The end of the text around the previous needle. */
  let before = 0;
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, before)) {
    let start = at;
    while (start > before && bytes[start] !== openingByte) start--;
    const next = bytes.indexOf(openingByte, at);
    const end = next < 0 ? bytes.length : next;
    if (end - start > longestPart || within.around.test(bytes.toString("latin1", start, end))) {
      addRange({ ranges, bytes, start, end, containers: within.containers });
    }
    before = Math.max(end, at + 1);
  }
  return ranges;
}

/**
 * Adds the text around a needle. A container that begins less than {@link longestPart} bytes earlier may contain the
 * needle, and may itself be inside another one. The range therefore begins before the outermost of them.
 */
function addRange({
  ranges,
  bytes,
  start,
  end,
  containers,
}: {
  ranges: Range[];
  bytes: Buffer;
  start: number;
  end: number;
  containers: readonly Buffer[];
}): void {
  const last = ranges.at(-1);
  const floor = last?.end ?? 0;
  let safe = start;
  for (let at = start - 1; at >= Math.max(floor, safe - longestPart); at--) {
    if (bytes[at] === openingByte && isOneOf(containers, bytes, at)) safe = at;
  }
  if (last !== undefined && safe - longestPart < floor) last.end = Math.min(bytes.length, end + longestPart);
  else {
    const isAlone = safe === start && end - start <= longestPart && !isOneOf(containers, bytes, start);
    ranges.push({ start: safe, end: isAlone ? end : Math.min(bytes.length, end + longestPart) });
  }
}

/** Returns whether one of these lower-case names is at a position of the text, regardless of case. */
function isOneOf(names: readonly Buffer[], bytes: Buffer, at: number): boolean {
  return names.some((name) => {
    let i = 0;
    while (i < name.length && ((bytes[at + i] as number) | caseBit) === name[i]) i++;
    return i === name.length;
  });
}
