// Selects the entries of a source that are left out of the site, and finds secrets by their names.

import type { Listing } from "../../host/listing.ts";
import type { TreeEntry } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { few } from "../../text/lines.ts";
import { withFlag } from "../../text/with-flag.ts";
import { SomePaths } from "../serve/unserved.ts";
import { isNamed, isSecret, isVersionDir, type Selection } from "./secrets.ts";
import type { SourceSelection } from "./source-hints.ts";

/** The largest number of secrets that a hint excludes. A source with more is probably the wrong directory. */
const mostExcluded = 20;

/** Sorts the entries of one source. "everything" is for an earlier release, which was checked when it was deployed. */
export class LeftOutEntries {
  /** Paths of the source that are left out. */
  readonly paths = new Set<string>();
  readonly #versions: string[] = [];
  readonly #secrets = new Set<string>();
  readonly #unmet: Set<string>;

  constructor(readonly select: Selection | "everything") {
    this.#unmet = new Set(select === "everything" ? [] : [...select.include, ...select.exclude]);
  }

  /** Returns whether a directory is left out. */
  leaves(path: string): boolean {
    if (this.select === "everything") return false;
    const { include, exclude } = this.select;
    const isExcluded = exclude.includes(path);
    const isVersion = !isExcluded && isVersionDir(path) && !isNamed(path, include);
    if (isExcluded) this.#unmet.delete(path);
    if (isVersion) this.#versions.push(path);
    if (isExcluded || isVersion) this.paths.add(path);
    return isExcluded || isVersion;
  }

  /** Leaves out the files that the caller excluded. */
  addFiles(entries: Listing): void {
    if (this.select === "everything" || this.select.exclude.length === 0) return;
    for (const path of entries.leaveOut(new Set(this.select.exclude))) {
      this.#unmet.delete(path);
      this.paths.add(path);
    }
  }

  /** Checks an entry. {@link demandNoSecret} throws later if it is a secret. */
  judge(entry: TreeEntry): void {
    if (this.select === "everything") return;
    if (this.#unmet.size > 0) this.#unmet.delete(entry.path);
    if (!isSecret(entry) || isNamed(entry.path, this.select.include)) return;
    // A path in a secret directory is not reported separately.
    if (!this.#isBelow(entry.path)) this.#secrets.add(entry.path);
  }

  /** Returns whether a path is below one of the secrets, in time independent of their number. */
  #isBelow(path: string): boolean {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      if (this.#secrets.has(path.slice(0, end))) return true;
    }
    return false;
  }

  /** Throws a Problem for an excluded path that is a pattern: the files that it should match would be published. */
  demandNoPattern(): void {
    if (this.select === "everything") return;
    const pattern = this.select.exclude.find((path) => /[*?]/.test(path) && this.#unmet.has(path));
    if (pattern === undefined) return;
    const message = `--exclude takes paths and no patterns, and nothing in the source has the name ${pattern}`;
    throw new Problem("usage", message);
  }

  /** Throws a Problem that names the secrets of the source. */
  demandNoSecret({ name, again, isRemote }: SourceSelection): void {
    if (this.#secrets.size === 0 || this.select === "everything") return;
    const all = SomePaths.of(this.#secrets).described();
    const way = isRemote ? ": leave them out" : " (--exclude or --include each)";
    const message = `${name} is not published: these look like secrets by name, ${all}${way}`;
    const excluded = [...this.select.exclude, ...this.#secrets];
    const canType = excluded.length <= mostExcluded && !excluded.some((path) => path.includes(","));
    const hint = canType ? withFlag(again, "--exclude", excluded.join(",")) : ["ls", "-la", name];
    throw new Problem("unsafe-source", message, { hint });
  }

  /** Returns warnings. */
  notes(): string[] {
    const notes: string[] = [];
    if (this.#versions.length > 0) notes.push(`left out, as version control data: ${few(this.#versions)}`);
    if (this.#unmet.size > 0) {
      notes.push(
        `nothing in the source has a name that was given with --include or --exclude: ${few([...this.#unmet])}`,
      );
    }
    return notes;
  }
}
