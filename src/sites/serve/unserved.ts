// The files of a tree that nginx does not serve. The nginx rules and the deploy warning use the same patterns, so each
// pattern must mean the same to PCRE and to JavaScript.

import { countOf } from "../../text/lines.ts";

/** Hidden files and directories at any depth, except .well-known, whose names are public (RFC 8615). */
export const hiddenPattern = String.raw`/\.(?!well-known(?:/|$))`;
/** Leftovers of editors and tools, case-insensitive. A page may have such an address without its .html. */
export const leftoverPattern = String.raw`\.(?:git|env|bak|old|swp)$`;
/** The files of rules at the top of the site, of a version or of a preview. */
export const ruleFilesPattern = "^(?:/[^/]+|/-/[^/]+)?/_(?:redirects|headers)$";

/** Enough names to recognise the files. */
const mostNamed = 3;

const hidden = new RegExp(hiddenPattern);
const leftover = new RegExp(leftoverPattern, "i");
/** Sphinx (including its cache), GitHub Pages and git put these files into every tree. No reader requests them. */
const markers = /(?:^|\/)\.(?:doctrees\/.+|buildinfo|nojekyll|gitkeep|gitignore)$/;

/** Returns whether nginx serves nothing at a path within the site because one of its names begins with a dot. */
export function hasHiddenName(path: string): boolean {
  return hidden.test(`/${path}`);
}

/** Returns whether nginx sends no file with this path within the site. A page may have such an address. */
export function isLeftover(path: string): boolean {
  return leftover.test(path);
}

/**
 * Returns whether a warning is due because nginx does not serve a file, by its path within the site. Marker files of
 * generators need no warning.
 */
export function isMissedFile(path: string): boolean {
  return (hasHiddenName(path) || isLeftover(path)) && !markers.test(path);
}

/** Counts files and keeps the first few paths for a message. */
export class SomePaths {
  count = 0;
  readonly #first: string[] = [];

  static of(paths: Iterable<string>): SomePaths {
    const some = new SomePaths();
    for (const path of paths) some.add(path);
    return some;
  }

  add(path: string): void {
    this.count += 1;
    if (this.#first.length < mostNamed) this.#first.push(path);
  }

  /** Returns "3 files: a, b, c", or for more files "9 files: a, b, c and 6 more". */
  described(): string {
    const more = this.count - this.#first.length;
    const rest = more > 0 ? ` and ${more} more` : "";
    return `${countOf(this.count, "file")}: ${this.#first.join(", ")}${rest}`;
  }
}
