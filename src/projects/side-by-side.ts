// Two trees in one pass, so that neither has to be held.

import type { Entry } from "../host/trees.ts";
import type { Listed } from "./listing.ts";

/** Of a path that both have, both entries; of another, the one there is. Each in the order of a walk. */
export type Pair = [Listed, Entry | undefined] | [undefined, Entry];

export function* sideBySide(ones: Iterable<Listed>, others: Iterable<Entry>): Generator<Pair> {
  const rest = others[Symbol.iterator]();
  let other = rest.next();
  for (const one of ones) {
    while (!other.done && isBefore(other.value.path, one.path)) {
      yield [undefined, other.value];
      other = rest.next();
    }
    if (!other.done && other.value.path === one.path) {
      yield [one, other.value];
      other = rest.next();
    } else yield [one, undefined];
  }
  for (; !other.done; other = rest.next()) yield [undefined, other.value];
}

/** In a walk, what is in a directory comes before the names that begin as the directory's. */
function isBefore(a: string, b: string): boolean {
  return a !== b && a.replaceAll("/", "\0") < b.replaceAll("/", "\0");
}
