// What of a source is left out of the site, and what may not be in it at all, by its name.

import { few } from "../engine/lines.ts";
import { Problem } from "../engine/step.ts";
import { withFlag } from "../engine/with-flag.ts";
import type { Listing } from "../host/listing.ts";
import type { Entry } from "../host/trees.ts";
import { isNamed, isSecret, isVersionDir, type Selection } from "./secrets.ts";
import { SomePaths } from "./unserved.ts";

/** Secrets that a hint excludes by their names. Where there are more, the source is another one than was meant. */
const mostExcluded = 20;

/** Sorts out the entries of one source. "everything": of an earlier release, which was judged when it was deployed. */
export class LeftOut {
  /** Paths that were in the source. */
  readonly paths = new Set<string>();
  readonly #versions: string[] = [];
  readonly #secrets = new Set<string>();
  readonly #unmet: Set<string>;

  constructor(readonly select: Selection | "everything") {
    this.#unmet = new Set(select === "everything" ? [] : [...select.include, ...select.exclude]);
  }

  /** Reports whether a directory is left out. */
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

  /** Leaves the files out that somebody excluded. */
  addFiles(entries: Listing): void {
    if (this.select === "everything" || this.select.exclude.length === 0) return;
    for (const path of entries.leaveOut(new Set(this.select.exclude))) {
      this.#unmet.delete(path);
      this.paths.add(path);
    }
  }

  /** Takes an entry that is published unless {@link demandNoSecret} throws for it. */
  judge(entry: Entry): void {
    if (this.select === "everything") return;
    if (this.#unmet.size > 0) this.#unmet.delete(entry.path);
    if (!isSecret(entry) || isNamed(entry.path, this.select.include)) return;
    // What is below a directory of secrets is no other one.
    if (!this.#isBelow(entry.path)) this.#secrets.add(entry.path);
  }

  /** Reports whether a path is below one of the secrets, in time that does not grow with their number. */
  #isBelow(path: string): boolean {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      if (this.#secrets.has(path.slice(0, end))) return true;
    }
    return false;
  }

  /** Throws a Problem for a pattern among the paths to exclude: what it was meant for would be published. */
  demandNoPattern(): void {
    if (this.select === "everything") return;
    const pattern = this.select.exclude.find((path) => /[*?]/.test(path) && this.#unmet.has(path));
    if (pattern === undefined) return;
    const message = `--exclude takes paths and no patterns, and nothing in the source has the name ${pattern}`;
    throw new Problem("usage", message);
  }

  /** Throws a Problem that names the secrets of the source. `line`: the command, for a hint that excludes them. */
  demandNoSecret(name: string, line: readonly string[]): void {
    if (this.#secrets.size === 0 || this.select === "everything") return;
    const all = SomePaths.of(this.#secrets).described();
    const message = `${name} is not published: by their names these hold secrets, ${all} (--exclude or --include each)`;
    const excluded = [...this.select.exclude, ...this.#secrets];
    const canType = excluded.length <= mostExcluded && !excluded.some((path) => path.includes(","));
    const hint = canType ? withFlag(line, "--exclude", excluded.join(",")) : ["ls", "-la", name];
    throw new Problem("blocked", message, { hint });
  }

  /** Returns warnings for a person. */
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
