// Which files of a tree nginx does not serve. One list makes the rules of the site and the warning of a deploy, so every
// pattern has to mean the same to PCRE and to JavaScript.

import { countOf } from "../engine/lines.ts";

/** Hidden files and directories, at any depth. Every other name in .well-known is public (RFC 8615). */
export const hiddenPattern = String.raw`/\.(?!well-known(?:/|$))`;
/** What editors and tools leave behind, in any case of letters. Pages may have such addresses, without their .html. */
export const leftoverPattern = String.raw`\.(?:git|env|bak|old|swp)$`;

/** Enough to recognize what they are. */
const mostNamed = 3;

const hidden = new RegExp(hiddenPattern);
const leftover = new RegExp(leftoverPattern, "i");
/** Written into every tree by Sphinx (its cache too), for GitHub Pages and for git: nobody misses them on the net. */
const markers = /(?:^|\/)\.(?:doctrees\/.+|buildinfo|nojekyll|gitkeep|gitignore)$/;

/**
 * Reports whether the author of a site should hear that nginx does not serve a file, by its path within the site. That of
 * a marker of a generator is no news.
 */
export function isMissedFile(path: string): boolean {
  return (hidden.test(`/${path}`) || leftover.test(path)) && !markers.test(path);
}

/** Counts files, and keeps the first few of their paths for a message. */
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

  /** Returns "3 files: a, b, c", or with more of them "9 files: a, b, c and 6 more". */
  described(): string {
    const more = this.count - this.#first.length;
    const rest = more > 0 ? ` and ${more} more` : "";
    return `${countOf(this.count, "file")}: ${this.#first.join(", ")}${rest}`;
  }
}
