// A hash table for nginx, of exact paths and their values. A `map` has one too, but its size is a setting of the whole
// http block that nginx refuses behind any other map, and it ignores case. `split_clients` needs no setting: it hashes a
// path into one of equal parts, and the value of a part lists the few entries with such a hash.

import { murmurHash2 } from "./murmur.ts";

/** A list with its quotes is one word of nginx's configuration, which has at most 4,096 bytes. */
const longestList = 3900;
const entriesAPart = 4;
/** nginx takes percentages with two digits after the point: each part has this many hundredths of a percent. */
const shares = [10_000, 5000, 2500, 1000, 500, 250, 200, 100, 50, 25, 20, 10, 8, 5, 4, 2, 1];
const salts = ["", ...Array.from({ length: 15 }, (_, i) => `${i + 1}`)];

interface Table {
  /** Precedes the path in what is hashed, so that no set of paths has to share a part. */
  salt: string;
  /** The share of each part in hundredths of a percent. */
  share: number;
  /** The list of each part: `|PATH|VALUE|PATH|VALUE|`, or "". */
  lists: string[];
}

/** Returns the table, or null if too many entries share a hash. */
export function tableOf(entries: readonly (readonly [path: string, value: string])[]): Table | null {
  for (const share of shares) {
    const parts = 10_000 / share;
    if (parts * entriesAPart < entries.length && share !== shares.at(-1)) continue;
    for (const salt of salts) {
      const lists = fill(entries, salt, share);
      if (lists !== null) return { salt, share, lists };
    }
  }
  return null;
}

function fill(entries: Parameters<typeof tableOf>[0], salt: string, share: number): string[] | null {
  const lists = Array.from({ length: 10_000 / share }, () => "");
  const bytes = lists.map(() => 0);
  for (const [path, value] of entries) {
    const i = partOf(murmurHash2(new TextEncoder().encode(salt + path)), share);
    const added = `${path}|${value}|`;
    lists[i] = (lists[i] || "|") + added;
    bytes[i] = (bytes[i] ?? 0) + Buffer.byteLength(added);
    if ((bytes[i] ?? 0) > longestList) return null;
  }
  return lists;
}

/** Returns the index of the part as nginx computes it: each part ends where the sum of the rounded shares is. */
function partOf(hash: number, share: number): number {
  const width = Math.floor((share * 0xffffffff) / 10_000);
  return Math.min(Math.floor(hash / width), 10_000 / share - 1);
}

/** Returns the lines that define a variable with the list of a path. `path` and `name` are names of variables. */
export function tableLines({ salt, share, lists }: Table, path: string, name: string): string[] {
  if (lists.length === 1) return [`map "" $${name} {`, `    default "${lists[0]}";`, "}"];
  const percent = (share / 100).toFixed(2);
  return [
    `split_clients "${salt}$${path}" $${name} {`,
    ...lists.map((list, i) => `    ${i === lists.length - 1 ? "*" : `${percent}%`} "${list}";`),
    "}",
  ];
}
