// Finds the file of a tree that nginx sends for an address. The rules are those of the generated nginx site.

import type { Listing } from "../../host/listing.ts";
import { endOf } from "../deploy/links.ts";
import { hasHiddenName, isLeftover } from "../serve/unserved.ts";

interface Names {
  files: Set<string>;
  dirs: Set<string>;
}

/** A tree of a site. The names of a directory are only read when they are needed. */
export class ServedTree {
  readonly #entries: Listing;
  readonly #links: ReadonlyMap<string, string>;
  readonly #known = new Map<string, Names>();

  /** `links`: the target of each symlink, by its path. */
  constructor(entries: Listing, links: ReadonlyMap<string, string>) {
    this.#entries = entries;
    this.#links = links;
  }

  /** Returns the file that a decoded address leads to, also by a redirect of nginx; null where nginx answers 404. */
  fileOf(address: string): string | null {
    const path = address.slice(1);
    if (path === "") return this.#file("index.html");
    if (hasHiddenName(path)) return null;
    if (path.endsWith("/")) {
      const folder = path.slice(0, -1);
      return this.#file(`${folder}/index.html`) ?? this.#file(`${folder}.html`);
    }
    const exact = isLeftover(path) ? null : this.#file(path);
    return exact ?? this.#file(`${path}.html`) ?? this.#file(`${path}/index.html`);
  }

  /** Returns the address of a file whose path differs only in the case of its letters; null for none. */
  otherCaseOf(address: string): string | null {
    const lower = address.toLowerCase();
    let dir = "";
    const names = address.slice(1).split("/");
    for (const [i, name] of names.entries()) {
      const { files, dirs } = this.#names(dir);
      const found = [...dirs, ...files].find((each) => each.toLowerCase() === name.toLowerCase());
      // Only the last name may lack its .html.
      const last =
        i < names.length - 1
          ? undefined
          : [...files].find((each) => each.toLowerCase() === `${name.toLowerCase()}.html`);
      const next = name === "" ? "" : (found ?? last?.slice(0, -".html".length));
      if (next === undefined) return null;
      dir = dir === "" ? next : `${dir}/${next}`;
    }
    const other = `/${dir}`;
    return other !== address && other.toLowerCase() === lower && this.fileOf(other) !== null ? other : null;
  }

  /** Returns the path of a file with its symlinks resolved; null if it is missing or a directory. */
  #file(path: string): string | null {
    const end = this.#links.size === 0 ? path : endOf(path, this.#links);
    if (end === null) return null;
    const at = end.lastIndexOf("/");
    return this.#names(at < 0 ? "" : end.slice(0, at)).files.has(end.slice(at + 1)) ? end : null;
  }

  #names(path: string): Names {
    const dir = this.#links.size === 0 ? path : (endOf(path, this.#links) ?? path);
    const known = this.#known.get(dir);
    if (known !== undefined) return known;
    const names: Names = { files: new Set(), dirs: new Set() };
    // A directory that does not exist has no entries. It is not stored: links may name any number of them.
    if (!this.#entries.has(dir)) return names;
    for (const open = this.#entries.open(dir); open.name !== undefined; ) {
      const { name } = open;
      const { type } = open.take();
      (type === "directory" ? names.dirs : names.files).add(name);
    }
    this.#known.set(dir, names);
    return names;
  }
}
