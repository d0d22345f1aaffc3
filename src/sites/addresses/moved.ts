// Finds where the file of a vanished address is in the new tree: first by its content, then by its name.

import { digestWords, type Seeds, type Trees } from "../../host/trees.ts";
import { addressOf } from "./address.ts";

/** The size of all files that are read, the smallest first. A deploy copies the new ones anyway; these are read once more. */
const mostBytes = 8 * 2 ** 20;
/** With more removed or added files than this, a whole part of the site has moved, which the names show as well. */
const mostFiles = 2000;

interface Gone {
  address: string;
  path: string;
}

interface Search {
  /** The new tree, and the live one. */
  dir: string;
  live: string;
  added: readonly string[];
  gone: readonly Gone[];
  seeds: Seeds;
}

export class MovedAddresses {
  /** The addresses of added files with the same content, by the path of the removed file. */
  readonly #byContent = new Map<string, string[]>();
  /** The addresses of added files, by the last name in them. */
  readonly #byName = new Map<string, string[]>();

  /** Searches the added files. Only files with a counterpart of the same size are read. */
  static async among(trees: Trees, search: Search): Promise<MovedAddresses> {
    const moved = new MovedAddresses();
    const added: Gone[] = [];
    for (const path of search.added) {
      const address = addressOf(path);
      if (address === null) continue;
      added.push({ address, path });
      addTo(moved.#byName, nameIn(address), address);
    }
    const most = Math.max(added.length, search.gone.length);
    if (added.length > 0 && most <= mostFiles) await moved.#compare(trees, search, added);
    return moved;
  }

  async #compare(trees: Trees, { dir, live, gone, seeds }: Search, added: readonly Gone[]): Promise<void> {
    const before = sizes(trees, live, gone);
    const after = sizes(trees, dir, added);
    let left = mostBytes;
    const old: [Gone, number][] = [];
    const fresh: [Gone, number][] = [];
    for (const size of [...before.keys()].sort((a, b) => a - b)) {
      const [removed = [], counterparts = []] = [before.get(size), after.get(size)];
      const cost = size * (removed.length + counterparts.length);
      if (counterparts.length === 0 || cost > left) continue;
      left -= cost;
      for (const file of removed) old.push([file, size]);
      for (const file of counterparts) fresh.push([file, size]);
    }
    const digestsOf = async (tree: string, files: [Gone, number][]): Promise<string[]> => {
      const words = await trees.digests(
        files.map(([{ path }, size]) => [`${tree}/${path}`, size]),
        seeds,
      );
      return files.map((_, i) => words.subarray(i * digestWords, (i + 1) * digestWords).join(" "));
    };
    const [oldDigests, freshDigests] = [await digestsOf(live, old), await digestsOf(dir, fresh)];
    const byDigest = new Map<string, string[]>();
    for (const [i, [{ address }]] of fresh.entries()) addTo(byDigest, freshDigests[i] ?? "", address);
    for (const [i, [{ path }]] of old.entries()) {
      const found = byDigest.get(oldDigests[i] ?? "");
      if (found !== undefined) this.#byContent.set(path, found);
    }
  }

  /** Returns the address that a removed file has now; null if none or no single one is likely. */
  of(path: string, address: string): string | null {
    return nearest(address, this.#byContent.get(path) ?? this.#byName.get(nameIn(address)) ?? []);
  }
}

/** Returns the files of a tree by their size. Empty files are left out, because they all have the same content. */
function sizes(trees: Trees, tree: string, files: readonly Gone[]): Map<number, Gone[]> {
  const found = new Map<number, Gone[]>();
  for (const file of files) {
    const entry = trees.entry(`${tree}/${file.path}`);
    if (entry?.type === "file" && entry.size > 0) addTo(found, entry.size, file);
  }
  return found;
}

function addTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

const namesIn = (address: string): string[] => address.split("/").filter((name) => name !== "");
const nameIn = (address: string): string => namesIn(address).at(-1) ?? "/";

/** Returns the candidate with the most names in common, counted from the end and then from the start; null for a tie. */
function nearest(address: string, candidates: readonly string[]): string | null {
  const names = namesIn(address);
  let [best, most]: [string | null, number] = [null, -1];
  for (const candidate of candidates) {
    const others = namesIn(candidate);
    const score = 1000 * common(names.toReversed(), others.toReversed()) + common(names, others);
    if (score > most) [best, most] = [candidate, score];
    else if (score === most) best = null;
  }
  return best;
}

function common(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((name, i) => name !== b[i]);
  return differs < 0 ? a.length : differs;
}
