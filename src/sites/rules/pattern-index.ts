// Finds the first of many patterns that matches a path. It visits only patterns whose segments fit, because a site may
// have 20,000 paths and 1,000 patterns that begin alike.

import { match } from "./pattern.ts";
import type { Redirect } from "./redirects.ts";

/** The patterns whose segments lead to one place. Each list has the rules in the order in which they were added. */
interface Node {
  texts: Map<string, Node>;
  anyText: Node | null;
  /** Of several patterns of one shape, only the first one is ever found. */
  whole: Redirect | null;
  splat: Redirect | null;
}

const newNode = (): Node => ({ texts: new Map(), anyText: null, whole: null, splat: null });

/** Rules with patterns, in the order of their lines. */
export class PatternIndex {
  readonly #top = newNode();

  /** Adds a rule. Its line follows those of all rules that were added before. */
  add(rule: Redirect): void {
    let node = this.#top;
    for (const segment of rule.from.segments) {
      if ("name" in segment) node = node.anyText ??= newNode();
      else {
        const next = node.texts.get(segment.text) ?? newNode();
        node.texts.set(segment.text, next);
        node = next;
      }
    }
    if (rule.from.splat) node.splat ??= rule;
    else node.whole ??= rule;
  }

  /** Returns the rule with the lowest line that matches a decoded path, and what its placeholders stand for. */
  first(path: string): { rule: Redirect; values: Map<string, string> } | null {
    const words = path.slice(1).split("/");
    const found: Redirect[] = [];
    let nodes = [this.#top];
    for (let i = 0; nodes.length > 0; i++) {
      for (const { whole, splat } of nodes) {
        if (splat !== null) found.push(splat);
        // At most a slash or index.html follows.
        if (whole !== null && i + 1 >= words.length) found.push(whole);
      }
      const word = words[i];
      if (word === undefined) break;
      nodes = nodes.flatMap(({ texts, anyText }) => {
        const names = word.endsWith(".html") ? [word, word.slice(0, -".html".length)] : [word];
        return [...names.map((name) => texts.get(name)), anyText].filter((each) => each != null);
      });
    }
    for (const rule of found.sort((a, b) => a.line - b.line)) {
      const values = match(rule.from, path);
      if (values !== null) return { rule, values };
    }
    return null;
  }
}
