// What nginx has to answer, computed from the rules and the files of a tree. The probe of a deploy compares both.

import { leftoverPattern } from "../serve/unserved.ts";
import { encoded } from "./lines.ts";
import { isExact, plainAddress, sampleOf } from "./pattern.ts";
import { PatternIndex } from "./pattern-index.ts";
import { isRedirecting, type Redirect } from "./redirects.ts";
import { filled } from "./target.ts";

export interface Answer {
  rule: Redirect;
  /** The header Location of a redirect, or the path of the file that is sent; null for the page of the site. */
  target: string | null;
}

const leftover = new RegExp(leftoverPattern, "i");

/** The files of a site. */
export class SiteFiles {
  readonly #isFile: (path: string) => boolean;

  /** `isFile` returns whether a path within the tree, without a slash at its beginning, is a file. */
  constructor(isFile: (path: string) => boolean) {
    this.#isFile = isFile;
  }

  /** Returns the path of the file that nginx sends for a decoded path, or null. */
  find(path: string): string | null {
    const plain = path.replace(/^\/+|\/+$/g, "");
    const all = plain === "" ? ["index.html"] : [plain, `${plain}.html`, `${plain}/index.html`];
    const found = all.filter((each) => !(each === plain && leftover.test(each)));
    return found.find((each) => this.#isFile(each)) ?? null;
  }
}

/** Computes answers. `rules`: those that are reached, in the order of the file. */
export class Answers {
  readonly #exact = [new Map<string, Redirect>(), new Map<string, Redirect>()] as const;
  readonly #patterns = [new PatternIndex(), new PatternIndex()] as const;
  readonly #files: SiteFiles;

  constructor(rules: readonly Redirect[], files: SiteFiles) {
    this.#files = files;
    for (const rule of rules) {
      const i = rule.forced ? 1 : 0;
      if (isExact(rule.from)) this.#exact[i].set(plainAddress(sampleOf(rule.from)), rule);
      else this.#patterns[i].add(rule);
    }
  }

  /** Returns the answer to a decoded path, or null if it is a file or the page of the site for missing files. */
  to(path: string): Answer | null {
    const forced = this.#rule(path, 1);
    if (forced !== null) return forced;
    return this.#files.find(path) === null ? this.#rule(path, 0) : null;
  }

  #rule(path: string, i: 0 | 1): Answer | null {
    const exact = this.#exact[i].get(plainAddress(path));
    if (exact !== undefined) return answer(exact, new Map());
    const found = this.#patterns[i].first(path);
    return found && answer(found.rule, found.values);
  }
}

function answer(rule: Redirect, values: ReadonlyMap<string, string>): Answer | null {
  if (rule.to === null) return { rule, target: null };
  if (!isRedirecting(rule.status)) return { rule, target: filled(rule.to, values) };
  const target = filled(rule.to, new Map([...values].map(([name, value]) => [name, encoded(value)])));
  // A browser would take it for the name of a host.
  return target.startsWith("//") ? null : { rule, target };
}
